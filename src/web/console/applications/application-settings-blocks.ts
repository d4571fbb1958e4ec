import type { ClientSettings } from '../../../clients/client-settings.ts'
import { actsFor } from '../../../clients/grant-types.ts'
import type { RateLimit } from '../../../shared/rate-limit-format.ts'
import type { Block } from '../kit/blocks.ts'
import { type Cell, type Fact, fact, linesCell, quietCell, textCell } from '../kit/cells.ts'
import { durationInWords } from '../kit/duration-text.ts'
import { ACCESS_TYPE_WORDS, CONSENT_WORDS, legacyOptionText } from './application-texts.ts'

const NUMBER = new Intl.NumberFormat('en')

const PERIODS: Readonly<Record<number, string>> = { 1: 'second', 60: 'minute', 3600: 'hour' }

const rateInWords = ({ count, period }: RateLimit): string =>
  `${NUMBER.format(count)} ${PERIODS[period] ? `per ${PERIODS[period]}` : `in ${durationInWords(period)}`}`

const lifetimeCell = (seconds: number | null, otherwise: string): Cell =>
  seconds === null ? quietCell(otherwise) : textCell(durationInWords(seconds))

const POLICY_WORDS = { none: 'Keep earlier tokens', single: 'Revoke the earlier token' } as const

function tokenFacts(settings: ClientSettings): Fact[] {
  const { accessTokenTtl, refreshTokenTtl, refreshTokenMaxAge, refreshTokens, policy } = settings
  return [
    fact('Access token lifetime', lifetimeCell(accessTokenTtl, 'set by the API')),
    fact('Refresh token lifetime', lifetimeCell(refreshTokenTtl, '30 days')),
    fact('Maximum session age', lifetimeCell(refreshTokenMaxAge, 'no limit')),
    fact('Refresh token issuance', textCell(refreshTokens === 'always' ? 'Always' : 'On request')),
    fact('Token policy', policy === null ? quietCell('set by the API') : textCell(POLICY_WORDS[policy])),
  ]
}

function signInFacts(settings: ClientSettings): Fact[] {
  const { redirectUris, consent, defaultScopes, postLogoutRedirectUris, backchannelLogoutUri, idTokenAlg } = settings
  return [
    fact('Redirect URIs', linesCell(redirectUris)),
    fact('Default scopes', linesCell(defaultScopes ?? [], 'all allowed scopes')),
    fact('Allow/deny screen', textCell(CONSENT_WORDS[consent])),
    fact('Post-logout redirect URIs', linesCell(postLogoutRedirectUris, 'none')),
    fact('Back-channel logout URI', linesCell(backchannelLogoutUri === null ? [] : [backchannelLogoutUri], 'none')),
    fact('ID token signing algorithm', textCell(idTokenAlg)),
  ]
}

const lastFacts = (settings: ClientSettings): Fact[] => {
  const options = legacyOptionText(settings)
  return [fact('Legacy compatibility', options.length > 0 ? textCell(options.join(' · ')) : quietCell('none'))]
}

function operatorFacts({ rateLimit, accessType }: ClientSettings): Fact[] {
  return [
    fact('Rate limit', rateLimit === null ? quietCell('no limit') : textCell(rateInWords(rateLimit))),
    fact('Access type', textCell(ACCESS_TYPE_WORDS[accessType])),
  ]
}

/** The settings of an application, as its page shows them. */
export function settingsBlocks(client: ClientSettings, isOperator: boolean): Block[] {
  const signIn: Block = { part: 'facts', heading: 'Sign-in', facts: signInFacts(client) }
  return [
    ...(actsFor('user', client.grants) ? [signIn] : []),
    { part: 'facts', heading: 'Tokens', facts: [...tokenFacts(client), ...lastFacts(client)] },
    ...(isOperator
      ? [{ part: 'facts', heading: 'Visible to operators only', facts: operatorFacts(client) } as const]
      : []),
  ]
}
