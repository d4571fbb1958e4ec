import type { Knex } from 'knex'
import { createNumberedBatches, NEWER_BATCH, type NumberedBatch } from '../metrics/numbered-batches.ts'
import type { Clock } from '../shared/clock.ts'

/** Counts issued tokens per client and API in memory, and writes them asynchronously. */
export interface ClientUsage {
  countIssued(clientKey: number, apiId: number): void
  /** Writes at most 1,000 counts, the oldest first; with `all`, every one. If that fails, the next flush writes them, once. */
  flush(knex: Knex, all?: boolean): Promise<void>
}

interface IssuedCount {
  readonly client_id: number
  readonly api_id: number
  readonly hour: Date
  count: number
}

const HOUR = 3_600_000

/** Rows of one write: with 100,000 busy clients, the rows that a flush updates must not compete with issuing. */
const BATCH = 1000

// Rows are locked in one order, so that nodes do not deadlock.
const ADD = `
  WITH ${NEWER_BATCH}
  INSERT INTO client_usage_hours AS h (client_id, hour, api_id, endpoint, outcome, count)
  SELECT g.client_id, g.hour, g.api_id, 'token', 'issued', g.count
    FROM json_to_recordset(:counts) AS g(client_id bigint, hour timestamptz, api_id integer, count bigint)
   WHERE EXISTS (SELECT FROM newer)
   ORDER BY g.client_id, g.hour, g.api_id
  ON CONFLICT (client_id, hour, api_id, endpoint, outcome) DO UPDATE SET count = h.count + excluded.count`

const add = (knex: Knex, { addition, ...batch }: NumberedBatch<IssuedCount[]>) =>
  knex.raw(ADD, { ...batch, counts: JSON.stringify(addition) })

export function createClientUsage(clock: Clock = Date): ClientUsage {
  /** By hour and API, then by client: numbers as keys cost a fraction of the memory of texts. */
  const counts = new Map<string, Map<number, number>>()

  function countsOf(apiId: number): Map<number, number> {
    const key = `${Math.floor(clock.now() / HOUR)} ${apiId}`
    const known = counts.get(key) ?? new Map<number, number>()
    counts.set(key, known)
    return known
  }

  /** Removes the counts of a batch, the oldest first. */
  function take(): IssuedCount[] | undefined {
    const taken: IssuedCount[] = []
    for (const [key, ofClients] of counts) {
      const [hour, apiId] = key.split(' ').map(Number)
      for (const [clientKey, count] of ofClients) {
        if (taken.length === BATCH) return taken
        ofClients.delete(clientKey)
        taken.push({ client_id: clientKey, api_id: apiId!, hour: new Date(hour! * HOUR), count })
      }
      counts.delete(key)
    }
    return taken.length > 0 ? taken : undefined
  }

  const write = createNumberedBatches(take, add)

  return {
    countIssued(clientKey, apiId) {
      const ofClients = countsOf(apiId)
      ofClients.set(clientKey, (ofClients.get(clientKey) ?? 0) + 1)
    },
    async flush(knex, all = false) {
      while ((await write(knex)) && all);
    },
  }
}
