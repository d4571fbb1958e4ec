import type { Knex } from 'knex'
import type { Clock } from '../shared/clock.ts'
import type { Metrics } from './metrics.ts'
import { createNumberedBatches, NEWER_BATCH } from './numbered-batches.ts'

/** What is kept over time. Its label is, of tokens issued, the grant type; of requests refused, the OAuth error code. */
export type UsageKind = 'issued' | 'refused'

export interface UsageCount {
  /** The begin of the hour or day (UTC). */
  readonly at: Date
  readonly kind: UsageKind
  readonly label: string
  readonly count: number
}

/** Adds up in the database what this process counts; the requests know nothing of it. */
export interface Usage {
  /** Writes how much the counters grew since the last time, into the present hour. */
  flush(knex: Knex): Promise<void>
}

interface Growth {
  readonly kind: UsageKind
  readonly label: string
  readonly count: number
}

interface Addition {
  /** When it was counted. */
  readonly hour: Date
  readonly growth: readonly Growth[]
}

const HOUR = 3_600_000
const KEPT_DAYS = 400
/** In days; nobody sends an addition again that long after. */
const WRITER_KEPT = 30

async function readCounters(metrics: Metrics): Promise<Growth[]> {
  const [issued, refused] = await Promise.all([metrics.tokensIssued.get(), metrics.refused.get()])
  return [
    ...issued.values.map(({ labels, value }) => ({
      kind: 'issued' as const,
      label: `${labels.grant_type}`,
      count: value,
    })),
    ...refused.values
      .filter(({ labels }) => labels.endpoint === '/oauth2/token')
      .map(({ labels, value }) => ({ kind: 'refused' as const, label: `${labels.error}`, count: value })),
  ]
}

const nameOf = ({ kind, label }: Growth): string => `${kind} ${label}`

// One statement: the batch and what it adds are written together or not at all. Rows are locked in one order, so that nodes
// never wait for each other in a circle.
const ADD = `
  WITH ${NEWER_BATCH}
  INSERT INTO usage_hours AS u (hour, kind, label, count)
  SELECT CAST(:hour AS timestamptz), g.kind, g.label, g.count
    FROM json_to_recordset(:growth) AS g(kind text, label text, count bigint)
   WHERE EXISTS (SELECT FROM newer)
   ORDER BY g.kind, g.label
  ON CONFLICT (hour, kind, label) DO UPDATE SET count = u.count + excluded.count`

export function createUsage(metrics: Metrics, clock: Clock = Date): Usage {
  const counted = new Map<string, number>()

  /** What has grown is taken off the counters for good: from here on it is this addition's to arrive. */
  async function nextAddition(): Promise<Addition | undefined> {
    const present = await readCounters(metrics)
    const growth = present
      .map((one) => ({ ...one, count: one.count - (counted.get(nameOf(one)) ?? 0) }))
      .filter(({ count }) => count > 0)
    if (growth.length === 0) return undefined
    for (const one of present) counted.set(nameOf(one), one.count)
    return { hour: new Date(Math.floor(clock.now() / HOUR) * HOUR), growth }
  }

  const write = createNumberedBatches<Addition>(nextAddition, (knex, { addition: { hour, growth }, ...batch }) =>
    knex.raw(ADD, { ...batch, hour: hour.toISOString(), growth: JSON.stringify(growth) }),
  )
  return {
    async flush(knex) {
      await write(knex)
    },
  }
}

/** SQL: what `readUsage` returns. Takes `:step`, `:from` and `:to`. */
export const USAGE = `
  SELECT date_trunc(:step, hour, 'UTC') AS at, kind, label, sum(count)::bigint AS count
    FROM usage_hours WHERE hour >= :from AND hour < :to
   GROUP BY 1, kind, label ORDER BY 1, kind, label`

/**
 * Counts from `from` (inclusive) to `to` (exclusive), by hour or by day (UTC), oldest first. Sparse: where nothing was
 * counted there is nothing.
 */
export async function readUsage(
  db: Knex,
  { from, to, step }: { readonly from: Date; readonly to: Date; readonly step: 'hour' | 'day' },
): Promise<UsageCount[]> {
  const { rows } = await db.raw(USAGE, { step, from, to })
  return rows
}

/** Deletes at most `limit` hours' counts that are older than 400 days. */
export async function deleteOldUsage(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM usage_hours WHERE (hour, kind, label) IN (
       SELECT hour, kind, label FROM usage_hours WHERE hour < now() - make_interval(days => ?) ORDER BY hour LIMIT ?)`,
    [KEPT_DAYS, limit],
  )
  return rowCount
}

/** Deletes at most `limit` notes of processes that have long ended. */
export async function deleteOldUsageWriters(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM usage_writers WHERE id IN (
       SELECT id FROM usage_writers WHERE written_at < now() - make_interval(days => ?) LIMIT ?)`,
    [WRITER_KEPT, limit],
  )
  return rowCount
}
