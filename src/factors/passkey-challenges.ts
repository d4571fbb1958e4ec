import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { deleteInBatches } from '../database/delete-in-batches.ts'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { createSealedTickets } from '../shared/sealed-tickets.ts'
import { hashSecret } from '../shared/secrets.ts'

/** Milliseconds in which a browser signs a challenge. */
const CHALLENGE_LIFETIME = 10 * 60_000

/** What a challenge is for. */
export interface ChallengeUse {
  readonly purpose: 'sign-in' | 'registration'
  /** The browser to whose page it was given. */
  readonly browser: string
  /** Who adds a passkey; absent at a sign-in. */
  readonly userId?: string
}

export interface Challenge extends ChallengeUse {
  /** 256 random bits in base64url: what the authenticator signs. */
  readonly value: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** A challenge as a page carries it. */
export interface IssuedChallenge {
  readonly value: string
  /** For the form: sealed, so that nothing is stored before it is used. */
  readonly sealed: string
}

/**
 * Challenges (Web Authentication Level 3, section 13.4.3) that any node accepts, once, from the browser to which they were given.
 * @param clock the database's
 */
export function createPasskeyChallenges(encryptionKeys: EncryptionKeys, clock: Clock) {
  const challenges = createSealedTickets<Challenge>(encryptionKeys, 'passkey challenge')

  return {
    issue(use: ChallengeUse): IssuedChallenge {
      const value = randomBytes(32).toString('base64url')
      return { value, sealed: challenges.seal({ ...use, value, expiresAt: clock.now() + CHALLENGE_LIFETIME }) }
    },

    /** Undefined: it has expired, or was given to another browser, for another purpose or to another user. */
    open(sealed: string, use: ChallengeUse): Challenge | undefined {
      const opened = challenges.open(sealed, clock.now())
      const isFor = opened?.purpose === use.purpose && opened.browser === use.browser && opened.userId === use.userId
      return isFor ? opened : undefined
    },
  }
}

export type PasskeyChallenges = ReturnType<typeof createPasskeyChallenges>

/** Uses a challenge once: of two requests with the same challenge, on whichever nodes, the statement lets one pass. */
export async function useChallenge(trx: Knex, { value, expiresAt }: Challenge): Promise<boolean> {
  const used = await trx('used_passkey_challenges')
    .insert({ challenge_hash: hashSecret(value), expires_at: new Date(expiresAt) })
    .onConflict('challenge_hash')
    .ignore()
    .returning('challenge_hash')
  return used.length > 0
}

/** Deletes at most `limit` used challenges that expired an hour ago, so that no request that was let in before still waits. */
export const deleteExpiredChallenges = (db: Knex, limit: number): Promise<number> =>
  deleteInBatches(db, 'used_passkey_challenges', "expires_at < now() - interval '1 hour'", limit)
