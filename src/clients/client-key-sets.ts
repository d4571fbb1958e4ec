import type { JWK } from 'jose'
import type { Knex } from 'knex'
import type { PublicKey } from './client-keys.ts'

/** Seconds between two fetches for one client, whatever asks for them on whatever node. */
export const FETCH_COOLDOWN = 60

/** Seconds after the beginning of the last successful fetch for which its keys work while they cannot be fetched again. */
const MAX_KEY_AGE = 86_400

/** Seconds: a fetch that failed is repeated after the cooldown, then more and more rarely, but not more rarely than this. */
const MAX_RETRY = 900

/** SQL: milliseconds since 1970 until which a public key `s` of the `jwks_uri` of the client `c` works without another fetch. */
export const KEY_VALID_UNTIL = `
  SELECT floor(extract(epoch FROM k.fetched_at + interval '${MAX_KEY_AGE} s') * 1000)
    FROM client_key_sets k WHERE k.client_id = c.id AND k.key_set = s.key_set`

/** A fetch that only this node may make. */
export interface FetchClaim {
  readonly clientKey: number
  readonly clientId: string
  readonly uri: string
  /** The set for its keys, in PostgreSQL's text: a Date would lose the microseconds. */
  readonly keySet: string
  readonly number: number
}

interface ClaimRow {
  id: number
  client_id: string
  uri: string
  key_set: string
  fetch_number: number
}

const toClaim = ({ id, client_id, uri, key_set, fetch_number }: ClaimRow): FetchClaim => ({
  clientKey: id,
  clientId: client_id,
  uri,
  keySet: key_set,
  number: fetch_number,
})

const claimWhere = (condition: string): string => `
  UPDATE client_key_sets k
     SET fetch_number = k.fetch_number + 1, claimed_at = clock_timestamp(),
         next_fetch_at = clock_timestamp() + interval '${FETCH_COOLDOWN} s'
    FROM clients c
   WHERE c.id = k.client_id AND c.status = 'active' AND ${condition}
  RETURNING c.id, c.client_id, k.uri, k.key_set::text, k.fetch_number`

const IS_COOL = `(k.claimed_at IS NULL OR k.claimed_at <= clock_timestamp() - interval '${FETCH_COOLDOWN} s')`

const CLAIM_ONE = claimWhere(`k.client_id = ? AND ${IS_COOL}`)

const CLAIM_DUE = claimWhere(`k.client_id IN (
  SELECT d.client_id FROM client_key_sets d JOIN clients x ON x.id = d.client_id
   WHERE d.next_fetch_at <= now() AND x.status = 'active' ORDER BY d.next_fetch_at LIMIT ? FOR UPDATE OF d SKIP LOCKED)`)

/** Claims a fetch for a client, which PostgreSQL grants once in a cooldown over all nodes. Undefined: not now. */
export async function claimFetch(db: Knex, clientKey: number): Promise<FetchClaim | undefined> {
  const { rows }: { rows: ClaimRow[] } = await db.raw(CLAIM_ONE, [clientKey])
  return rows[0] && toClaim(rows[0])
}

/** Claims at most `limit` fetches that are due. */
export async function claimDueFetches(db: Knex, limit: number): Promise<FetchClaim[]> {
  const { rows }: { rows: ClaimRow[] } = await db.raw(CLAIM_DUE, [limit])
  return rows.map(toClaim)
}

/** What is known of the fetches for a client. */
export interface FetchState {
  /** Whether a node fetches at this moment. */
  readonly isRunning: boolean
  /** Why the last fetch failed; null: it did not. */
  readonly failure: string | null
}

/** @param time seconds within which a fetch ends @returns undefined: the client has no `jwks_uri` */
export async function readFetchState(db: Knex, clientKey: number, time: number): Promise<FetchState | undefined> {
  const isRunning = db.raw(
    'finished_number < fetch_number AND claimed_at > clock_timestamp() - make_interval(secs => ?) AS is_running',
    [time],
  )
  const row = await db('client_key_sets').where({ client_id: clientKey }).first('failure', isRunning)
  return row && { isRunning: row.is_running, failure: row.failure }
}

/** The keys of a set by their thumbprints. */
export type Listing = Readonly<Record<string, JWK>>

export const listingOf = (keys: readonly PublicKey[]): Listing =>
  Object.fromEntries(keys.map(({ jwk, thumbprint }) => [thumbprint.toString('base64url'), jwk]))

/** Columns after a successful fetch. */
export const fetchedColumns = (db: Knex, { number }: FetchClaim, refreshAfter: number) => ({
  finished_number: number,
  fetched_at: db.ref('claimed_at'),
  failed_at: null,
  failure: null,
  failures: 0,
  next_fetch_at: db.raw('clock_timestamp() + make_interval(secs => ?)', [refreshAfter]),
})

/** The row of a claim, unless a later one or another URL has taken its place. */
export const claimedRow = (db: Knex, { clientKey, keySet, number }: FetchClaim) =>
  db('client_key_sets')
    .where({ client_id: clientKey, fetch_number: number })
    .whereRaw('key_set = ?::timestamptz', [keySet])

/** Notes a fetch that found the same keys as the last one. False: it did not. */
export async function confirmListing(
  db: Knex,
  claim: FetchClaim,
  listing: Listing,
  refreshAfter: number,
): Promise<boolean> {
  const changed = await claimedRow(db, claim)
    .whereRaw('listed = ?::jsonb AND fetched_at IS NOT NULL', [JSON.stringify(listing)])
    .update(fetchedColumns(db, claim, refreshAfter))
  return changed > 0
}

/** Notes a failed fetch. Returns whether the keys of the last successful one are too old to work, and still stored. */
export async function saveFailure(db: Knex, claim: FetchClaim, failure: string): Promise<boolean> {
  const [row] = await claimedRow(db, claim)
    .update({
      finished_number: claim.number,
      failed_at: db.raw('clock_timestamp()'),
      failure,
      failures: db.raw('failures + 1'),
      next_fetch_at: db.raw(
        `clock_timestamp() + make_interval(secs => least(${FETCH_COOLDOWN} * 2 ^ least(failures, 10), ${MAX_RETRY}))`,
      ),
    })
    .returning(
      db.raw(
        `fetched_at <= clock_timestamp() - interval '${MAX_KEY_AGE} s' AND listed <> '{}'::jsonb AS is_outdated`,
      ) as never,
    )
  return (row as { is_outdated: boolean | null } | undefined)?.is_outdated ?? false
}

/** Lets a client publish its keys at a URL from now on, in a new set. The caller has locked the client, and retires its earlier keys. */
export async function startKeySet(trx: Knex, clientKey: number, uri: string): Promise<void> {
  await trx.raw(
    `INSERT INTO client_key_sets AS k (client_id, uri) VALUES (?, ?)
     ON CONFLICT (client_id) DO UPDATE
       SET uri = excluded.uri, key_set = clock_timestamp(), fetch_number = k.fetch_number + 1, finished_number = k.fetch_number + 1,
           claimed_at = NULL, next_fetch_at = now(), fetched_at = NULL, failed_at = NULL, failure = NULL, failures = 0,
           listed = '{}', ended = '[]'`,
    [clientKey, uri],
  )
}

/** The client publishes no keys any more. */
export async function endKeySet(trx: Knex, clientKey: number): Promise<void> {
  await trx('client_key_sets').where({ client_id: clientKey }).delete()
}
