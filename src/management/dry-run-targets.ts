import type { ClientRow } from '../clients/clients.ts'
import { IS_RETIRABLE } from '../clients/retired-secrets.ts'
import { type KeywrightError, notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { isReplaced } from '../shared/secret-lifetimes.ts'
import { activeTokensOf, boundedCountOf } from './bounded-counts.ts'
import { countForEach, type DryRunTarget, OF_LAST_DAY } from './dry-run.ts'
import { isCommandLine, type Principal } from './principal.ts'

// What clients, their secrets and tokens affect, as parts of the statement of a dry run.

/** @throws KeywrightError `not_found` */
export function checkedId(value: string, what: string): string {
  if (!isId(value)) throw notFound(what, value)
  return value
}

type ClientCheck = (client: ClientRow) => KeywrightError | undefined

const OF_CLIENT = {
  clients: 'c.id = o.id',
  accessTokens: activeTokensOf('t.client_key = o.id'),
  refreshTokens: boundedCountOf('active_refresh_tokens r WHERE r.client_id = o.id'),
}

/** @param errorOf why the operation does not apply to the client */
export const clientTarget = (clientId: string, errorOf?: ClientCheck): DryRunTarget<ClientRow> => ({
  from: 'clients o WHERE o.client_id = :clientId',
  bindings: { clientId },
  ...OF_CLIENT,
  what: 'client',
  id: clientId,
  check(row) {
    const error = errorOf?.(row)
    if (error) throw error
  },
})

/** As `applicationFor`: the command line also changes key pairs and the clients of APIs. */
export const applicationTarget = (principal: Principal, clientId: string): DryRunTarget<ClientRow> =>
  clientTarget(clientId, ({ kind }) =>
    kind === 'application' || isCommandLine(principal) ? undefined : notFound('client', clientId),
  )

/** An application or key pair. */
export const applicationOrPairTarget = (clientId: string): DryRunTarget<ClientRow> =>
  clientTarget(clientId, ({ kind }) => (kind === 'api' ? notFound('client', clientId) : undefined))

/** The client by which an API introspects. */
export const clientOfApiTarget = (identifier: string): DryRunTarget<ClientRow> => ({
  ...clientTarget(identifier),
  from: `clients o WHERE o.kind = 'api' AND o.api_id = (SELECT a.id FROM apis a WHERE a.identifier = :identifier)`,
  bindings: { identifier },
  what: 'client of the API',
})

/** Of the tokens of a client, so many are looked at. */
const MAX_LOOKED_AT = 10_000

/** SQL: the number of rows `x` that meet a condition, of the rows of a client; null if it has too many rows. */
const countAmong = (condition: string, rows: string): string => `
  SELECT CASE WHEN count(*) <= ${MAX_LOOKED_AT} THEN (count(*) FILTER (WHERE ${condition}))::int END
    FROM (${rows} LIMIT ${MAX_LOOKED_AT + 1}) x`

const PREVIOUS = `
  SELECT client_secrets.id FROM client_secrets
   WHERE client_secrets.client_id = o.id
     AND CASE WHEN CAST(:secretId AS bigint) IS NULL THEN client_secrets.retires_at > now() AND ${isReplaced()}
              ELSE client_secrets.id = :secretId AND ${IS_RETIRABLE} END`

const OF_SECRET = `x.secret_id = ANY (ARRAY(${PREVIOUS}))`

interface SecretsRow extends ClientRow {
  previous_secrets: number
}

/** The previous secrets of a client, or one of them. @param target of the client */
export const previousSecretsTarget = (
  target: DryRunTarget<ClientRow>,
  secretId: number | undefined,
): DryRunTarget<SecretsRow> => ({
  ...target,
  bindings: { ...target.bindings, secretId: secretId ?? null },
  columns: `(SELECT count(*)::int FROM (${PREVIOUS}) s) AS previous_secrets`,
  accessTokens: countAmong(OF_SECRET, 'SELECT t.secret_id FROM active_access_tokens t WHERE t.client_key = o.id'),
  refreshTokens: countAmong(OF_SECRET, 'SELECT r.secret_id FROM active_refresh_tokens r WHERE r.client_id = o.id'),
  callers: `
    SELECT o.id AS client_key, k.ip, k.api_id, max(k.last_used_at) AS last_used_at FROM secret_callers k
     WHERE k.secret_id = ANY (ARRAY(${PREVIOUS})) AND ${OF_LAST_DAY} GROUP BY k.ip, k.api_id`,
  check(row) {
    target.check?.(row)
    if (row.previous_secrets === 0) throw notFound('previous secret', String(secretId ?? target.id))
  },
})

/** One access token of a client, or every token of a grant. Its callers are those that got tokens for the same API. */
const tokenTarget = (
  target: DryRunTarget<ClientRow>,
  { what, id, api, ...counts }: { what: string; id: string; api: string; accessTokens: string; refreshTokens: string },
): DryRunTarget<ClientRow & { has_api: boolean }> => ({
  ...target,
  ...counts,
  bindings: { ...target.bindings, tokenId: checkedId(id, what) },
  columns: `EXISTS (${api}) AS has_api`,
  callers: `
    SELECT k.client_id AS client_key, k.ip, k.api_id, k.last_used_at FROM client_callers k
     WHERE k.client_id = o.id AND k.api_id = (${api} LIMIT 1) AND ${OF_LAST_DAY}`,
  check(row) {
    target.check?.(row)
    if (!row.has_api) throw notFound(what, id)
  },
})

const NONE = 'SELECT 0'

const OF_TOKEN = 't.client_key = o.id AND t.jti = CAST(:tokenId AS uuid)'
const OF_GRANT = 'r.client_id = o.id AND r.grant_id = CAST(:tokenId AS uuid)'

export const accessTokenTarget = (target: DryRunTarget<ClientRow>, jti: string) =>
  tokenTarget(target, {
    what: 'token',
    id: jti,
    api: `SELECT t.api_id FROM active_access_tokens t WHERE ${OF_TOKEN}`,
    accessTokens: activeTokensOf(OF_TOKEN),
    refreshTokens: NONE,
  })

export const grantTarget = (target: DryRunTarget<ClientRow>, grantId: string) =>
  tokenTarget(target, {
    what: 'grant',
    id: grantId,
    api: `SELECT r.api_id FROM active_refresh_tokens r WHERE ${OF_GRANT}`,
    accessTokens: activeTokensOf('t.client_key = o.id AND t.grant_id = CAST(:tokenId AS uuid)'),
    refreshTokens: boundedCountOf(`active_refresh_tokens r WHERE ${OF_GRANT}`),
  })

/** Some clients, which the caller has checked. @param accountId of the principal */
export const clientsTarget = (clientIds: readonly string[], accountId: string | null): DryRunTarget => ({
  from: '(SELECT CAST(:accountId AS uuid) AS account_id) o',
  bindings: { clientIds: [...clientIds], accountId },
  clients: `c.client_id = ANY (:clientIds) AND c.status = 'active'`,
  accessTokens: countForEach(
    'clients one WHERE one.client_id = ANY (:clientIds)',
    'active_access_tokens t WHERE t.client_key = one.id',
  ),
  refreshTokens: countForEach(
    'clients one WHERE one.client_id = ANY (:clientIds)',
    'active_refresh_tokens r WHERE r.client_id = one.id',
  ),
  what: 'clients',
  id: '',
})
