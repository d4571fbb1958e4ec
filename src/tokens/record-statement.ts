import { USES_MODEL } from '../clients/assertion-uses.ts'
import { CLIENT_LOCKS } from '../clients/client-locks.ts'
import { SERVER_STARTED_AT } from '../database/server-watch.ts'
import { RECORDS_AFTER } from '../status/status-lists.ts'
import { QUOTA_COLUMNS, QUOTA_DECISIONS, QUOTA_RESULTS } from './quota-statement.ts'

const STRIPES = `SELECT DISTINCT (id % ${CLIENT_LOCKS.stripes})::int AS stripe FROM unnest($2::bigint[]) id`

const TAKE_LOCKS = `
    SELECT array_agg(stripe) AS stripes, count(pg_advisory_xact_lock_shared(${CLIENT_LOCKS.namespace}, stripe))
      FROM (${STRIPES} ORDER BY 1) locks`

/** Tries each lock without waiting. The lock timeout is longer than any row of `single_tokens` is normally locked. */
const TRY_LOCKS = `
    SELECT array_agg(stripe) AS stripes
      FROM (${STRIPES}) locks, set_config('lock_timeout', '1s', true)
     WHERE pg_try_advisory_xact_lock_shared(${CLIENT_LOCKS.namespace}, stripe)`

/** Of the requests with an assertion, those of active clients whose use is the first one. */
const FIRST_USES = `, used AS (
    INSERT INTO engine_models (model, id_hash, expires_at)
    SELECT '${USES_MODEL}', decode(r.use_hash, 'hex'), to_timestamp(r.use_until)
      FROM request r JOIN client c ON c.id = r.client ORDER BY r.use_hash, r.n
    ON CONFLICT (model, id_hash) DO NOTHING
    RETURNING id_hash
  ), first_use AS MATERIALIZED (
    SELECT min(r.n) AS n FROM used u JOIN request r ON r.use_hash = encode(u.id_hash, 'hex') GROUP BY u.id_hash
  )`

/** The tables of the requests whose client, API and status list have not changed since the token was planned. */
const UNCHANGED = `
      FROM request r
      JOIN client c ON c.id = r.client AND c.version = r.client_version
      JOIN api a ON a.api = r.api AND a.version = r.api_version
      JOIN status_lists l ON l.id = r.list AND (l.closed_at IS NULL OR l.closed_at > now() - interval '${RECORDS_AFTER}')
                         AND l.server_started_at = pg_postmaster_start_time()
     WHERE (r.retires IS NULL OR r.retires > now())`

/** `last`: of several requests of one client, API and subject in this batch, the last one. */
const valid = (condition = '') => `
  valid AS MATERIALIZED (
    SELECT r.*, c.revocation_epoch,
           r.n = max(r.n) OVER (PARTITION BY r.client, r.api, r.subject) AS last${UNCHANGED}${condition}
  )`

const VALID = valid()
const VALID_OF_FIRST_USES = valid(' AND r.n IN (SELECT n FROM first_use)')

const VALID_WITHIN_QUOTAS = `
  candidate AS MATERIALIZED (
    SELECT r.*, c.revocation_epoch, c.account_id${UNCHANGED}
  ),${QUOTA_DECISIONS}`

/** What an exchanged token depends on: its subject token, and what that depends on. */
const SOURCE = 'client_id, secret_id, revocation_epoch, api_id, subject, sequence, signing_key'
const EXCHANGED = `, exchanged AS (
    INSERT INTO exchanged_tokens (jti, expires_at, status_list, status_index, source_jti, source_expires_at, ${SOURCE})
    SELECT v.jti, to_timestamp(v.exp), v.list, v.idx, source.*
      FROM valid v
     CROSS JOIN LATERAL (
       SELECT jti, expires_at, ${SOURCE} FROM access_tokens
        WHERE jti = v.subject_token AND expires_at = to_timestamp(v.subject_exp)
       UNION ALL
       SELECT source_jti, source_expires_at, ${SOURCE} FROM exchanged_tokens WHERE jti = v.subject_token) source
  )`

