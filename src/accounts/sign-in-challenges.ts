import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { deleteInBatches } from '../database/delete-in-batches.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { createSealedTickets } from '../shared/sealed-tickets.ts'
import { hashSecret } from '../shared/secrets.ts'
import type { SignInElsewhere } from './sign-in-tickets.ts'

/** Milliseconds in which a user signs in at the product. */
const CHALLENGE_LIFETIME = 15 * 60_000

/** Milliseconds in which the browser comes back with the product's answer. */
const ANSWER_LIFETIME = 2 * 60_000

/** What a user signs in for, at the product of the operator. */
export interface SignInRequest {
  /** The application; absent: the console, or the user's own account. */
  readonly clientId?: string
  /** The interaction that waits for the sign-in; absent: none does. */
  readonly uid?: string
  /** Where the user goes afterwards, a path of this site, if no interaction waits. */
  readonly returnTo?: string
  /** The user who is signed in and must prove that it is still they. */
  readonly userId?: string
  /** Whether the user must sign in although the product has a session of theirs (OpenID Connect Core, section 3.1.2.1, `prompt`). */
  readonly isForced: boolean
  readonly loginHint?: string
  readonly uiLocales?: string
  readonly acrValues?: string
  /** Seconds. */
  readonly maxAge?: number
}

export interface SignInChallenge extends SignInRequest {
  /** 256 random bits in base64url. */
  readonly id: string
  /** The browser to which it was given (`browserBinding`). */
  readonly browser: string
  /** Milliseconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
}

/** The user that the product signed in. */
export interface AcceptedSignIn {
  readonly userId: string
  /** The user's `sessionsValidFrom`, in milliseconds: with another value the answer is over. */
  readonly since: number
  /** RFC 8176. */
  readonly amr: readonly string[]
  readonly elsewhere: SignInElsewhere
}

/** RFC 6749, section 4.1.2.1. */
export interface RejectedSignIn {
  readonly error: string
  readonly description?: string
}

/** An answer of the product, on its way through the browser. Without it, nobody who knows the challenge can use the sign-in. */
export interface SignInAnswer extends Pick<SignInChallenge, 'id' | 'browser' | 'uid' | 'returnTo'> {
  readonly accepted?: AcceptedSignIn
  readonly rejected?: RejectedSignIn
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

const challengesOf = (keys: EncryptionKeys) => createSealedTickets<SignInChallenge>(keys, 'sign-in challenge')

const answersOf = (keys: EncryptionKeys) => createSealedTickets<SignInAnswer>(keys, 'sign-in answer')

/** @param now milliseconds since 1970 */
export function sealChallenge(keys: EncryptionKeys, request: SignInRequest, browser: string, now: number): string {
  const id = randomBytes(32).toString('base64url')
  const expiresAt = now + CHALLENGE_LIFETIME
  return challengesOf(keys).seal({ ...request, id, browser, issuedAt: now, expiresAt })
}

/** Undefined: it has expired, or was never sealed here. */
export const openChallenge = (keys: EncryptionKeys, sealed: string, now: number): SignInChallenge | undefined =>
  challengesOf(keys).open(sealed, now)

export function sealAnswer(
  keys: EncryptionKeys,
  { id, browser, uid, returnTo }: SignInChallenge,
  answer: Pick<SignInAnswer, 'accepted' | 'rejected'>,
  now: number,
): string {
  const of = { id, browser, ...(uid !== undefined && { uid }), ...(returnTo !== undefined && { returnTo }) }
  return answersOf(keys).seal({ ...of, ...answer, expiresAt: now + ANSWER_LIFETIME })
}

/** Undefined: it has expired, or was never sealed here. */
export const openAnswer = (keys: EncryptionKeys, sealed: string, now: number): SignInAnswer | undefined =>
  answersOf(keys).open(sealed, now)

/** Records that a challenge is answered. False: it was answered before, at any node. */
export async function recordAnswer(trx: Knex, { id, expiresAt }: SignInChallenge): Promise<boolean> {
  const answered = await trx('answered_sign_in_challenges')
    .insert({ challenge_hash: hashSecret(id), expires_at: new Date(expiresAt + ANSWER_LIFETIME) })
    .onConflict('challenge_hash')
    .ignore()
    .returning('challenge_hash')
  return answered.length > 0
}

/** Uses an answer once: of two requests with it, on whichever nodes, the statement lets one pass. */
export async function useAnswer(trx: Knex, { id }: SignInAnswer): Promise<boolean> {
  const row = trx('answered_sign_in_challenges').where({ challenge_hash: hashSecret(id) })
  return (await row.whereNull('completed_at').update({ completed_at: trx.fn.now() })) > 0
}

/** Deletes at most `limit` rows that expired an hour ago, so that no request that was let in before still waits. */
export const deleteExpiredAnswers = (db: Knex, limit: number): Promise<number> =>
  deleteInBatches(db, 'answered_sign_in_challenges', "expires_at < now() - interval '1 hour'", limit)
