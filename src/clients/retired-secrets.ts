import type { Knex } from 'knex'
import { isInSet, isReplaced, works } from '../shared/secret-lifetimes.ts'
import type { StoredSecretKind } from './client-secrets.ts'

/**
 * Retires the client's current secrets of a kind `overlap` seconds from now. An earlier retirement stays.
 * Without overlap they, and every token that they obtained, are invalid when the transaction commits.
 */
export async function retireSecrets(trx: Knex, clientKey: number, kind: StoredSecretKind, overlap = 0): Promise<void> {
  await trx('client_secrets')
    .where({ client_id: clientKey, kind })
    .update({ retires_at: trx.raw('least(retires_at, now() + make_interval(secs => ?))', [overlap]) })
}

/**
 * SQL: whether one row of `client_secrets` can be retired alone: it was replaced, or it is a public key or certificate beside others of its set.
 * The client keeps something that works.
 */
export const IS_RETIRABLE = `${works('client_secrets')} AND (${isReplaced()} OR ${isInSet('client_secrets')} AND EXISTS (
  SELECT FROM client_secrets o
   WHERE o.client_id = client_secrets.client_id AND o.kind = client_secrets.kind AND o.key_set = client_secrets.key_set AND o.id <> client_secrets.id
     AND ${works('o')}))`

/** Retires one secret at once, also the newest one. Every token that it obtained is invalid when the transaction commits. */
export async function retireSecretNow(trx: Knex, id: number): Promise<void> {
  await trx('client_secrets')
    .where({ id })
    .update({ retires_at: trx.raw('least(retires_at, now())') })
}

/**
 * Retires rotated secrets that are still in their overlap; `id`: only that one, which may also be a public key beside others of its set.
 * Returns the retired secrets.
 */
export async function retirePreviousSecrets(
  trx: Knex,
  clientKey: number,
  id?: number,
): Promise<{ id: number; kind: StoredSecretKind; last_four: string }[]> {
  const previous = trx('client_secrets').where({ client_id: clientKey })
  if (id === undefined) previous.whereRaw(`retires_at > now() AND ${isReplaced()}`)
  else previous.where({ id }).whereRaw(IS_RETIRABLE)
  return await previous.update({ retires_at: trx.fn.now() }).returning(['id', 'kind', 'last_four'])
}

/**
 * Deletes at most `limit` secrets that retired more than a day ago. The newest row stays, because it holds the highest id:
 * a reused id would make the tokens of the deleted secret valid again.
 */
export async function deleteRetiredSecrets(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM client_secrets WHERE id IN (
       SELECT id FROM client_secrets
        WHERE retires_at < now() - interval '1 day' AND id < (SELECT max(id) FROM client_secrets) LIMIT ?)`,
    [limit],
  )
  return rowCount
}
