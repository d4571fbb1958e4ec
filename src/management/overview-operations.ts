import { readUsage, type UsageCount } from '../metrics/usage.ts'
import { KeywrightError } from '../shared/errors.ts'
import { type Bounded, boundedCountOf, ofAccount, toBounded } from './bounded-counts.ts'
import { operation } from './operation.ts'

/** The dashboard of an admin. */
export interface AccountOverview {
  readonly accountId: string
  /** The admin's own key pair; null until one is generated. */
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
}

const OVERVIEW = `
  SELECT a.id, c.client_id, c.created_at, s.last_four, s.last_used_at,
         (SELECT i.api_enabled FROM instance_settings i) AND a.api_enabled AS api_enabled,
         (${boundedCountOf(`clients k
           WHERE ${ofAccount('k.account_id', 'a.id')} AND k.kind = 'application' AND k.status = 'active'`)}) AS applications,
         (${boundedCountOf(`users p WHERE ${ofAccount('p.account_id', 'a.id')} AND p.status = 'active'`)}) AS users
    FROM accounts a
    LEFT JOIN clients c ON c.user_id = ? AND c.kind = 'key_pair' AND c.status <> 'replaced'
    LEFT JOIN LATERAL (SELECT last_four, last_used_at FROM client_secrets s
                        WHERE s.client_id = c.id AND s.kind = 'secret' ORDER BY s.id DESC LIMIT 1) s ON true
   WHERE a.id = ?`

export const readAccountOverview = operation<object, AccountOverview>(
  { role: 'admin', scope: 'key_pairs:read' },
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
    return { accountId: row.id, keyPair: pair || null, applications, users, apiEnabled: row.api_enabled }
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
}

const HOUR = 3_600_000
const SPANS = {
  day: { step: 'hour', size: HOUR, count: 24 },
  month: { step: 'day', size: 24 * HOUR, count: 30 },
} as const

/** Issued and rejected token requests over time. */
export const readInstanceOverview = operation<UsageQuery, InstanceOverview>(
  { role: 'operator', scope: 'instance:read' },
  async ({ knex }, _principal, { span }) => {
    const { step, size, count } = SPANS[span]
    const to = new Date(Math.floor(Date.now() / size) * size + size)
    const from = new Date(to.getTime() - count * size)
    return { usage: await readUsage(knex, { from, to, step }), from, to, step }
  },
)
