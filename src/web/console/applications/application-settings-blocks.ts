import type { ClientSettings } from '../../../clients/client-settings.ts'
import type { RateLimit } from '../../../shared/rate-limit-format.ts'
import type { Block } from '../kit/blocks.ts'
import { type Cell, type Fact, fact, linesCell, quietCell, textCell } from '../kit/cells.ts'
import { durationInWords } from '../kit/duration-text.ts'
import { ACCESS_TYPE_WORDS, actsForUsers, CONSENT_WORDS, legacyOptionText } from './application-texts.ts'

const NUMBER = new Intl.NumberFormat('en')

const PERIODS: Readonly<Record<number, string>> = { 1: 'second', 60: 'minute', 3600: 'hour' }

const rateInWords = ({ count, period }: RateLimit): string =>
  `${NUMBER.format(count)} ${PERIODS[period] ? `per ${PERIODS[period]}` : `in ${durationInWords(period)}`}`

const lifetimeCell = (seconds: number | null, otherwise: string): Cell =>
  seconds === null ? quietCell(otherwise) : textCell(durationInWords(seconds))

const POLICY_WORDS = { none: 'Leaves earlier ones alone', single: 'Ends the earlier one' } as const

function tokenFacts(settings: ClientSettings): Fact[] {
  const { accessTokenTtl, refreshTokenTtl, refreshTokenMaxAge, refreshTokens, policy } = settings
  return [
    fact('Access tokens last', lifetimeCell(accessTokenTtl, 'as long as the API says')),
    fact('Refresh tokens last', lifetimeCell(refreshTokenTtl, '30 days')),
    fact('People sign in again after', lifetimeCell(refreshTokenMaxAge, 'no end')),
    fact('It gets a refresh token', textCell(refreshTokens === 'always' ? 'Always' : 'When it asks for it')),
    fact('A new access token', policy === null ? quietCell('does what the API says') : textCell(POLICY_WORDS[policy])),
  ]
}

function signInFacts(settings: ClientSettings): Fact[] {
  const { redirectUris, consent, defaultScopes, postLogoutRedirectUris, backchannelLogoutUri, idTokenAlg } = settings
  return [
    fact('Redirect URLs', linesCell(redirectUris)),
    fact('Scopes of a sign-in that names none', linesCell(defaultScopes ?? [], 'every one that it has')),
    fact('Allow/deny screen', textCell(CONSENT_WORDS[consent])),
    fact('After signing out', linesCell(postLogoutRedirectUris, 'people stay here')),
    fact('Told of a sign-out', linesCell(backchannelLogoutUri === null ? [] : [backchannelLogoutUri], 'nobody')),
    fact('ID tokens are signed with', textCell(idTokenAlg)),
  ]
}

const lastFacts = (settings: ClientSettings): Fact[] => {
  const legacyOptionUses = legacyOptionText(settings)
  return [
    fact(
      'For older programs',
      legacyOptionUses.length > 0 ? textCell(legacyOptionUses.join(' · ')) : quietCell('nothing is relaxed'),
    ),
  ]
}

function operatorFacts({ rateLimit, accessType }: ClientSettings): Fact[] {
  return [
    fact('Requests for tokens', rateLimit === null ? quietCell('no limit') : textCell(rateInWords(rateLimit))),
    fact('Access type', textCell(ACCESS_TYPE_WORDS[accessType])),
  ]
}

/** What was said of an application, as a page shows it. */
export function settingsBlocks(client: ClientSettings, isOperator: boolean): Block[] {
  const signIn: Block = { part: 'facts', heading: 'Signing people in', facts: signInFacts(client) }
  return [
    ...(actsForUsers(client.grants) ? [signIn] : []),
    { part: 'facts', heading: 'Its tokens', facts: [...tokenFacts(client), ...lastFacts(client)] },
    ...(isOperator
      ? [{ part: 'facts', heading: 'Only operators see this', facts: operatorFacts(client) } as const]
      : []),
  ]
}
