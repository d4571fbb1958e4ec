import { PERMISSIONS } from '../accounts/permissions.ts'
import { USAGE, type UsageCount } from '../metrics/usage.ts'
import { KeywrightError } from '../shared/errors.ts'
import { isReplaced } from '../shared/secret-lifetimes.ts'
import { type Bounded, boundedCountOf, ofAccount, toBounded } from './bounded-counts.ts'
import { operation } from './operation.ts'
import { refusedCountOf, UNKNOWN_COUNT } from './refused-client-operations.ts'

/** The dashboard of an admin. */
export interface AccountOverview {
  readonly accountId: string
  /** The admin's default key pair; null until one is generated. */
  readonly keyPair: {
    readonly clientId: string
    readonly lastFour: string | null
    readonly createdAt: Date
    readonly lastUsedAt: Date | null
  } | null
  /** Active applications. */
  readonly applications: Bounded
  readonly users: Bounded
  /** False while the API of the instance or of the account is off. */
  readonly apiEnabled: boolean
  /** Clients that were refused in the last hour. */
  readonly refusedClients: Bounded
  /** Client secrets of the account that expire within 30 days, the earliest first, at most 5. */
  readonly expiringSecrets: readonly ExpiringSecret[]
}

export interface ExpiringSecret {
  readonly clientId: string
  readonly kind: 'application' | 'key_pair'
  readonly name: string
  readonly lastFour: string
  /** ISO 8601. */
  readonly expiresAt: string
}

const EXPIRING = `
  SELECT json_agg(json_build_object('clientId', e.client_id, 'kind', e.kind, 'name', e.name, 'lastFour', e.last_four,
                                    'expiresAt', e.expires_at) ORDER BY e.expires_at)
    FROM (SELECT k.client_id, k.kind, k.name, s.last_four, n.expires_at
            FROM secret_expiry_notices n JOIN client_secrets s ON s.id = n.secret_id JOIN clients k ON k.id = s.client_id
           WHERE n.account_id = a.id AND n.expires_at > now() AND n.expires_at <= now() + interval '30 days'
             AND k.status = 'active'
             AND NOT ${isReplaced('s')}
           ORDER BY n.expires_at LIMIT 5) e`

const OVERVIEW = `
  SELECT a.id, c.client_id, c.created_at, s.last_four, s.last_used_at,
         (SELECT i.api_enabled FROM instance_settings i) AND a.api_enabled AS api_enabled,
         (${refusedCountOf('c.account_id = a.id')}) AS refused, (${EXPIRING}) AS expiring,
         (${boundedCountOf(`clients k
           WHERE ${ofAccount('k.account_id', 'a.id')} AND k.kind = 'application' AND k.status = 'active'`)}) AS applications,
         (${boundedCountOf(`memberships m JOIN users p ON p.id = m.user_id AND p.status = 'active'
           WHERE ${ofAccount('m.account_id', 'a.id')} AND m.status = 'active'`)}) AS users
    FROM accounts a
    LEFT JOIN clients c ON c.user_id = ? AND c.account_id = a.id AND c.kind = 'key_pair' AND c.status <> 'replaced' AND c.pair_name IS NULL
    LEFT JOIN LATERAL (SELECT last_four, last_used_at FROM client_secrets s
                        WHERE s.client_id = c.id AND s.kind = 'secret' ORDER BY s.id DESC LIMIT 1) s ON true
   WHERE a.id = ?`

export const readAccountOverview = operation<object, AccountOverview>(
  PERMISSIONS.viewOverview,
  async ({ knex }, principal) => {
    if (principal.accountId === null)
      throw new KeywrightError('forbidden', 'this concerns an account, and an operator belongs to none')
    const { rows } = await knex.raw(OVERVIEW, [principal.userId, principal.accountId])
    const [row] = rows
    const pair = row.client_id && {
      clientId: row.client_id,
      lastFour: row.last_four,
      createdAt: row.created_at,
      lastUsedAt: row.last_used_at,
    }
    const [applications, users] = [toBounded(row.applications), toBounded(row.users)]
    return {
      accountId: row.id,
      keyPair: pair || null,
      applications,
      users,
      apiEnabled: row.api_enabled,
      refusedClients: toBounded(row.refused),
      expiringSecrets: row.expiring ?? [],
    }
  },
)

export interface UsageQuery {
  /** `day`: the last 24 hours by the hour. `month`: the last 30 days by the day. */
  readonly span: 'day' | 'month'
}

/** The dashboard of an operator. */
export interface InstanceOverview {
  readonly usage: readonly UsageCount[]
  readonly from: Date
  readonly to: Date
  readonly step: 'hour' | 'day'
  /** Clients that were refused in the last hour. */
  readonly refusedClients: Bounded
  /** Samples of requests in the last day whose client ID does not exist. */
  readonly unknownClients: Bounded
}

const HOUR = 3_600_000
const SPANS = {
  day: { step: 'hour', size: HOUR, count: 24 },
  month: { step: 'day', size: 24 * HOUR, count: 30 },
} as const

const INSTANCE_OVERVIEW = `
  SELECT (SELECT json_agg(u.*) FROM (${USAGE}) u) AS usage, (${refusedCountOf('true')}) AS refused,
         (${UNKNOWN_COUNT}) AS unknown`

/** Issued and rejected token requests over time, and how many clients were refused. */
export const readInstanceOverview = operation<UsageQuery, InstanceOverview>(
  PERMISSIONS.viewInstance,
  async ({ knex }, _principal, { span }) => {
    const { step, size, count } = SPANS[span]
    const to = new Date(Math.floor(Date.now() / size) * size + size)
    const from = new Date(to.getTime() - count * size)
    const [row] = (await knex.raw(INSTANCE_OVERVIEW, { step, from: from.toISOString(), to: to.toISOString() })).rows
    const usage: UsageCount[] = (row.usage ?? []).map((one: UsageCount) => ({ ...one, at: new Date(one.at) }))
    return { usage, from, to, step, refusedClients: toBounded(row.refused), unknownClients: toBounded(row.unknown) }
  },
)
