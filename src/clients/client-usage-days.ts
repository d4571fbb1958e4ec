import type { Knex } from 'knex'

/** Days for which counts stay by the hour, besides the present day (UTC). */
const DAYS_BY_HOUR = 2

const KEPT_DAYS = 400

/** Moves at most `limit` counts of an hour to those of its day. Returns the number of moved counts. */
export async function moveHoursToDays(db: Knex, limit: number): Promise<number> {
  const { rows } = await db.raw(
    `WITH moved AS (
       DELETE FROM client_usage_hours WHERE (client_id, hour, api_id, endpoint, outcome) IN (
         SELECT client_id, hour, api_id, endpoint, outcome FROM client_usage_hours
          WHERE hour < date_trunc('day', now(), 'UTC') - make_interval(days => ?)
          ORDER BY hour LIMIT ? FOR UPDATE SKIP LOCKED)
       RETURNING *),
     added AS (
       INSERT INTO client_usage_days AS d (client_id, day, api_id, endpoint, outcome, count, client_identifier, account_id)
       SELECT m.client_id, (m.hour AT TIME ZONE 'UTC')::date, m.api_id, m.endpoint, m.outcome, sum(m.count),
              c.client_id, c.account_id
         FROM moved m LEFT JOIN clients c ON c.id = m.client_id
        GROUP BY m.client_id, 2, m.api_id, m.endpoint, m.outcome, c.client_id, c.account_id
       ON CONFLICT (client_id, day, api_id, endpoint, outcome) DO UPDATE SET count = d.count + excluded.count)
     SELECT count(*)::int AS moved FROM moved`,
    [DAYS_BY_HOUR, limit],
  )
  return rows[0].moved
}

/** Deletes at most `limit` counts of days that are older than 400 days. */
export async function deleteOldUsageDays(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM client_usage_days WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM client_usage_days WHERE day < current_date - ?::int LIMIT ? FOR UPDATE SKIP LOCKED))`,
    [KEPT_DAYS, limit],
  )
  return rowCount
}
