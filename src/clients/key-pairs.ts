import type { Knex } from 'knex'
import { lockClientsExclusive } from './client-locks.ts'
import { type Client, type ClientRow, toClient } from './clients.ts'

/** SQL: names of key pairs are compared without regard to case. */
const SAME_NAME = `lower(coalesce(pair_name, '')) = lower(coalesce(?, ''))`

/** A user in an account, to whom key pairs belong. */
export interface KeyPairOwner {
  readonly userId: string
  readonly accountId: string
}

const keyPairsOf = (trx: Knex, { userId, accountId }: KeyPairOwner) =>
  trx<ClientRow>('clients')
    .where({ user_id: userId, account_id: accountId, kind: 'key_pair' })
    .whereNot('status', 'replaced')

/**
 * Locks and returns the key pair of a user with this name, also when it was stopped. The other key pairs are not locked.
 * @param name null: the default key pair
 */
export async function lockKeyPairOf(trx: Knex, owner: KeyPairOwner, name: string | null): Promise<Client | undefined> {
  const named = keyPairsOf(trx, owner).whereRaw(SAME_NAME, [name])
  const found = await named.clone().first('id')
  if (!found) return undefined
  await lockClientsExclusive(trx, 'id', found.id)
  const row = await named.clone().forUpdate().first()
  return row && toClient(row)
}

/** Locks and returns every key pair of a user in an account that was not replaced. */
export async function lockKeyPairsOf(trx: Knex, owner: KeyPairOwner): Promise<Client[]> {
  await lockClientsExclusive(trx, 'user_id', owner.userId)
  return (await keyPairsOf(trx, owner).orderBy('id').forUpdate()).map(toClient)
}

/** The number of active named key pairs of a user in an account. */
export async function countNamedKeyPairs(trx: Knex, owner: KeyPairOwner): Promise<number> {
  const [row] = await keyPairsOf(trx, owner).where({ status: 'active' }).whereNotNull('pair_name').count('id')
  return Number(row!.count)
}

/** The newest key pair of a user in an account with this name, else the newest default one, also when it was replaced or archived. */
export async function findLatestKeyPairOf(
  trx: Knex,
  { userId, accountId }: KeyPairOwner,
  name: string | null,
): Promise<Client | undefined> {
  const row = await trx<ClientRow>('clients')
    .where({ user_id: userId, account_id: accountId, kind: 'key_pair' })
    .orderByRaw(`${SAME_NAME} DESC, pair_name IS NULL DESC, id DESC`, [name])
    .first()
  return row && toClient(row)
}

/**
 * Deletes at most `limit` key pairs that were replaced so long ago that all their tokens have expired, and named ones that were
 * stopped so long ago: nobody replaces them.
 */
export async function deleteReplacedKeyPairs(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM clients WHERE id IN (
       SELECT id FROM clients
        WHERE (status = 'replaced' OR (status = 'archived' AND pair_name IS NOT NULL))
          AND deactivated_at < now() - interval '40 days' LIMIT ?)`,
    [limit],
  )
  return rowCount
}
