import { PERMISSIONS } from '../accounts/permissions.ts'
import { type Client, type ClientRow, toClient } from '../clients/clients.ts'
import { MAX_SECRET_CALLERS } from '../clients/secret-callers.ts'
import { notFound } from '../shared/errors.ts'
import { SECRET_FIELDS, type SecretView, USABLE_SECRET } from './client-parts.ts'
import { operation } from './operation.ts'
import { isCommandLine } from './principal.ts'
import { checkTenant } from './tenant-isolation.ts'

/** Who used a secret. Times are ISO 8601. */
export interface SecretCaller {
  readonly ip: string
  /** The identifier of the API that the caller got tokens for; null: no token. */
  readonly api: string | null
  /** Empty: none, or not recorded. */
  readonly userAgent: string
  readonly firstUsedAt: string
  /** With a precision of five minutes. */
  readonly lastUsedAt: string
}

export interface SecretWithCallers extends SecretView {
  /** The callers of the last 30 days, latest first, at most `MAX_SECRET_CALLERS`. */
  readonly callers: readonly SecretCaller[]
}

/** The secrets of a client that work, newest first. */
export interface ClientSecrets {
  readonly client: Client
  /** The time at which the callers were read. A use appears within seconds. */
  readonly asOf: Date
  readonly secrets: readonly SecretWithCallers[]
}

const CALLERS_OF_SECRET = `
  SELECT coalesce(json_agg(json_build_object('ip', k.ip, 'api', k.identifier, 'userAgent', k.user_agent,
                                             'firstUsedAt', k.first_used_at, 'lastUsedAt', k.last_used_at)
                           ORDER BY k.last_used_at DESC), '[]')
    FROM (SELECT k.*, p.identifier
            FROM secret_callers k LEFT JOIN apis p ON p.id = k.api_id
           WHERE k.secret_id = s.id AND k.last_used_at > now() - interval '30 days'
           ORDER BY k.last_used_at DESC LIMIT ${MAX_SECRET_CALLERS}) k`

const readWhere = (condition: string): string => `
  SELECT c.*, now() AS as_of,
         (SELECT json_agg(json_build_object(${SECRET_FIELDS}, 'callers', (${CALLERS_OF_SECRET})) ORDER BY s.id DESC)
            FROM client_secrets s LEFT JOIN apis p ON p.id = s.last_used_api_id
           WHERE s.client_id = c.id AND ${USABLE_SECRET}) AS secrets
    FROM clients c
   WHERE ${condition}`

interface SecretsRow extends ClientRow {
  as_of: Date
  secrets: SecretWithCallers[] | null
}

const toSecrets = (row: SecretsRow): ClientSecrets => ({
  client: toClient(row),
  asOf: row.as_of,
  secrets: row.secrets ?? [],
})

const BY_CLIENT_ID = readWhere('c.client_id = ?')
const BY_API = readWhere(`c.kind = 'api' AND c.api_id = (SELECT a.id FROM apis a WHERE a.identifier = ?)`)
const BY_API_ID = readWhere(`c.kind = 'api' AND c.api_id = CAST(? AS bigint)`)

/**
 * The secrets of an application, with their callers. The command line also reads those of key pairs and of the clients of APIs.
 * @throws KeywrightError `not_found`
 */
export const readApplicationSecrets = operation<{ clientId: string }, ClientSecrets>(
  PERMISSIONS.viewApplications,
  async ({ knex }, principal, { clientId }) => {
    const row: SecretsRow | undefined = (await knex.raw(BY_CLIENT_ID, [clientId])).rows[0]
    if (!row || (row.kind !== 'application' && !isCommandLine(principal))) throw notFound('client', clientId)
    checkTenant(principal, row.account_id, 'client', clientId)
    return toSecrets(row)
  },
)

/** The secrets of the client by which an API introspects, with their callers. @throws KeywrightError `not_found` */
export const readApiSecrets = operation<{ identifier: string } | { id: number }, ClientSecrets>(
  PERMISSIONS.inspectApis,
  async ({ knex }, _principal, api) => {
    const [statement, key] = 'id' in api ? [BY_API_ID, api.id] : [BY_API, api.identifier]
    const row: SecretsRow | undefined = (await knex.raw(statement, [key])).rows[0]
    if (!row) throw notFound('client of the API', String(key))
    return toSecrets(row)
  },
)
