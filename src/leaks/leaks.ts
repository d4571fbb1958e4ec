import type { Knex } from 'knex'
import { newId } from '../shared/ids.ts'
import type { LeakKind } from './leak-patterns.ts'
import { hashKey, type LeakedCredential } from './leaked-credentials.ts'

/** Who reported: a caller of the management API, or GitHub. */
export type LeakReporter = 'api' | 'github'

/** A report of a leaked credential, as the console shows it. */
export interface Leak {
  readonly id: string
  readonly kind: LeakKind
  readonly accountId: string | null
  readonly lastFour: string | null
  /** False: the account wants reports only. */
  readonly isRevoked: boolean
  readonly url: string | null
  readonly source: string | null
  readonly reporter: LeakReporter
  readonly reportedAt: Date
  readonly dismissedAt: Date | null
}

export interface LeakRow {
  id: string
  kind: LeakKind
  account_id: string | null
  last_four: string | null
  revoked: boolean
  url: string | null
  source: string | null
  reporter: LeakReporter
  reported_at: Date
  dismissed_at: Date | null
}

export const toLeak = (row: LeakRow): Leak => ({
  id: row.id,
  kind: row.kind,
  accountId: row.account_id,
  lastFour: row.last_four,
  isRevoked: row.revoked,
  url: row.url,
  source: row.source,
  reporter: row.reporter,
  reportedAt: row.reported_at,
  dismissedAt: row.dismissed_at,
})

export interface LeakPlace {
  readonly url: string | null
  readonly source: string | null
  readonly reporter: LeakReporter
}

const INSERT = `
  INSERT INTO leaks (id, credential_hash, kind, account_id, client_id, secret_id, last_four, revoked, url, source, reporter)
  VALUES (:id, :hash, :kind, :accountId, :clientKey, :secretId, :lastFour, :revoked, :url, :source, :reporter)
  ON CONFLICT (credential_hash) DO UPDATE
     SET revoked = true, url = excluded.url, source = excluded.source, reporter = excluded.reporter,
         reported_at = excluded.reported_at, dismissed_at = NULL
   WHERE excluded.revoked AND NOT leaks.revoked
  RETURNING id`

/**
 * Records the first report of a credential, and the first one that revokes it. Returns its ID; undefined: it is known, and
 * nothing is left to do. A concurrent report of the same credential waits for the end of this transaction.
 */
export async function recordLeak(
  trx: Knex,
  { kind, hash, accountId, clientKey, secretId, lastFour, policy }: LeakedCredential,
  place: LeakPlace,
): Promise<string | undefined> {
  const row = {
    id: newId(),
    hash,
    kind,
    accountId,
    clientKey,
    secretId,
    lastFour,
    revoked: policy === 'revoke',
    ...place,
  }
  const { rows } = await trx.raw(INSERT, row as never)
  return rows[0]?.id
}

/** Whether the reported credentials were revoked, by `hashKey`. @param account as in `findLeakedCredentials` */
export async function findReportedLeaks(
  knex: Knex,
  account: string | null,
  hashes: readonly Buffer[],
): Promise<ReadonlyMap<string, { readonly isRevoked: boolean }>> {
  if (hashes.length === 0) return new Map()
  const query = knex('leaks').whereRaw('credential_hash = ANY (?)', [hashes as never])
  if (account !== null) query.where({ account_id: account })
  const rows = await query.select<{ credential_hash: Buffer; revoked: boolean }[]>('credential_hash', 'revoked')
  return new Map(rows.map(({ credential_hash, revoked }) => [hashKey(credential_hash), { isRevoked: revoked }]))
}

/** Deletes at most `limit` reports after 90 days, unless the secret still works, and those of clients that were deleted. */
export async function deleteOldLeaks(knex: Knex, limit: number): Promise<number> {
  const { rowCount } = await knex.raw(
    `DELETE FROM leaks WHERE id IN (
       SELECT l.id FROM leaks l
        WHERE NOT EXISTS (SELECT FROM clients c WHERE c.id = l.client_id)
           OR l.reported_at < now() - interval '90 days'
              AND (l.dismissed_at IS NOT NULL OR NOT EXISTS (
                SELECT FROM client_secrets s WHERE s.id = l.secret_id AND (s.retires_at IS NULL OR s.retires_at > now())))
        LIMIT ?)`,
    [limit],
  )
  return rowCount
}
