import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import {
  openChallenge,
  type RejectedSignIn,
  recordAnswer,
  type SignInAnswer,
  type SignInChallenge,
  sealAnswer,
} from '../accounts/sign-in-challenges.ts'
import { findUserById, userEntry } from '../accounts/users.ts'
import { recordAudit } from '../audit/audit-log.ts'
import { getClient } from '../clients/clients.ts'
import { getInstanceSettings, type InstanceSettings } from '../clients/instance-settings.ts'
import { invalidInput, KeywrightError } from '../shared/errors.ts'
import { type Management, operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { memberOf, type UserOfProduct } from './users-of-product.ts'

/** Milliseconds by which the clock of the product may be ahead or behind. */
const CLOCK_SKEW = 60_000

/** A sign-in that waits for the product. */
export interface DescribedChallenge {
  /** Null: the console, or the user's own account. */
  readonly application: { readonly clientId: string; readonly name: string } | null
  /** The user who is signed in and must prove that it is still they. */
  readonly user: { readonly id: string; readonly externalId: string | null } | null
  /** `login`: the user must sign in although the product has a session of theirs. */
  readonly prompt: 'login' | null
  /** Seconds. */
  readonly maxAge: number | null
  readonly loginHint: string | null
  readonly uiLocales: readonly string[]
  readonly acrValues: readonly string[]
  readonly expiresAt: Date
}

/** Only a service has the users of the product: an operator, or an application acting for one, must not sign in as others. */
function requireService({ userId, scopes }: Principal): void {
  if (userId === null && scopes !== null) return
  throw new KeywrightError('forbidden', 'only a service that acts for itself answers sign-in challenges')
}

/** @throws KeywrightError `not_found` */
function open({ encryptionKeys }: Management, sealed: string): SignInChallenge {
  const challenge = openChallenge(encryptionKeys, sealed, Date.now())
  if (!challenge) throw new KeywrightError('not_found', 'the sign-in challenge has expired or does not exist')
  return challenge
}

const wordsIn = (text: string | undefined): readonly string[] => text?.split(' ').filter(Boolean) ?? []

interface ChallengeSelector {
  /** Sealed. */
  readonly challenge: string
}

/** What the product needs to know of a sign-in. @throws KeywrightError `not_found`, `forbidden` */
export const readSignInChallenge = operation<ChallengeSelector, DescribedChallenge>(
  PERMISSIONS.answerSignIns,
  async (management, principal, { challenge: sealed }) => {
    requireService(principal)
    const challenge = open(management, sealed)
    const { clientId, userId, isForced, maxAge, loginHint, uiLocales, acrValues } = challenge
    const application = clientId === undefined ? undefined : await getClient(management.knex, clientId)
    const user = userId === undefined ? undefined : await findUserById(management.knex, userId)
    return {
      application: application ? { clientId: application.clientId, name: application.name } : null,
      user: user ? { id: user.id, externalId: user.externalId } : null,
      prompt: isForced ? 'login' : null,
      maxAge: maxAge ?? null,
      loginHint: loginHint ?? null,
      uiLocales: wordsIn(uiLocales),
      acrValues: wordsIn(acrValues),
      expiresAt: new Date(challenge.expiresAt),
    }
  },
)

interface Acceptance extends ChallengeSelector {
  readonly user: UserOfProduct
  /** An account ID or an external ID; absent: the first account of the user. */
  readonly account?: string | undefined
  /** The session stays in the account, and changes nothing that the user has outside it. */
  readonly accountFixed: boolean
  readonly acr?: string | undefined
  readonly amr: readonly string[]
  readonly authTime?: Date | undefined
}

/** A session of the product may be older than the request permits. @throws KeywrightError `invalid_input` */
function checkAuthTime(
  { isForced, maxAge, issuedAt }: SignInChallenge,
  authTime: Date | undefined,
  { sessionLifetime }: InstanceSettings,
): void {
  const fail = (message: string): never => {
    throw invalidInput(message, 'authTime')
  }
  if (!authTime) {
    if (isForced || maxAge !== undefined) fail('the challenge has prompt or max_age, so auth_time is required')
    return
  }
  const at = authTime.getTime()
  const now = Date.now()
  if (at > now + CLOCK_SKEW) fail('the time is in the future')
  if (isForced && at < issuedAt - CLOCK_SKEW) fail('the challenge has prompt=login: ask the user to sign in again')
  const oldest = Math.min(maxAge ?? sessionLifetime, sessionLifetime)
  if (at < now - oldest * 1000 - CLOCK_SKEW)
    fail(`the user signed in more than ${oldest} seconds ago: ask the user to sign in again`)
}

/** What of the product's statements is believed. */
const believed = ({ amr, acr }: Acceptance, { signInUrlMfa }: InstanceSettings) =>
  signInUrlMfa ? { amr, ...(acr !== undefined && { acr }) } : { amr: amr.filter((method) => method !== 'mfa') }

/** @throws KeywrightError `conflict`: it was answered before */
async function recordOnce(trx: Knex, challenge: SignInChallenge): Promise<void> {
  if (!(await recordAnswer(trx, challenge)))
    throw new KeywrightError('conflict', 'the sign-in challenge was answered before')
}

/** Where the product sends the browser: an address of this server only. */
export interface AnsweredChallenge {
  readonly redirectTo: string
}

function redirectOf(
  { encryptionKeys, issuerUrl }: Management,
  challenge: SignInChallenge,
  answer: Pick<SignInAnswer, 'accepted' | 'rejected'>,
): AnsweredChallenge {
  const { uid } = challenge
  const path = uid === undefined ? '/signin' : `/interaction/${encodeURIComponent(uid)}`
  const url = new URL(`${path}/product/return`, issuerUrl!())
  url.searchParams.set('answer', sealAnswer(encryptionKeys, challenge, answer, Date.now()))
  return { redirectTo: url.href }
}

const applicationOf = ({ clientId }: SignInChallenge) => (clientId === undefined ? {} : { application: clientId })

/**
 * Accepts a sign-in, once. Creates or updates the user if an address is given.
 * @throws KeywrightError `not_found`, `forbidden`, `invalid_input`, `conflict`
 */
export const acceptSignIn = operation<Acceptance, AnsweredChallenge>(
  PERMISSIONS.answerSignIns,
  async (management, principal, acceptance) => {
    requireService(principal)
    const { knex } = management
    const challenge = open(management, acceptance.challenge)
    const settings = await getInstanceSettings(knex)
    checkAuthTime(challenge, acceptance.authTime, settings)
    const { member, accountId } = await memberOf(management, principal, acceptance)
    const { amr, ...acr } = believed(acceptance, settings)
    const { authTime, accountFixed } = acceptance
    const account = accountFixed ? (accountId ?? member.accountId!) : accountId
    await knex.transaction(async (trx) => {
      await recordOnce(trx, challenge)
      const detail = { ...applicationOf(challenge), ...(accountFixed && { account_fixed: true }) }
      await recordAudit(trx, principal.actor, userEntry('user.sign_in_accepted', member, detail))
    })
    const elsewhere = {
      ...acr,
      authenticatedAt: Math.min(authTime?.getTime() ?? Date.now(), Date.now()),
      ...(account !== undefined && { account: { id: account, isFixed: accountFixed } }),
    }
    const since = Number(member.sessionsValidFrom)
    return redirectOf(management, challenge, { accepted: { userId: member.id, since, amr, elsewhere } })
  },
)

/** Rejects a sign-in, once. @throws KeywrightError `not_found`, `forbidden`, `conflict` */
export const rejectSignIn = operation<ChallengeSelector & RejectedSignIn, AnsweredChallenge>(
  PERMISSIONS.answerSignIns,
  async (management, principal, { challenge: sealed, error, description }) => {
    requireService(principal)
    const challenge = open(management, sealed)
    await management.knex.transaction(async (trx) => {
      await recordOnce(trx, challenge)
      const target = { type: 'instance', id: 'instance' }
      const detail = { ...applicationOf(challenge), error }
      await recordAudit(trx, principal.actor, { action: 'instance.sign_in_rejected', target, detail })
    })
    return redirectOf(management, challenge, { rejected: { error, ...(description !== undefined && { description }) } })
  },
)
