import type { Knex } from 'knex'

const DAY = 86_400_000

/** How many days ahead partitions exist. The longest access token lifetime is 30 days. */
const DAYS_AHEAD = 32

const startOfDay = (at: number): number => Math.floor(at / DAY) * DAY
const dayName = (day: number): string => new Date(day).toISOString().slice(0, 10)
const partitionName = (day: number): string => `access_tokens_${dayName(day).replaceAll('-', '')}`

/**
 * Creates a table and then attaches it. Unlike `CREATE TABLE … PARTITION OF`, this does not block writes to
 * `access_tokens`.
 */
async function createPartition(knex: Knex, day: number): Promise<void> {
  const name = partitionName(day)
  const [from, to] = [dayName(day), dayName(day + DAY)]
  await knex.transaction(async (trx) => {
    await trx.raw('SELECT pg_advisory_xact_lock(hashtext(?))', ['access_tokens partitions'])
    if ((await trx.raw('SELECT to_regclass(?) AS found', [name])).rows[0].found) return
    await trx.raw(`
      CREATE TABLE ${name} (LIKE access_tokens INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
      ALTER TABLE ${name} SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
      ALTER TABLE access_tokens ATTACH PARTITION ${name} FOR VALUES FROM ('${from} 00:00Z') TO ('${to} 00:00Z')`)
  })
}

async function existingPartitions(knex: Knex): Promise<string[]> {
  const { rows } = await knex.raw(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'access_tokens'::regclass ORDER BY 1`,
  )
  return rows.map((row: { name: string }) => row.name)
}

/** Milliseconds since 1970. A node whose own clock is wrong would create the wrong partitions. */
async function databaseTime(knex: Knex): Promise<number> {
  const { rows } = await knex.raw('SELECT extract(epoch FROM now())::float8 * 1000 AS now')
  return rows[0].now
}

/** @throws Error when there is no partition for tokens that expire today or tomorrow: they could not be recorded */
export async function checkPartitions(knex: Knex): Promise<void> {
  const today = startOfDay(await databaseTime(knex))
  const existing = new Set(await existingPartitions(knex))
  const missing = [today, today + DAY].map(partitionName).filter((name) => !existing.has(name))
  if (missing.length > 0)
    throw new Error(`the partition ${missing[0]} is missing; see the log for why the job that creates it fails`)
}

/** Creates the missing partitions, one per day, into which the tokens issued today can fall. */
export async function ensurePartitions(knex: Knex, at?: number): Promise<void> {
  const now = at ?? (await databaseTime(knex))
  const existing = new Set(await existingPartitions(knex))
  for (let day = startOfDay(now) - DAY; day <= now + DAYS_AHEAD * DAY; day += DAY) {
    if (!existing.has(partitionName(day))) await createPartition(knex, day)
  }
}

/**
 * Deletes expired tokens: drops the partitions in which every token expired more than a day ago (a day, because clocks
 * differ). Returns their names. `DETACH … CONCURRENTLY` waits for running statements and does not block new ones.
 */
export async function dropExpiredPartitions(knex: Knex, at?: number): Promise<string[]> {
  const now = at ?? (await databaseTime(knex))
  const oldest = partitionName(startOfDay(now) - DAY)
  const expired = (await existingPartitions(knex)).filter((name) => name < oldest)
  for (const name of expired) await detach(knex, name)
  // Also those that a killed process detached and did not drop.
  for (const name of await detachedPartitions(knex)) if (name < oldest) await knex.schema.dropTableIfExists(name)
  return expired
}

async function detachedPartitions(knex: Knex): Promise<string[]> {
  const { rows } = await knex.raw(
    `SELECT relname AS name FROM pg_class
      WHERE relkind = 'r' AND NOT relispartition AND relnamespace = current_schema()::regnamespace
        AND relname ~ '^access_tokens_[0-9]{8}$'`,
  )
  return rows.map((row: { name: string }) => row.name)
}

/** An interrupted `DETACH` stays pending until `FINALIZE`. */
async function detach(knex: Knex, name: string): Promise<void> {
  const { rows } = await knex.raw('SELECT inhdetachpending AS pending FROM pg_inherits WHERE inhrelid = ?::regclass', [
    name,
  ])
  await knex.raw(`ALTER TABLE access_tokens DETACH PARTITION ${name} ${rows[0]?.pending ? 'FINALIZE' : 'CONCURRENTLY'}`)
}
