import { PERMISSIONS } from '../accounts/permissions.ts'
import { type Client, type ClientRow, toClient } from '../clients/clients.ts'
import { type OwnerUse, QUOTA_USES_OF_CLIENT, type QuotaUse, usesByOwner } from '../clients/quotas.ts'
import { invalidInput, notFound } from '../shared/errors.ts'
import { type RefusalReason, withKnownReason } from '../shared/refusal-reasons.ts'
import { type Management, operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { checkTenant } from './tenant-isolation.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

interface ClientSelector {
  readonly clientId: string
}

export interface UsageRange {
  readonly step: 'hour' | 'day'
  /** Absent: a day or 30 days before `to`. */
  readonly from?: Date | undefined
  /** Absent: the end of the present hour or day. */
  readonly to?: Date | undefined
}

/** Issued tokens and refused requests in an hour or day (UTC). */
export interface UsagePoint {
  readonly at: Date
  readonly issued: number
  readonly refused: number
}

export interface ClientUsageView {
  readonly client: Client
  /** Every hour or day of the range, the oldest first. */
  readonly points: readonly UsagePoint[]
  /** The quotas of the client, then those of its account. */
  readonly quotas: readonly QuotaUse[]
}

/** Counts by the hour are kept for at least two days. */
const STEPS = {
  hour: { size: HOUR, count: 24, most: 72 },
  day: { size: DAY, count: 30, most: 400 },
} as const

interface TimeRange {
  readonly from: number
  readonly to: number
  readonly size: number
}

/** @throws KeywrightError `invalid_input` */
function rangeOf({ step, from, to }: UsageRange): TimeRange {
  const { size, count, most } = STEPS[step]
  const end = to ? Math.ceil(to.getTime() / size) * size : Math.floor(Date.now() / size) * size + size
  const begin = from ? Math.floor(from.getTime() / size) * size : end - count * size
  if (begin >= end) throw invalidInput('from must be before to', 'from')
  if (end - begin > most * size) throw invalidInput(`the range is at most ${most} ${step}s`, 'from')
  return { from: begin, to: end, size }
}

/** SQL: the counts of client `c` per hour or day, from the hours and from the days that were hours before. */
const USAGE = `
  SELECT json_agg(json_build_object('at', extract(epoch FROM u.at) * 1000, 'outcome', u.outcome, 'count', u.count))
    FROM (SELECT date_trunc(:step, h.hour, 'UTC') AS at, h.outcome, sum(h.count) AS count
            FROM client_usage_hours h
           WHERE h.client_id = c.id AND h.hour >= :from AND h.hour < :to
           GROUP BY 1, 2
          UNION ALL
          SELECT d.day::timestamp AT TIME ZONE 'UTC', d.outcome, sum(d.count)
            FROM client_usage_days d
           WHERE d.client_id = c.id AND :step = 'day'
             AND d.day >= (CAST(:from AS timestamptz) AT TIME ZONE 'UTC')::date
             AND d.day < (CAST(:to AS timestamptz) AT TIME ZONE 'UTC')::date
           GROUP BY 1, 2) u`

/** Reads a client with a part of SQL about it. The client of an API is for operators. @throws KeywrightError `not_found` */
async function readWithClient<Row>(
  { knex }: Management,
  principal: Principal,
  clientId: string,
  parts: string,
  values: object,
): Promise<{ client: Client; row: Row }> {
  const { rows } = await knex.raw(`SELECT c.*, ${parts} FROM clients c WHERE c.client_id = :clientId`, {
    ...values,
    clientId,
  })
  const row: (ClientRow & Row) | undefined = rows[0]
  if (!row) throw notFound('client', clientId)
  checkTenant(principal, row.account_id, 'client', clientId)
  return { client: toClient(row), row }
}

interface CountRow {
  at: number
  outcome: string
  count: number
}

function toPoint(at: number, counts: readonly CountRow[]): UsagePoint {
  const sum = (isCounted: (outcome: string) => boolean) =>
    counts.reduce((total, row) => total + (row.at === at && isCounted(row.outcome) ? row.count : 0), 0)
  return {
    at: new Date(at),
    issued: sum((outcome) => outcome === 'issued'),
    refused: sum((outcome) => outcome !== 'issued'),
  }
}

const toPoints = ({ from, to, size }: TimeRange, counts: readonly CountRow[]): UsagePoint[] =>
  Array.from({ length: (to - from) / size }, (_, n) => toPoint(from + n * size, counts))

/** SQL: the usage of client `c`, and the quotas that count it. */
const USAGE_AND_QUOTAS = `(${USAGE}) AS usage, (${QUOTA_USES_OF_CLIENT}) AS quotas`

interface UsageRow {
  usage: CountRow[] | null
  quotas: OwnerUse[] | null
}

const toUsage = (range: TimeRange, { key, accountId }: Client, row: UsageRow) => ({
  points: toPoints(range, row.usage ?? []),
  quotas: usesByOwner(row.quotas ?? [])(key, accountId),
})

const valuesOf = (step: UsageRange['step'], { from, to }: TimeRange) => ({
  step,
  from: new Date(from).toISOString(),
  to: new Date(to).toISOString(),
})

/** Issued tokens and refused requests of a client over time, and the use of its quotas. */
export const readClientUsage = operation<ClientSelector & UsageRange, ClientUsageView>(
  PERMISSIONS.viewApplications,
  async (management, principal, { clientId, ...range }) => {
    const times = rangeOf(range)
    const read = readWithClient<UsageRow>
    const values = valuesOf(range.step, times)
    const { client, row } = await read(management, principal, clientId, USAGE_AND_QUOTAS, values)
    return { client, ...toUsage(times, client, row) }
  },
)

/** A refused request. Times are ISO 8601. */
export interface RefusedRequest {
  readonly at: string
  readonly endpoint: string
  readonly reason: RefusalReason
  readonly ip: string
  readonly userAgent: string
  /** Identifier of the API; null: the request names none, or none that the client may call. */
  readonly api: string | null
  /** As in the response header X-Request-Id and in the log. */
  readonly requestId: string
  /** What was not as it must be, such as a claim of a workload's token; empty: the reason says all. */
  readonly detail: string
}

export interface ClientRefusals {
  readonly client: Client
  readonly from: Date
  /** The most frequent first. */
  readonly reasons: readonly { readonly endpoint: string; readonly reason: RefusalReason; readonly count: number }[]
  /** The latest first. */
  readonly samples: readonly RefusedRequest[]
  /** Absent unless asked for. */
  readonly points?: readonly UsagePoint[]
  /** Absent unless asked for. */
  readonly quotas?: readonly QuotaUse[]
}

interface RefusalsQuery extends ClientSelector {
  readonly days?: 1 | 7 | undefined
  /** Also reads the usage in this range and the quotas, so that one statement reads a page. */
  readonly usage?: UsageRange | undefined
}

/** The maximum number of samples in a response. */
const MAX_SAMPLES = 20

const REASONS = `
  SELECT json_agg(json_build_object('endpoint', u.endpoint, 'reason', u.outcome, 'count', u.count)
                  ORDER BY u.count DESC, u.endpoint, u.outcome)
    FROM (SELECT b.endpoint, b.outcome, sum(b.count) AS count
            FROM (SELECT endpoint, outcome, count FROM client_usage_hours h
                   WHERE h.client_id = c.id AND h.hour >= :since
                  UNION ALL
                  SELECT endpoint, outcome, count FROM client_usage_days d
                   WHERE d.client_id = c.id AND d.day >= (CAST(:since AS timestamptz) AT TIME ZONE 'UTC')::date) b
           WHERE b.outcome <> 'issued'
           GROUP BY b.endpoint, b.outcome) u`

/** SQL: columns of samples `p` as JSON. */
export const SAMPLE_AS_JSON = `
  json_build_object('at', p.at, 'endpoint', p.endpoint, 'reason', p.reason, 'ip', p.ip, 'userAgent', p.user_agent,
                    'api', (SELECT a.identifier FROM apis a WHERE a.id = p.api_id), 'requestId', p.request_id, 'detail', p.detail)`

const SAMPLES = `
  SELECT json_agg(p.sample ORDER BY p.at DESC)
    FROM (SELECT p.at, ${SAMPLE_AS_JSON} AS sample FROM refusal_samples p
           WHERE p.client_id = c.id AND p.at >= :since ORDER BY p.at DESC LIMIT ${MAX_SAMPLES}) p`

interface RefusalsRow extends UsageRow {
  reasons: ClientRefusals['reasons'] | null
  samples: RefusedRequest[] | null
}

/** Refused requests of a client in the last day, or in the last seven days. */
export const readClientRefusals = operation<RefusalsQuery, ClientRefusals>(
  PERMISSIONS.viewApplications,
  async (management, principal, { clientId, days = 1, usage }) => {
    const since = new Date(Math.floor(Date.now() / HOUR) * HOUR + HOUR - days * DAY)
    const range = usage && rangeOf(usage)
    const parts = `(${REASONS}) AS reasons, (${SAMPLES}) AS samples${range ? `, ${USAGE_AND_QUOTAS}` : ''}`
    const values = { since: since.toISOString(), ...(range && valuesOf(usage.step, range)) }
    const read = readWithClient<RefusalsRow>
    const { client, row } = await read(management, principal, clientId, parts, values)
    const [reasons, samples] = [row.reasons ?? [], row.samples ?? []]
    const listed = { client, from: since, reasons: reasons.map(withKnownReason), samples: samples.map(withKnownReason) }
    return range ? { ...listed, ...toUsage(range, client, row) } : listed
  },
)
