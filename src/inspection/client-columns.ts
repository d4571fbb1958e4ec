import { asUuid } from '../audit/audit-visibility.ts'

// Parts of the statements that read a client `c` with its account `a`, its owner `o`, and who stopped it.

/** SQL: when the latest audit event of this action was. @param target SQL: the ID of its target. @param more SQL: a condition on the event `l` */
export const latestEventAt = (action: string, target: string, more = 'true'): string =>
  `(SELECT l.at FROM audit_log l WHERE l.target_id = ${target} AND l.action = '${action}' AND ${more} ORDER BY l.at DESC LIMIT 1)`

/** SQL: the clients, and the deleted ones with what is left of them: the client ID stands for the name. */
export const ALL_CLIENTS = `(
  SELECT id, client_id, kind, name, status, account_id, user_id, api_id, revocation_epoch, deactivated_at FROM clients
   UNION ALL
  SELECT d.id, d.client_id, d.kind, d.client_id, 'deleted', d.account_id, NULL, NULL, NULL,
         coalesce(${latestEventAt('client.deleted', 'd.client_id')}, d.deleted_at) FROM deleted_clients d)`

/** SQL: whether the client needs the API of the instance and of its account. */
const NEEDS_API = `c.kind <> 'api'`

/** SQL: when the client could no longer be used, in the order of `verdictOnClient`; null: it can be used, or nobody recorded it. */
export const CLIENT_STOPPED_AT = `
  CASE WHEN c.status <> 'active' THEN c.deactivated_at
       WHEN a.status = 'disabled' THEN a.disabled_at
       WHEN ${NEEDS_API} AND NOT (SELECT i.api_enabled FROM instance_settings i) THEN ${latestEventAt('instance.api_disabled', `'instance'`)}
       WHEN ${NEEDS_API} AND NOT a.api_enabled THEN ${latestEventAt('account.api_disabled', 'a.id::text')}
       WHEN o.status = 'disabled' THEN ${latestEventAt('user.disabled', 'o.id::text')} END`

/**
 * SQL: the audit event whose transaction stopped something at `stop.at`. Both carry the time at which the transaction began.
 * Of several, the event about the client.
 * @param more SQL: a further condition on the event `l` that names what was stopped
 */
export const stoppedBy = (more = 'false'): string => `
  LEFT JOIN LATERAL (
    SELECT l.action, l.target_id, l.actor_type, l.actor_id, l.at FROM audit_log l
     WHERE l.at = stop.at AND (l.target_id = ANY (stop.targets) OR ${more})
     ORDER BY l.target_type = 'client' DESC, l.id LIMIT 1) act ON true
  LEFT JOIN users actor ON actor.id = ${asUuid('act', 'actor', 'user')}
  LEFT JOIN clients acting ON act.actor_type = 'client' AND acting.client_id = act.actor_id`

/** SQL: an admin of the account sees neither who an operator is nor who a user or client of another account is. */
const visibleActor = (column: string): string =>
  `CASE WHEN CAST(:account AS uuid) IS NULL OR coalesce(actor.account_id, acting.account_id) = CAST(:account AS uuid) THEN ${column} END`

/** SQL: the event of `stoppedBy`, without what the principal may not see. */
export const ACT_COLUMNS = `
  stop.at AS stopped_at, act.action AS act_action, act.target_id AS act_target, act.actor_type,
  ${visibleActor('act.actor_id')} AS actor_id, ${visibleActor('coalesce(actor.email, acting.name)')} AS actor_label`

export const CLIENT_COLUMNS = `
  c.client_id, c.kind AS client_kind, c.name AS client_name, c.status AS client_status, c.api_id AS client_api_id,
  a.id AS account_id, a.name AS account_name, a.status AS account_status,
  o.id AS owner_id, o.email AS owner_email, o.status AS owner_status,
  NOT ${NEEDS_API} OR ((SELECT api_enabled FROM instance_settings) AND coalesce(a.api_enabled, true)) AS api_enabled,
  ${ACT_COLUMNS}`

const OF_CLIENT = `l.detail->>'replaced' = c.client_id OR l.detail->>'client_id' = c.client_id`

/** @param at SQL: when it was stopped. @param targets SQL: further IDs that the audit event may name */
export const clientJoins = (at: string, ...targets: readonly string[]): string => `
  LEFT JOIN accounts a ON a.id = c.account_id
  LEFT JOIN users o ON o.id = c.user_id
  CROSS JOIN LATERAL (
    SELECT ${at} AS at,
           ARRAY[${[...targets, 'c.client_id', 'c.user_id::text', 'c.account_id::text', `'instance'`].join(', ')}] AS targets) stop
  ${stoppedBy(OF_CLIENT)}`

/** SQL: the principal may see the client. `:account` is null for an operator. */
export const MAY_SEE = '(CAST(:account AS uuid) IS NULL OR c.account_id = CAST(:account AS uuid))'