interface Variant {
  readonly waits: boolean
  readonly quotas: boolean
  readonly exchange?: boolean
  readonly uses?: boolean
}

// Records many access tokens in one statement. Under the token policy `single`, a new token revokes the earlier (older) token of the
// same client, subject and API here: its row of `single_tokens` gets a greater sequence number, and tokens with a smaller
// number are inactive.
//
// Order of locks. The statement takes the advisory locks of its clients shared (`CLIENT_LOCKS`), so that it queues behind
// a transaction that waits to change a client or an API. It then locks the clients' rows shared, in the order of their ids:
// a change that committed earlier is seen here, because the lock re-reads the row; a later change waits and then sees these
// tokens. APIs are not locked: their versions are read after the advisory locks are held, while nobody can change them.
// Rows of `single_tokens` are locked last, in one order.
//
// Sequence numbers. A row's new number is computed after its lock was acquired, and is greater than the row's previous one:
// the last transaction to commit has the greatest number, whatever happens to sequences and clocks. A row outlives every
// token that it revokes; otherwise its deletion would make them active again. Of several tokens of one client, subject and
// API in one batch, the last one wins. A row holds the status index of its newest token, from which a trigger records the
// revocation when the row is replaced. Tokens that are superseded within the batch have no row: `superseded` records them.
//
// The revocation of a signing key raises the versions of the APIs whose tokens it signs, so a token that was planned before with
// that key is refused. The transaction that revokes a key holds every lock, so every token of the key was committed before.
//
// A lease of status indexes that was taken before a failover or a restore is refused: the database may have lost it and
// leased the same indexes to another node.
//
// With `waits: false`, the statement does not wait for one client at the cost of the others: it skips clients whose locks
// are not free (`skipped`), and fails soon when a row of `single_tokens` is locked. The skipped requests run in a statement
// with `waits: true`. This does not starve an exclusive lock: PostgreSQL refuses a try-lock while another session waits.
//
// With `exchange: true`, a token may name its subject token (RFC 8693), which the caller has locked with all that it depends on
// (`exchange/`). The token is recorded in `exchanged_tokens` for each of them.
//
// With `uses: true`, each request has a client assertion, whose first use over all nodes it must be. Uses are recorded after the
// clients' locks are held and before rows of `single_tokens` are locked, in one order. Nothing is recorded for a client that is not
// active or was skipped: the statement that waits would take the use for an earlier one.
//
// With `quotas: true`, the statement also locks the counts of the clients' and accounts' quotas, before `single_tokens`. Tokens of
// clients without a quota are recorded by the other statements, so that they neither wait for counts nor pay for them.
const recordStatement = ({ waits, quotas, exchange = false, uses = false }: Variant): string => `
  WITH request AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS r(
      n int, jti uuid, client bigint, client_version int, api int, api_version int, secret bigint, retires timestamptz,
      subject text, account uuid, scope text, iat float8, exp float8, single boolean, grant_id uuid, list bigint, idx int, key int${exchange ? ', subject_token uuid, subject_exp float8' : ''}${uses ? ', use_hash text, use_until float8' : ''})
  ), locked AS MATERIALIZED (
    ${waits ? TAKE_LOCKS : TRY_LOCKS}
  ), client AS MATERIALIZED (
    SELECT c.id, c.version, c.revocation_epoch${quotas ? QUOTA_COLUMNS : ''} FROM clients c, locked
     WHERE c.id = ANY ($2::bigint[]) AND c.status = 'active' AND (c.id % ${CLIENT_LOCKS.stripes})::int = ANY (locked.stripes)
     ORDER BY c.id FOR SHARE OF c ${waits ? '' : 'SKIP LOCKED'}
  ), api AS MATERIALIZED (
    SELECT now.* FROM locked
     CROSS JOIN LATERAL current_api_versions(CASE WHEN locked.stripes IS NOT NULL THEN (SELECT array_agg(r.api) FROM request r) END) now
  )${uses ? FIRST_USES : ''},${quotas ? VALID_WITHIN_QUOTAS : uses ? VALID_OF_FIRST_USES : VALID}, newest AS (
    INSERT INTO single_tokens AS s (client_id, api_id, subject, sequence, expires_at, status_list, status_index,
                                  client_version, api_version)
    SELECT client, api, subject, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, now() + interval '31 days',
           list, idx, client_version, api_version
      FROM valid WHERE single AND last ORDER BY client, api, subject
    ON CONFLICT (client_id, api_id, subject) DO UPDATE
       SET sequence = greatest(s.sequence + 1, excluded.sequence), expires_at = excluded.expires_at,
           status_list = excluded.status_list, status_index = excluded.status_index,
           client_version = excluded.client_version, api_version = excluded.api_version
    RETURNING client_id, api_id, subject, sequence
  ), superseded AS (
    INSERT INTO revocations (status_list, status_indexes)
    SELECT list, array_agg(idx) FROM valid WHERE single AND NOT last GROUP BY list
  ), recorded AS (
    INSERT INTO access_tokens (jti, expires_at, issued_at, client_id, secret_id, sequence, api_id, revocation_epoch, subject,
                               user_account_id, scope, grant_id, status_list, status_index, signing_key${exchange ? ', subject_token, subject_token_expires_at' : ''})
    SELECT v.jti, to_timestamp(v.exp), to_timestamp(v.iat), v.client, v.secret,
           CASE WHEN v.single THEN s.sequence - CASE WHEN v.last THEN 0 ELSE 1 END
                ELSE coalesce((SELECT g.sequence FROM single_tokens g
                                WHERE g.client_id = v.client AND g.api_id = v.api AND g.subject = v.subject), 0) END,
           v.api, v.revocation_epoch, v.subject, v.account, v.scope, v.grant_id, v.list, v.idx, v.key${exchange ? ', v.subject_token, to_timestamp(v.subject_exp)' : ''}
      FROM valid v
      LEFT JOIN newest s ON s.client_id = v.client AND s.api_id = v.api AND s.subject = v.subject
    RETURNING jti
  )${exchange ? EXCHANGED : ''}
  SELECT (SELECT version FROM key_ring) AS key_ring_version, ${SERVER_STARTED_AT} AS server,
         (SELECT json_agg(jti) FROM recorded) AS recorded,
         (SELECT json_agg(id) FROM unnest($2::bigint[]) id WHERE id NOT IN (SELECT c.id FROM client c)) AS skipped${quotas ? QUOTA_RESULTS : ''}${uses ? ', (SELECT json_agg(n) FROM first_use) AS first_uses' : ''}`

/** Waits for every lock. */
export const RECORD = recordStatement({ waits: true, quotas: false })

/** Waits for no client. */
export const RECORD_UNCONTENDED = recordStatement({ waits: false, quotas: false })

/** Also counts the tokens for the quotas of their clients and accounts, and refuses those beyond an enforced quota. */
export const RECORD_WITHIN_QUOTAS = recordStatement({ waits: true, quotas: true })
export const RECORD_WITHIN_QUOTAS_UNCONTENDED = recordStatement({ waits: false, quotas: true })

/** Also records exchanged tokens (RFC 8693). */
export const RECORD_EXCHANGED = recordStatement({ waits: true, quotas: false, exchange: true })
export const RECORD_EXCHANGED_WITHIN_QUOTAS = recordStatement({ waits: true, quotas: true, exchange: true })

/** Also records the uses of client assertions. */
export const RECORD_WITH_USES = recordStatement({ waits: true, quotas: false, uses: true })
export const RECORD_WITH_USES_UNCONTENDED = recordStatement({ waits: false, quotas: false, uses: true })
