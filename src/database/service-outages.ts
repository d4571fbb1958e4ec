import type { Knex } from 'knex'

/** Milliseconds between two heartbeats of a node. */
export const HEARTBEAT_EVERY = 5000

/** Seconds without a heartbeat of any node after which the service counts as having been away. */
const SILENCE = 15

/** Outages that are as old as this many hours are deleted. */
const KEPT_HOURS = 24

// The first heartbeat inserts the row: no time before it counts as an outage. One node writes; others find a fresh
// heartbeat, or the row locked, and write nothing.
const BEAT = `
  WITH earlier AS MATERIALIZED (
    SELECT at FROM service_heartbeat WHERE at < clock_timestamp() - interval '4 seconds' FOR UPDATE SKIP LOCKED
  ), beat AS (
    UPDATE service_heartbeat h SET at = clock_timestamp() FROM earlier RETURNING earlier.at AS began_at, h.at AS ended_at
  ), first AS (
    INSERT INTO service_heartbeat (one_row) SELECT true WHERE NOT EXISTS (SELECT FROM service_heartbeat) ON CONFLICT DO NOTHING
  ), old AS (
    DELETE FROM service_outages WHERE ended_at < now() - interval '${KEPT_HOURS} hours'
  )
  INSERT INTO service_outages (began_at, ended_at)
  SELECT began_at, ended_at FROM beat WHERE ended_at - began_at > interval '${SILENCE} seconds'
  ON CONFLICT DO NOTHING`

/** Writes that the service can answer now, and records for how long it could not. */
export async function beat(knex: Knex): Promise<void> {
  await knex.raw(BEAT)
}

// What ended a moment ago may not be recorded yet: then the heartbeat itself is old.
const AWAY = `
  SELECT coalesce(sum(extract(epoch FROM least(o.ended_at, clock_timestamp()) - greatest(o.began_at, :since))), 0)::float8
         AS seconds
    FROM (SELECT began_at, ended_at FROM service_outages
          UNION ALL
          SELECT at, clock_timestamp() FROM service_heartbeat
           WHERE at < clock_timestamp() - interval '${SILENCE} seconds') o
   WHERE o.ended_at > :since AND o.began_at < clock_timestamp()`

/** For how many seconds since then the service could not answer. */
export async function secondsAway(db: Knex, since: Date): Promise<number> {
  return (await db.raw(AWAY, { since })).rows[0].seconds
}
