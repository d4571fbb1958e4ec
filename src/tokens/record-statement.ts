import { TURNS } from '../clients/client-locks.ts'
import { SERVER_STARTED_AT } from '../database/server-watch.ts'
import { RECORDS_AFTER } from '../status/status-lists.ts'

const STRIPES = `SELECT DISTINCT (id % ${TURNS.stripes})::int AS stripe FROM unnest($2::bigint[]) id`

const TAKE_TURNS = `
    SELECT array_agg(stripe) AS stripes, count(pg_advisory_xact_lock_shared(${TURNS.namespace}, stripe))
      FROM (${STRIPES} ORDER BY 1) turns`

/** Longer than any slot's row is held while all goes well. */
const TRY_TURNS = `
    SELECT array_agg(stripe) AS stripes
      FROM (${STRIPES}) turns, set_config('lock_timeout', '1s', true)
     WHERE pg_try_advisory_xact_lock_shared(${TURNS.namespace}, stripe)`

// One statement for many tokens. It queues up behind whoever waits to change a client or an API (see `TURNS`). Every
// client's row is share-locked in one order, which settles the race with whoever replaces it: a replacement that
// commits first is seen here (the lock re-reads the row), one that comes later waits and then finds these tokens. APIs,
// too few to be locked by everybody, are read anew when the turn has come; nobody changes their settings then. Slots
// are locked in one order too. A slot's generation is greater than the row's own once its lock was waited for, so the
// last to commit has the highest, whatever happened to sequences and clocks. A slot stays longer than any token that it
// may have ended, whatever their lifetimes were, or its going would revive them. Of several tokens of one slot in one
// batch, the last one wins. A slot knows its last token's place, so that a trigger can report to followers which one it
// ended; of those that were ended before they began, only this statement knows. A lease of a status list that was taken
// before a failover or a restore is refused: the database may have lost it, and given its indexes to another node
// (migration 20261128030200).
//
// A batch must not wait for one client (`waits: false`): it leaves out the clients whose locks it does not get at once
// (`skipped`), and gives up soon when a slot's row is held. Those requests run apart, with `waits: true`. Trying is fair
// to whoever waits for the exclusive lock: PostgreSQL refuses a try where somebody waits already.
const recordStatement = ({ waits }: { waits: boolean }): string => `
  WITH request AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS r(
      n int, jti uuid, client bigint, client_version int, api int, api_version int, secret bigint, retires timestamptz,
      subject text, scope text, iat float8, exp float8, single boolean, grant_id uuid, list bigint, place int)
  ), turn AS MATERIALIZED (
    ${waits ? TAKE_TURNS : TRY_TURNS}
  ), client AS MATERIALIZED (
    SELECT c.id, c.version, c.epoch FROM clients c, turn
     WHERE c.id = ANY ($2::bigint[]) AND c.status = 'active' AND (c.id % ${TURNS.stripes})::int = ANY (turn.stripes)
     ORDER BY c.id FOR SHARE OF c ${waits ? '' : 'SKIP LOCKED'}
  ), api AS MATERIALIZED (
    SELECT now.* FROM turn
     CROSS JOIN LATERAL api_versions_now(CASE WHEN turn.stripes IS NOT NULL THEN (SELECT array_agg(r.api) FROM request r) END) now
  ), valid AS MATERIALIZED (
    SELECT r.*, c.epoch,
           r.n = max(r.n) OVER (PARTITION BY r.client, r.api, r.subject) AS last
      FROM request r
      JOIN client c ON c.id = r.client AND c.version = r.client_version
      JOIN api a ON a.api = r.api AND a.version = r.api_version
      JOIN status_lists l ON l.id = r.list AND (l.closed_at IS NULL OR l.closed_at > now() - interval '${RECORDS_AFTER}')
                         AND l.server_started_at = pg_postmaster_start_time()
     WHERE r.retires IS NULL OR r.retires > now()
  ), slot AS (
    INSERT INTO token_slots AS s (client_id, api_id, subject, generation, expires_at, status_list, status_index,
                                  client_version, api_version)
    SELECT client, api, subject, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, now() + interval '31 days',
           list, place, client_version, api_version
      FROM valid WHERE single AND last ORDER BY client, api, subject
    ON CONFLICT (client_id, api_id, subject) DO UPDATE
       SET generation = greatest(s.generation + 1, excluded.generation), expires_at = excluded.expires_at,
           status_list = excluded.status_list, status_index = excluded.status_index,
           client_version = excluded.client_version, api_version = excluded.api_version
    RETURNING client_id, api_id, subject, generation
  ), outrun AS (
    INSERT INTO revocations (status_list, places)
    SELECT list, array_agg(place) FROM valid WHERE single AND NOT last GROUP BY list
  ), recorded AS (
    INSERT INTO access_tokens (jti, expires_at, issued_at, client_id, secret_id, generation, api_id, epoch, subject,
                               scope, grant_id, status_list, status_index)
    SELECT v.jti, to_timestamp(v.exp), to_timestamp(v.iat), v.client, v.secret,
           CASE WHEN v.single THEN s.generation - CASE WHEN v.last THEN 0 ELSE 1 END
                ELSE coalesce((SELECT g.generation FROM token_slots g
                                WHERE g.client_id = v.client AND g.api_id = v.api AND g.subject = v.subject), 0) END,
           v.api, v.epoch, v.subject, v.scope, v.grant_id, v.list, v.place
      FROM valid v
      LEFT JOIN slot s ON s.client_id = v.client AND s.api_id = v.api AND s.subject = v.subject
    RETURNING jti
  )
  SELECT (SELECT version FROM key_ring) AS key_ring_version, ${SERVER_STARTED_AT} AS server,
         (SELECT json_agg(jti) FROM recorded) AS recorded,
         (SELECT json_agg(id) FROM unnest($2::bigint[]) id WHERE id NOT IN (SELECT c.id FROM client c)) AS skipped`

/** Waits for every lock. */
export const RECORD = recordStatement({ waits: true })

/** Waits for no client. */
export const RECORD_UNCONTENDED = recordStatement({ waits: false })
