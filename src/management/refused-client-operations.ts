import { PERMISSIONS } from '../accounts/permissions.ts'
import { type RefusalReason, toRefusalReason, withKnownReason } from '../shared/refusal-reasons.ts'
import { type Bounded, boundedCountOf, MOST, toBounded } from './bounded-counts.ts'
import { type RefusedRequest, SAMPLE_AS_JSON } from './client-usage-operations.ts'
import { operation } from './operation.ts'

/** A client with requests that were refused in the last hour. Times are ISO 8601. */
export interface RefusedClient {
  readonly clientId: string
  readonly name: string
  readonly kind: 'key_pair' | 'application' | 'api'
  readonly lastAt: string
  readonly lastReason: RefusalReason
}

export interface RefusedClients {
  readonly count: Bounded
  /** The latest first, at most 50. */
  readonly clients: readonly RefusedClient[]
  /** For an operator: requests whose client ID does not exist, the latest first, at most 50. */
  readonly unknown: readonly (RefusedRequest & {
    /** The client ID in the request, if it is well-formed. */
    readonly claimedId: string | null
  })[]
}

const MAX_LISTED = 50

/** SQL: the number of clients `c` that were refused in the last hour. @param condition which clients count */
export const refusedCountOf = (condition: string): string => `
  SELECT count(*)::int
    FROM (SELECT DISTINCT p.client_id FROM refusal_samples p JOIN clients c ON c.id = p.client_id
           WHERE p.at > now() - interval '1 hour' AND p.client_id <> 0 AND ${condition} LIMIT ${MOST + 1}) refused`

/** SQL: the number of samples of requests in the last day whose client ID does not exist. */
export const UNKNOWN_COUNT = boundedCountOf(
  `refusal_samples p WHERE p.client_id = 0 AND p.at > now() - interval '1 day'`,
)

const LIST = `
  WITH refused AS (
    SELECT c.client_id, c.name, c.kind, r.at, r.reason
      FROM (SELECT DISTINCT ON (p.client_id) p.client_id, p.at, p.reason
              FROM refusal_samples p WHERE p.at > now() - interval '1 hour' AND p.client_id <> 0
             ORDER BY p.client_id, p.at DESC) r
      JOIN clients c ON c.id = r.client_id
     WHERE CAST(:account AS uuid) IS NULL OR c.account_id = :account
     ORDER BY r.at DESC LIMIT ${MOST + 1})
  SELECT (SELECT count(*)::int FROM refused) AS count,
         (SELECT json_agg(json_build_object('clientId', f.client_id, 'name', f.name, 'kind', f.kind, 'lastAt', f.at,
                                            'lastReason', f.reason) ORDER BY f.at DESC)
            FROM (SELECT * FROM refused ORDER BY at DESC LIMIT ${MAX_LISTED}) f) AS clients,
         (SELECT json_agg(u.sample ORDER BY u.at DESC)
            FROM (SELECT p.at, (${SAMPLE_AS_JSON})::jsonb || jsonb_build_object('claimedId', p.claimed_id) AS sample
                    FROM refusal_samples p
                   WHERE CAST(:account AS uuid) IS NULL AND p.client_id = 0 AND p.at > now() - interval '1 day'
                   ORDER BY p.at DESC LIMIT ${MAX_LISTED}) u) AS unknown`

/** Clients with refused requests in the last hour: those of the account of an admin, all for an operator. */
export const listRefusedClients = operation<object, RefusedClients>(
  PERMISSIONS.viewApplications,
  async ({ knex }, principal) => {
    // An admin without an account sees nothing: null would mean every account.
    const account = principal.role === 'operator' ? null : principal.accountId!
    const [row] = (await knex.raw(LIST, { account })).rows
    const clients: RefusedClient[] = row.clients ?? []
    const unknown: RefusedClients['unknown'] = row.unknown ?? []
    return {
      count: toBounded(row.count),
      clients: clients.map((one) => ({ ...one, lastReason: toRefusalReason(one.lastReason) })),
      unknown: unknown.map(withKnownReason),
    }
  },
)
