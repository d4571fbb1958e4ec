import type { Knex } from 'knex'
import { checkSettingsChange } from '../clients/client-rules.ts'
import type { ClientSettings } from '../clients/client-settings.ts'
import { type Client, type ClientRow, type ClientStatus, toClient } from '../clients/clients.ts'
import { notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { activeTokensOf, type Bounded, boundedCountOf, toBounded } from './bounded-counts.ts'
import {
  APIS_OF_CLIENT,
  CALLERS_OF_CLIENT,
  type Caller,
  type ClientApiView,
  lastUseOf,
  SECRETS_OF_CLIENT,
  type SecretView,
} from './client-parts.ts'
import { updateClient } from './client-registration.ts'
import type { NewSecrets } from './client-secret-rotation.ts'
import { retireSecret, rotateSecret } from './client-secret-rotation.ts'
import { changeClientStatus, restoreClient } from './client-status.ts'
import { numberKey, orderOf, type Sort, textKey } from './list-order.ts'
import { operation } from './operation.ts'
import { type PagedRow, type PageOf, type PageRequest, readPage } from './paging.ts'
import { narrowBySearch } from './search.ts'
import { accountInScope, applicationFor, checkTenant } from './tenant-isolation.ts'

/** An application as lists show it. */
export interface ApplicationSummary {
  readonly clientId: string
  readonly name: string
  readonly status: ClientStatus
  /** Null, like `accountName`, for an application of the instance. */
  readonly accountId: string | null
  readonly accountName: string | null
  readonly grants: readonly string[]
  readonly createdAt: Date
  /** When it last obtained a token or authenticated; for a public client within the last 30 days. */
  readonly lastUsedAt: Date | null
  readonly isPublic: boolean
}

/** An application with its APIs, its use, and what may be shown of its secrets. */
export interface Application {
  readonly client: Client
  /** When it last obtained a token or authenticated; for a public client within the last 30 days. */
  readonly lastUsedAt: Date | null
  readonly accountName: string | null
  readonly apis: readonly ClientApiView[]
  readonly secrets: readonly SecretView[]
  readonly activeTokens: Bounded
  /** Active refresh tokens. */
  readonly grants: Bounded
  /** Users who have consented. */
  readonly users: Bounded
  readonly callers: readonly Caller[]
  /** False while the API of the instance or of the account is off. */
  readonly apiEnabled: boolean
  /** APIs that it could be allowed to call. */
  readonly choosableApis: readonly { readonly identifier: string; readonly scopes: readonly string[] }[]
}

export interface ApplicationQuery extends PageRequest {
  /** Prefixes of words of the name, or a whole client ID. */
  readonly search?: string | undefined
  readonly status?: 'active' | 'archived' | undefined
  readonly accountId?: string | undefined
  /** ID of the user who registered the applications. */
  readonly createdBy?: string | undefined
  readonly sort?: Sort<'added' | 'name'> | undefined
}

interface SummaryRow extends ClientRow, PagedRow {
  account_name: string | null
  last_used_at: Date | null
}

const toSummary = (row: SummaryRow): ApplicationSummary => ({
  clientId: row.client_id,
  name: row.name as string,
  status: row.status,
  accountId: row.account_id,
  accountName: row.account_name,
  grants: row.grants as string[],
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
  isPublic: row.is_public as boolean,
})

const ORDERS = {
  added: [numberKey('clients.id')],
  name: [textKey('lower(clients.name)'), numberKey('clients.id')],
}

/** Applies the search term by an index. */
function narrow(query: Knex.QueryBuilder, typed: string | undefined): void {
  if (typed?.startsWith('kwc_')) query.where('clients.client_id', typed)
  else narrowBySearch(query, 'clients.name', typed)
}

/** Newest first unless `sort` says otherwise. */
export const listApplications = operation<ApplicationQuery, PageOf<ApplicationSummary>>(
  { role: 'admin', scope: 'applications:read' },
  async ({ knex }, principal, { search, status, createdBy, sort = '-added', accountId: wanted, ...request }) => {
    const accountId = accountInScope(principal, wanted)
    if (accountId !== undefined && !isId(accountId)) throw notFound('account', accountId)
    const base = knex('clients').where('clients.kind', 'application')
    if (accountId !== undefined) base.where('clients.account_id', accountId)
    if (createdBy !== undefined) base.where('clients.created_by', createdBy)
    const typed = search?.trim() || undefined
    narrow(base, typed)
    const list = {
      base,
      filters: status ? [knex.raw('clients.status = ?', [status])] : [],
      order: orderOf(ORDERS, sort),
    }
    const lastUse = knex.raw(`${lastUseOf('clients')} AS last_used_at`)
    const select = (query: Knex.QueryBuilder) =>
      query
        .leftJoin('accounts', 'accounts.id', 'clients.account_id')
        .select('clients.*', 'accounts.name AS account_name', lastUse)
    return await readPage<SummaryRow, ApplicationSummary>(knex, list, request, select, toSummary)
  },
)

const READ = `
  SELECT c.*, a.name AS account_name, ${lastUseOf('c')} AS last_used_at, (${APIS_OF_CLIENT}) AS apis, (${SECRETS_OF_CLIENT}) AS secrets,
         (${CALLERS_OF_CLIENT}) AS callers, (${activeTokensOf('t.client_key = c.id')}) AS active,
         (${boundedCountOf('active_refresh_tokens r WHERE r.client_id = c.id')}) AS active_grants,
         (${boundedCountOf('consents s WHERE s.client_id = c.id')}) AS users,
         (SELECT i.api_enabled FROM instance_settings i)
           AND coalesce(a.api_enabled AND a.status = 'active', true) AS api_enabled,
         (SELECT json_agg(json_build_object('identifier', p.identifier, 'scopes', p.scopes)
                          ORDER BY p.is_default DESC, p.identifier) FROM apis p) AS choosable
    FROM clients c
    LEFT JOIN accounts a ON a.id = c.account_id
   WHERE c.client_id = ? AND c.kind = 'application'`

interface ApplicationRow extends ClientRow {
  account_name: string | null
  last_used_at: Date | null
  apis: ClientApiView[] | null
  secrets: SecretView[] | null
  callers: Caller[] | null
  active: number
  active_grants: number
  users: number
  api_enabled: boolean
  choosable: Application['choosableApis'] | null
}

const toApplication = (row: ApplicationRow): Application => ({
  client: toClient(row),
  accountName: row.account_name,
  lastUsedAt: row.last_used_at,
  apis: row.apis ?? [],
  secrets: row.secrets ?? [],
  activeTokens: toBounded(row.active),
  grants: toBounded(row.active_grants),
  users: toBounded(row.users),
  callers: row.callers ?? [],
  apiEnabled: row.api_enabled,
  choosableApis: row.choosable ?? [],
})

interface ApplicationSelector {
  readonly clientId: string
}

export const readApplication = operation<ApplicationSelector, Application>(
  { role: 'admin', scope: 'applications:read' },
  async ({ knex }, principal, { clientId }) => {
    const { rows } = await knex.raw(READ, [clientId])
    const row: ApplicationRow | undefined = rows[0]
    if (!row) throw notFound('client', clientId)
    checkTenant(principal, row.account_id, 'client', clientId)
    return toApplication(row)
  },
)

/** Settings and access of an application. What is left out stays unchanged, or takes the instance's default. */
export interface ApplicationChange {
  readonly settings: Partial<ClientSettings>
  /** Identifiers of APIs, the default first. */
  readonly apis?: readonly string[] | undefined
  /** Null: all scopes of its APIs, also those added later. */
  readonly scopes?: readonly string[] | null | undefined
}

export type CreatedApplication = NewSecrets & { readonly client: Client }

interface ApplicationUpdate extends ApplicationSelector, ApplicationChange {
  /** The revision that the caller read; absent: any revision. */
  readonly revision?: number | undefined
}

/** @throws KeywrightError also `stale` */
export const updateApplication = operation<ApplicationUpdate, { client: Client; apiKey?: string }>(
  { role: 'admin', scope: 'applications:write' },
  async ({ knex }, principal, { clientId, revision, settings, apis, scopes }) => {
    await applicationFor(knex, principal, clientId)
    const change = { settings, ...(apis && { apis }), ...(scopes !== undefined && { scopes }) }
    const check = (before: Client) => checkSettingsChange(principal.role, before, settings)
    return await updateClient(knex, clientId, change, principal.actor, { expected: revision, check })
  },
)

/** Revokes all tokens of the application at once. */
export const archiveApplication = operation<ApplicationSelector, Client>(
  { role: 'admin', scope: 'applications:write' },
  async ({ knex }, principal, { clientId }) => {
    await applicationFor(knex, principal, clientId)
    return await changeClientStatus(knex, clientId, 'archived', principal.actor)
  },
)

/** Restores the application with a new secret, unless the former one is kept. Revoked tokens stay revoked. */
export const restoreApplication = operation<ApplicationSelector & { keepSecret: boolean }, CreatedApplication>(
  { role: 'admin', scope: 'applications:write' },
  async ({ knex }, principal, { clientId, keepSecret }) => {
    await applicationFor(knex, principal, clientId)
    return await restoreClient(knex, clientId, { keepSecret }, principal.actor)
  },
)

/**
 * Retires a previous secret before its overlap ends; the newest secret stays.
 * @throws KeywrightError `not_found`
 */
export const retireApplicationSecret = operation<ApplicationSelector & { secretId?: number | undefined }, Client>(
  { role: 'admin', scope: 'applications:write' },
  async ({ knex }, principal, { clientId, secretId }) => {
    await applicationFor(knex, principal, clientId)
    return await retireSecret(knex, clientId, secretId, principal.actor)
  },
)

/** @param overlap seconds for which the former secret still works; 0: it stops at once, and its tokens are revoked */
export const rotateApplicationSecret = operation<
  ApplicationSelector & { overlap: number; revision?: number | undefined },
  CreatedApplication
>({ role: 'admin', scope: 'applications:write' }, async ({ knex }, principal, { clientId, overlap, revision }) => {
  await applicationFor(knex, principal, clientId)
  return await rotateSecret(knex, clientId, overlap, principal.actor, revision)
})
