import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { invalidInput } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { operation } from './operation.ts'
import { accountInScope } from './tenant-isolation.ts'

/** The usage of a client and API on a day (UTC). */
export interface UsageOfDay {
  /** `2026-11-29` */
  readonly day: string
  readonly accountId: string | null
  /** Null: the client was deleted, or requests named none that exists. */
  readonly clientId: string | null
  readonly clientName: string | null
  /** Identifier of the API; null: none, or it was deleted. */
  readonly api: string | null
  readonly tokensIssued: number
  readonly requestsRefused: number
}

export interface UsageExport {
  /** The first day; absent: 30 days before the last one. */
  readonly from?: Date | undefined
  /** The last day; absent: the present day. */
  readonly to?: Date | undefined
  readonly accountId?: string | undefined
}

const DAY = 86_400_000
const DEFAULT_DAYS = 30
const MAX_DAYS = 400
const PAGE = 1000

// In the order of days, clients and APIs, after the last row of the previous page. A day is in one of the tables or in
// both while a job moves it; their sum is right in each snapshot.
const READ = `
  SELECT b.day::text AS day, b.client_id AS key, b.api_id, max(coalesce(c.client_id, b.client_identifier)) AS client_id, max(c.name) AS name,
         coalesce(c.account_id, b.account_id) AS account_id, max(a.identifier) AS api,
         coalesce(sum(b.count) FILTER (WHERE b.outcome = 'issued'), 0)::bigint AS issued,
         coalesce(sum(b.count) FILTER (WHERE b.outcome <> 'issued'), 0)::bigint AS refused
    FROM (SELECT d.day, d.client_id, d.api_id, d.outcome, d.count, d.client_identifier, d.account_id
            FROM client_usage_days d
           WHERE d.day BETWEEN CAST(:day AS date) AND CAST(:to AS date)
             AND (d.day, d.client_id, d.api_id) > (CAST(:day AS date), :client, :api)
             AND (CAST(:account AS uuid) IS NULL OR d.account_id = :account)
          UNION ALL
          SELECT (h.hour AT TIME ZONE 'UTC')::date, h.client_id, h.api_id, h.outcome, h.count, NULL, k.account_id
            FROM client_usage_hours h LEFT JOIN clients k ON k.id = h.client_id
           WHERE h.hour >= CAST(:day AS timestamp) AT TIME ZONE 'UTC'
             AND h.hour < (CAST(:to AS timestamp) + interval '1 day') AT TIME ZONE 'UTC'
             AND ((h.hour AT TIME ZONE 'UTC')::date, h.client_id, h.api_id) > (CAST(:day AS date), :client, :api)
             AND (CAST(:account AS uuid) IS NULL OR k.account_id = :account)) b
    LEFT JOIN clients c ON c.id = b.client_id
    LEFT JOIN apis a ON a.id = b.api_id
   GROUP BY b.day, b.client_id, b.api_id, coalesce(c.account_id, b.account_id)
   ORDER BY b.day, b.client_id, b.api_id LIMIT ${PAGE}`

interface UsageRow {
  day: string
  key: number
  api_id: number
  client_id: string | null
  name: string | null
  account_id: string | null
  api: string | null
  issued: number
  refused: number
}

const toUsage = (row: UsageRow): UsageOfDay => ({
  day: row.day,
  accountId: row.account_id,
  clientId: row.client_id,
  clientName: row.name,
  api: row.api,
  tokensIssued: Number(row.issued),
  requestsRefused: Number(row.refused),
})

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

async function* usageOfDays(knex: Knex, from: number, to: number, account: string | null): AsyncGenerator<UsageOfDay> {
  let after = { day: dayOf(from), client: -1, api: -1 }
  for (;;) {
    const rows: UsageRow[] = (await knex.raw(READ, { account, to: dayOf(to), ...after })).rows
    for (const row of rows) yield toUsage(row)
    const last = rows.at(-1)
    if (!last || rows.length < PAGE) return
    after = { day: last.day, client: last.key, api: last.api_id }
  }
}

/** @throws KeywrightError `invalid_input` */
function daysOf({ from, to }: UsageExport): { from: number; to: number } {
  const last = Math.floor((to?.getTime() ?? Date.now()) / DAY) * DAY
  const first = from ? Math.floor(from.getTime() / DAY) * DAY : last - (DEFAULT_DAYS - 1) * DAY
  if (first > last) throw invalidInput('from must not be after to', 'from')
  if (last - first >= MAX_DAYS * DAY) throw invalidInput(`the range is at most ${MAX_DAYS} days`, 'from')
  return { from: first, to: last }
}

/** Usage per day, client and API, the oldest first; pages are read as the caller iterates. */
export const exportUsage = operation<UsageExport, AsyncIterable<UsageOfDay>>(
  PERMISSIONS.viewApplications,
  async ({ knex }, principal, { accountId, ...range }) => {
    const account = accountInScope(principal, accountId)
    if (account !== undefined && !isId(account)) throw invalidInput('this is no ID of an account', 'accountId')
    const { from, to } = daysOf(range)
    return usageOfDays(knex, from, to, account ?? null)
  },
)
