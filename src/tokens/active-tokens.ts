import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'

/** A former `revocation_epoch` of a client. All tokens with that number are revoked. */
export interface RevokedEpoch {
  readonly clientKey: number
  readonly revocationEpoch: number
}

/** Milliseconds. A caller does not wait longer for a count: its response may contain a secret that is shown once. */
const COUNT_TIMEOUT = 3000

async function count(db: Knex, epochs: readonly RevokedEpoch[]): Promise<number> {
  let revoked = 0
  for (const { clientKey, revocationEpoch } of epochs) {
    const [row] = await db('unexpired_access_tokens')
      .where({ client_id: clientKey, revocation_epoch: revocationEpoch })
      .count('* AS tokens')
    revoked += Number(row!.tokens)
  }
  return revoked
}

/**
 * Counts the access tokens that raising `revocation_epoch` has revoked. Call it after the commit: counting millions of tokens
 * takes seconds, in which a transaction would keep the client locked. Null when the count takes too long or fails: the
 * revocation is committed, so its response must not be lost.
 */
export async function countRevoked(db: Knex, epochs: readonly RevokedEpoch[]): Promise<number | null> {
  const abort = new AbortController()
  const timeout = sleep(COUNT_TIMEOUT, null, { signal: abort.signal }).catch(() => null)
  const counted = count(db, epochs).catch(() => null)
  return await Promise.race([counted, timeout]).finally(() => abort.abort())
}
