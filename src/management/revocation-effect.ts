import { PERMISSIONS } from '../accounts/permissions.ts'
import { type Client, type ClientRow, toClient } from '../clients/clients.ts'
import { notFound } from '../shared/errors.ts'
import { type RefusalReason, withKnownReason } from '../shared/refusal-reasons.ts'
import { FEED_LEFT_AFTER, type FollowingWay } from '../status/revocation-followers.ts'
import { type Bounded, ofAccount, toBounded } from './bounded-counts.ts'
import { operation } from './operation.ts'
import { checkTenant } from './tenant-isolation.ts'

/** A caller of the last day before the revocation, and what happened to it since. Times are ISO 8601. */
export interface AffectedCaller {
  readonly ip: string
  /** The latest refused request since the revocation, as far as samples tell; null: none. */
  readonly refused: { readonly at: string; readonly reason: RefusalReason } | null
  /** When it got a token again since: with this client, or with the key pair that replaced it; null: not yet. */
  readonly issuedAt: string | null
}

/** A resource server, or a cache before it. */
export interface RevocationFollower {
  readonly way: FollowingWay
  readonly ip: string
  readonly lastSeenAt: string
}

/** An API that accepted the revoked tokens. */
export interface AffectedApi {
  readonly identifier: string
  /** Revoked tokens that would not have expired yet. */
  readonly tokens: Bounded
  /** When the last of them expires: until then an API that follows in no way accepts it. */
  readonly lastExpiresAt: string
  /** Who follows revocations, the latest first. */
  readonly followers: readonly RevocationFollower[]
}

export interface RevocationEffect {
  readonly client: Client
  /** When the tokens of the client were last revoked together; null: not in the last 30 days. */
  readonly revokedAt: Date | null
  /** The key pair that replaced this one. */
  readonly successor: string | null
  readonly callers: readonly AffectedCaller[]
  readonly apis: readonly AffectedApi[]
}

const MAX_AFFECTED_CALLERS = 50
const MAX_FOLLOWERS = 20
/** Of the tokens issued before the revocation, the newest are looked at. */
const MAX_TOKENS = 1001

// OFFSET 0: evaluated once, and not in each place that uses it.
const REVOKED_AT = `
  SELECT coalesce(c.deactivated_at, (
    SELECT l.at FROM audit_log l
     WHERE l.target_id = c.client_id AND l.at > now() - interval '30 days'
       AND (l.action = 'client.tokens_revoked' OR (l.action = 'client.secret_rotated' AND l.detail->>'overlap' = '0'))
     ORDER BY l.at DESC LIMIT 1)) AS at OFFSET 0`

// A caller is stored with the time of its latest use only, which may be after the revocation.
const CALLERS = `
  SELECT json_agg(json_build_object('ip', k.ip, 'refused', k.refused, 'issuedAt', k.issued_at) ORDER BY k.used_at DESC, k.ip)
    FROM (SELECT u.ip, u.used_at,
                 (SELECT json_build_object('at', p.at, 'reason', p.reason) FROM refusal_samples p
                   WHERE p.client_id = c.id AND p.ip = u.ip AND p.at >= revoked.at ORDER BY p.at DESC LIMIT 1) AS refused,
                 (SELECT max(n.last_used_at) FROM client_callers n
                   WHERE n.client_id IN (c.id, next.id) AND n.ip = u.ip AND n.api_id <> 0 AND n.last_used_at > revoked.at) AS issued_at
            FROM (SELECT w.ip, max(w.last_used_at) AS used_at FROM client_callers w
                   WHERE w.client_id = c.id AND w.last_used_at > revoked.at - interval '1 day'
                   GROUP BY w.ip ORDER BY 2 DESC LIMIT ${MAX_AFFECTED_CALLERS}) u) k`

/** SQL: who follows the revocations of the API `p`, as JSON. */
export const FOLLOWERS = `
  SELECT json_agg(json_build_object('way', f.way, 'ip', f.ip, 'lastSeenAt', f.last_seen_at) ORDER BY f.last_seen_at DESC, f.ip)
    FROM (SELECT * FROM revocation_followers f
           WHERE f.api_id = p.id
             AND f.last_seen_at > now() - CASE f.way WHEN 'feed' THEN interval '${FEED_LEFT_AFTER} seconds' ELSE interval '1 day' END
           ORDER BY f.last_seen_at DESC LIMIT ${MAX_FOLLOWERS}) f`

const APIS = `
  SELECT json_agg(json_build_object('identifier', p.identifier, 'tokens', p.count, 'lastExpiresAt', p.expires_at,
                                    'followers', (${FOLLOWERS})) ORDER BY p.identifier)
    FROM (WITH newest AS MATERIALIZED (
            SELECT a.api_id, a.expires_at FROM access_tokens a
             WHERE ${ofAccount('a.client_id', 'c.id')} AND a.issued_at <= revoked.at AND a.expires_at > now()
             ORDER BY a.client_id DESC, a.issued_at DESC LIMIT ${MAX_TOKENS})
          SELECT p.id, p.identifier, t.* FROM apis p
           CROSS JOIN LATERAL (SELECT count(*) AS count, max(n.expires_at) AS expires_at FROM newest n WHERE n.api_id = p.id) t
           WHERE t.count > 0) p`

const READ = `
  SELECT c.*, revoked.at AS revoked_at, next.client_id AS successor, (${CALLERS}) AS callers, (${APIS}) AS apis
    FROM clients c
   CROSS JOIN LATERAL (${REVOKED_AT}) revoked
    LEFT JOIN LATERAL (
      SELECT n.id, n.client_id FROM clients n
       WHERE c.status = 'replaced' AND n.user_id = c.user_id AND n.account_id = c.account_id AND n.kind = 'key_pair' AND n.status = 'active'
         AND lower(coalesce(n.pair_name, '')) = lower(coalesce(c.pair_name, '')) AND n.created_at >= c.deactivated_at
       ORDER BY n.created_at LIMIT 1) next ON true
   WHERE c.client_id = ? AND c.kind <> 'api'`

interface EffectRow extends ClientRow {
  revoked_at: Date | null
  successor: string | null
  callers: AffectedCaller[] | null
  apis:
    | (Omit<AffectedApi, 'tokens' | 'followers'> & { tokens: number; followers: RevocationFollower[] | null })[]
    | null
}

const toEffect = (row: EffectRow): RevocationEffect => ({
  client: toClient(row),
  revokedAt: row.revoked_at,
  successor: row.successor,
  callers: (row.callers ?? []).map(({ refused, ...caller }) => ({
    ...caller,
    refused: refused && withKnownReason(refused),
  })),
  apis: (row.apis ?? []).map((api) => ({
    ...api,
    tokens: toBounded(api.tokens),
    followers: api.followers ?? [],
  })),
})

/**
 * What became of the callers of a client, and where its tokens still work, since its tokens were revoked together: revoked,
 * stopped, archived or replaced. @throws KeywrightError `not_found`
 */
export const readRevocationEffect = operation<{ readonly clientId: string }, RevocationEffect>(
  PERMISSIONS.viewApplications,
  async ({ knex }, principal, { clientId }) => {
    const row: EffectRow | undefined = (await knex.raw(READ, [clientId])).rows[0]
    if (!row) throw notFound('client', clientId)
    checkTenant(principal, row.account_id, 'client', clientId)
    return toEffect(row)
  },
)
