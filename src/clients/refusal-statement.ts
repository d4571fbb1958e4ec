import type { Knex } from 'knex'
import { NEWER_BATCH } from '../metrics/numbered-batches.ts'
import { HAS_EXPIRED } from '../shared/secret-lifetimes.ts'

/** Refused requests that have everything in common but their time and their caller. */
export interface RefusalCount {
  readonly client_id: number | null
  readonly claimed_id: string | null
  /** SHA-256 of the client secret in hexadecimal. */
  readonly hash: string | null
  /** Whether the request has a client secret, also one that is not well-formed. */
  readonly has_secret: boolean
  readonly hour: Date
  readonly endpoint: string
  readonly reason: string
  readonly api_id: number
  count: number
}

export interface RefusalSample {
  readonly at: Date
  readonly ip: string
  readonly user_agent: string
  readonly request_id: string
  readonly detail: string
}

/** Samples of a client and reason that remain after a write; each concurrent write may add a few. */
const MAX_SAMPLES = 20

/** Samples per hour of requests that name no client which exists. */
const MAX_UNKNOWN_PER_HOUR = 50

const IS_SECRET = `s.client_id = c.id AND s.kind = 'secret' AND s.hash = decode(g.hash, 'hex')`

/**
 * SQL: why a client did not authenticate, by its present state. The registrations that authenticate clients hold active
 * clients only, and a lookup at the request would show in its duration whether a client ID exists.
 */
const REASON = `
  CASE WHEN g.reason <> 'authentication' THEN g.reason
       WHEN c.id IS NULL THEN 'unknown_client'
       WHEN c.status = 'replaced' THEN 'key_pair_replaced'
       WHEN c.status IN ('archived', 'deleting') THEN 'client_archived'
       WHEN a.status <> 'active' THEN 'account_disabled'
       WHEN NOT a.api_enabled OR (c.kind <> 'api' AND NOT (SELECT api_enabled FROM instance_settings)) THEN 'api_disabled'
       WHEN u.status <> 'active' THEN 'owner_disabled'
       WHEN g.hash IS NULL THEN CASE WHEN g.has_secret THEN 'wrong_secret' ELSE 'secret_missing' END
       ELSE coalesce((SELECT CASE WHEN s.retires_at > now() OR s.retires_at IS NULL THEN 'wrong_api_key'
                                 WHEN ${HAS_EXPIRED} THEN 'secret_expired' ELSE 'secret_retired' END
                        FROM client_secrets s WHERE ${IS_SECRET} LIMIT 1), 'wrong_secret') END`

// Rows are locked in one order, so that nodes do not deadlock.
const ADD = `
  WITH ${NEWER_BATCH},
  resolved AS MATERIALIZED (
    SELECT coalesce(c.id, g.client_id, 0) AS client_id, CASE WHEN c.id IS NULL THEN g.claimed_id END AS claimed_id,
           g.hour, g.endpoint, ${REASON} AS reason, g.api_id, g.count, g.samples
      FROM json_to_recordset(:groups) AS g(client_id bigint, claimed_id text, hash text, has_secret boolean,
                                           hour timestamptz, endpoint text, reason text, api_id integer, count bigint,
                                           samples json)
      LEFT JOIN clients c ON c.id = coalesce(g.client_id, (SELECT k.id FROM clients k WHERE k.client_id = g.claimed_id))
      LEFT JOIN accounts a ON a.id = c.account_id
      LEFT JOIN users u ON u.id = c.user_id
     WHERE EXISTS (SELECT FROM newer)),
  counted AS (
    INSERT INTO client_usage_hours AS h (client_id, hour, api_id, endpoint, outcome, count)
    SELECT client_id, hour, api_id, endpoint, reason, sum(count) FROM resolved
     GROUP BY client_id, hour, api_id, endpoint, reason
     ORDER BY client_id, hour, api_id, endpoint, reason
    ON CONFLICT (client_id, hour, api_id, endpoint, outcome) DO UPDATE SET count = h.count + excluded.count),
  samples AS (
    SELECT r.client_id, r.claimed_id, r.endpoint, r.reason, r.api_id, s.*,
           row_number() OVER (PARTITION BY r.client_id = 0 ORDER BY s.at) AS rank
      FROM resolved r,
           json_to_recordset(r.samples) AS s(at timestamptz, ip text, user_agent text, request_id uuid, detail text)),
  sampled AS (
    INSERT INTO refusal_samples (client_id, claimed_id, endpoint, reason, api_id, at, ip, user_agent, request_id, detail)
    SELECT client_id, claimed_id, endpoint, reason, api_id, at, ip, user_agent, request_id, coalesce(detail, '') FROM samples
     WHERE client_id <> 0
        OR rank <= ${MAX_UNKNOWN_PER_HOUR} - (SELECT count(*) FROM refusal_samples p
                                               WHERE p.client_id = 0 AND p.at >= date_trunc('hour', now())))
  DELETE FROM refusal_samples WHERE id IN (
    SELECT p.id
      FROM (SELECT DISTINCT client_id, reason FROM resolved WHERE client_id <> 0) g,
           LATERAL (SELECT id FROM refusal_samples p WHERE p.client_id = g.client_id AND p.reason = g.reason
                     ORDER BY p.at DESC OFFSET ${MAX_SAMPLES} FOR UPDATE SKIP LOCKED) p)`

interface Group {
  readonly count: RefusalCount
  readonly samples: readonly RefusalSample[]
}

/** Adds counts and samples once per batch, and deletes older samples of the same clients and reasons. */
export async function addRefusals(
  knex: Knex,
  batch: { readonly writer: string; readonly batch: number },
  groups: readonly Group[],
): Promise<void> {
  const rows = groups.map(({ count, samples }) => ({ ...count, samples }))
  await knex.raw(ADD, { ...batch, groups: JSON.stringify(rows) })
}

const KEPT_DAYS = 7

/** Deletes at most `limit` samples that are older than seven days. */
export async function deleteOldRefusalSamples(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM refusal_samples WHERE id IN (
       SELECT id FROM refusal_samples WHERE at < now() - make_interval(days => ?) LIMIT ?)`,
    [KEPT_DAYS, limit],
  )
  return rowCount
}
