/**
 * The statement that records tokens counts them with a function. As a part of the statement, the decision about the requests took as
 * much of PostgreSQL's processor time as the rest of the statement: PostgreSQL sets up each node of a plan before it runs it, and
 * most nodes were for quotas that do not suffice. The function decides in a loop, and only if a quota does not suffice.
 *
 * The way back drops the function. Versions before this one do not call it.
 */
import type { Knex } from 'knex'

// A window that is later than the present one stays for at most one window, as in `clients/quotas.ts`.
const window = (unit: 'hour' | 'day'): string => `
           CASE WHEN l.${unit} BETWEEN m.${unit} AND m.${unit}_end THEN l.${unit} ELSE m.${unit} END AS ${unit}_start,
           CASE WHEN l.${unit} BETWEEN m.${unit} AND m.${unit}_end THEN l.${unit}_count ELSE 0 END AS ${unit}_used`

const secondsLeft = (unit: 'hour' | 'day'): string =>
  `ceil(date_part('epoch', p.${unit}_start - p.${unit} + p.${unit}_end - p.at))::integer`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE FUNCTION count_tokens(requests integer[], clients bigint[], accounts uuid[], OUT refused integer[], OUT quotas json)
    LANGUAGE plpgsql AS $$
    DECLARE
      client_owners text[] := clients::text[];
      account_owners text[] := accounts::text[];
      exceeded integer[] := '{}';
      owners text[];
      modes text[];
      hour_limits integer[];
      hour_starts timestamptz[];
      hours_used bigint[];
      hours_left integer[];
      day_limits integer[];
      day_starts timestamptz[];
      days_used bigint[];
      days_left integer[];
      rooms bigint[];
      added integer[];
      all_fit boolean;
      own integer;
      shared integer;
      fits boolean;
      passes boolean;
    BEGIN
      refused := '{}';
      WITH locked AS MATERIALIZED (
        SELECT u.owner, u.hour, u.hour_count, u.day, u.day_count, o.requested,
               coalesce(c.quota_mode, a.quota_mode) AS mode,
               coalesce(c.quota_per_hour, a.quota_per_hour) AS hour_limit, coalesce(c.quota_per_day, a.quota_per_day) AS day_limit
          FROM (SELECT r.owner, count(*)::integer AS requested FROM unnest(client_owners || account_owners) r(owner)
                 GROUP BY r.owner) o
          JOIN quota_uses u ON u.owner = o.owner
          LEFT JOIN clients c ON c.id = u.client_id
          LEFT JOIN accounts a ON a.id = u.account_id
         WHERE coalesce(c.quota_per_hour, c.quota_per_day, a.quota_per_hour, a.quota_per_day) IS NOT NULL
         ORDER BY u.owner FOR NO KEY UPDATE OF u
      ), moment AS MATERIALIZED (
        SELECT at, date_trunc('hour', at, 'UTC') AS hour, date_trunc('hour', at, 'UTC') + interval '1 hour' AS hour_end,
               date_trunc('day', at, 'UTC') AS day, date_trunc('day', at, 'UTC') + interval '24 hours' AS day_end
          FROM (SELECT clock_timestamp() AS at, count(*) FROM locked) after_locks
      ), present AS (
        SELECT l.owner, l.mode, l.requested, l.hour_limit, l.day_limit, m.*,${window('hour')},${window('day')}
          FROM moment m, locked l
      ), room AS (
        SELECT p.*, least(p.hour_limit - p.hour_used, p.day_limit - p.day_used) AS room FROM present p
      )
      SELECT array_agg(p.owner), array_agg(p.mode), array_agg(p.requested), array_agg(p.room), bool_and(p.requested <= p.room),
             array_agg(p.hour_limit), array_agg(p.hour_start), array_agg(p.hour_used), array_agg(${secondsLeft('hour')}),
             array_agg(p.day_limit), array_agg(p.day_start), array_agg(p.day_used), array_agg(${secondsLeft('day')})
        INTO owners, modes, added, rooms, all_fit,
             hour_limits, hour_starts, hours_used, hours_left,
             day_limits, day_starts, days_used, days_left
        FROM room p;
      IF owners IS NULL THEN
        RETURN;
      END IF;
      IF NOT all_fit THEN
        added := array_fill(0, ARRAY[cardinality(owners)]);
        FOR n IN 1 .. cardinality(requests) LOOP
          own := array_position(owners, client_owners[n]);
          shared := array_position(owners, account_owners[n]);
          fits := own IS NULL OR added[own] < rooms[own];
          passes := fits OR modes[own] = 'observe';
          IF passes AND shared IS NOT NULL AND added[shared] >= rooms[shared] THEN
            fits := false;
            passes := modes[shared] = 'observe';
          END IF;
          IF NOT passes THEN
            refused := refused || requests[n];
            CONTINUE;
          END IF;
          IF NOT fits THEN
            exceeded := exceeded || requests[n];
          END IF;
          IF own IS NOT NULL THEN
            added[own] := added[own] + 1;
          END IF;
          IF shared IS NOT NULL THEN
            added[shared] := added[shared] + 1;
          END IF;
        END LOOP;
      END IF;
      UPDATE quota_uses u
         SET hour = n.hour, hour_count = n.hour_used + n.added, day = n.day, day_count = n.day_used + n.added
        FROM unnest(owners, added, hour_starts, hours_used, day_starts, days_used) n(owner, added, hour, hour_used, day, day_used)
       WHERE u.owner = n.owner AND n.added > 0;
      quotas := json_build_object(
        'owner', owners, 'mode', modes, 'added', added, 'refused', refused, 'exceeded', exceeded,
        'hourLimit', hour_limits, 'hourUsed', hours_used, 'hourEnds', hours_left,
        'dayLimit', day_limits, 'dayUsed', days_used, 'dayEnds', days_left);
    END $$;
    COMMENT ON FUNCTION count_tokens IS 'locks the counts of the quotas, decides which of the requests get a token, and counts these';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP FUNCTION count_tokens(integer[], bigint[], uuid[])')
}
