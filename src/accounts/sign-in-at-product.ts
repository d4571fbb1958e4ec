import type { Knex } from 'knex'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { type Credentials, lockCredentials } from './credentials.ts'
import {
  type AcceptedSignIn,
  openAnswer,
  type RejectedSignIn,
  type SignInAnswer,
  type SignInRequest,
  sealChallenge,
  useAnswer,
} from './sign-in-challenges.ts'
import type { SignInProgress, SignInStep } from './sign-in-progress.ts'
import { recordFirstFactor, recordSignIn, type SignInOrigin } from './sign-in-record.ts'
import { isMultiFactor } from './sign-in-tickets.ts'
import { findUserOfSession, mayAct } from './users.ts'

/** A browser that came back from the product. */
export interface ReturnedBrowser extends SignInOrigin {
  /** Sealed. */
  readonly answer: string
  /** Of this browser (`browserBinding`). */
  readonly boundTo: string
  /** The interaction that it came back to; absent: none. */
  readonly uid?: string
  /** What this browser was given at an earlier sign-in. */
  readonly browser?: string | undefined
  readonly demandsSecondFactor: boolean
}

export type ReturnedSignIn =
  | SignInStep
  | ({ readonly outcome: 'rejected' } & RejectedSignIn)
  /** The answer has expired, or was used before, or the user may not sign in any more. */
  | { readonly outcome: 'expired' }
  /** The sign-in was begun in another browser, or for another interaction. */
  | { readonly outcome: 'other_browser' }

interface Completed {
  readonly result: ReturnedSignIn
  /** Where the user goes afterwards, a path of this site; absent: an interaction waits. */
  readonly returnTo?: string | undefined
}

const EXPIRED = { outcome: 'expired' } as const
const OTHER_BROWSER = { outcome: 'other_browser' } as const

export interface SignInAtProduct {
  /** A challenge for the product: sealed, bound to the browser and single-use; nothing is stored. */
  challenge(request: SignInRequest, boundTo: string): string
  /** Goes on with the sign-in that the product accepted or rejected, once over all nodes. */
  complete(returned: ReturnedBrowser): Promise<Completed>
}

/** Whether the user may still sign in as the product stated, in the account that it named. */
async function isStill(trx: Knex, person: Credentials, { since, elsewhere }: AcceptedSignIn): Promise<boolean> {
  const { user } = person
  if (!person.mayAct || user.role === 'operator' || Number(user.sessionsValidFrom) !== since) return false
  const member = await findUserOfSession(trx, user.id, elsewhere.account)
  return member !== undefined && mayAct(member)
}

/**
 * Sign-in at the operator's own product.
 * @param clock the database's, so that all nodes agree on when an answer ends
 * @param count hears of each browser that is sent to the product, and of what came of each that returns
 */
export function createSignInAtProduct(
  knex: Knex,
  encryptionKeys: EncryptionKeys,
  clock: Clock,
  progress: SignInProgress,
  count: (outcome: ReturnedSignIn['outcome'] | 'sent_to_product') => void = () => {},
): SignInAtProduct {
  async function signIn(
    answer: SignInAnswer,
    accepted: AcceptedSignIn,
    returned: ReturnedBrowser,
  ): Promise<ReturnedSignIn> {
    const { amr, elsewhere } = accepted
    const person = await knex.transaction(async (trx) => {
      const locked = await lockCredentials(trx, accepted.userId)
      if (!(await useAnswer(trx, answer)) || !locked || !(await isStill(trx, locked, accepted))) return undefined
      const isNewBrowser = progress.browsers.recognise(returned.browser, locked) === undefined
      const origin = { ...returned, isNewBrowser }
      const isFirstFactor = locked.hasSecondFactor && !isMultiFactor(amr)
      if (isFirstFactor) await recordFirstFactor(trx, locked, origin)
      else await recordSignIn(trx, { ...locked, passwordChangeRequired: false }, origin, { at: 'product' })
      return locked
    })
    if (!person) return EXPIRED
    const known = progress.browsers.recognise(returned.browser, person)
    const { demandsSecondFactor } = returned
    return progress.next(person, { amr, demandsSecondFactor, elsewhere }, known?.token)
  }

  async function use(answer: SignInAnswer | undefined, returned: ReturnedBrowser): Promise<ReturnedSignIn> {
    if (!answer) return EXPIRED
    if (answer.browser !== returned.boundTo || answer.uid !== returned.uid) return OTHER_BROWSER
    const { accepted, rejected } = answer
    if (accepted) return await signIn(answer, accepted, returned)
    return (await useAnswer(knex, answer)) ? { outcome: 'rejected', ...rejected! } : EXPIRED
  }

  return {
    challenge(request, boundTo) {
      count('sent_to_product')
      return sealChallenge(encryptionKeys, request, boundTo, clock.now())
    },
    async complete(returned) {
      const answer = openAnswer(encryptionKeys, returned.answer, clock.now())
      const result = await use(answer, returned)
      count(result.outcome)
      return { result, returnTo: answer?.returnTo }
    },
  }
}
