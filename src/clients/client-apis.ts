import type { Knex } from 'knex'
import { type Api, defaultApi, lockApisShared } from '../apis/apis.ts'
import { IDENTITY_SCOPES } from '../apis/scopes.ts'
import { invalidFields } from '../shared/errors.ts'
import { FieldErrorCollector } from '../shared/field-error-collector.ts'
import type { Client } from './clients.ts'

/** The APIs with these identifiers, or the default API when there are none; locked until the transaction ends. */
export async function resolveApis(trx: Knex, identifiers: readonly string[]): Promise<Api[]> {
  if (identifiers.length > 0) return await lockApisShared(trx, identifiers)
  const api = await defaultApi(trx)
  return api ? await lockApisShared(trx, [api.identifier]) : []
}

/** The scopes that a client is restricted to, over all its APIs; null: not restricted. */
export async function scopeRestrictionOf(trx: Knex, clientKey: number): Promise<string[] | null> {
  const rows: (string[] | null)[] = await trx('client_apis').where({ client_id: clientKey }).pluck('scopes')
  const restricted = rows.filter((scopes) => scopes !== null)
  return restricted.length > 0 ? [...new Set(restricted.flat())] : null
}

/** The identifiers of a client's APIs, in order; the first is its default. */
export async function identifiersOf(db: Knex, clientKey: number): Promise<string[]> {
  const own = db('client_apis').join('apis', 'apis.id', 'api_id').where('client_id', clientKey)
  return await own.orderBy('position').pluck('identifier')
}

/**
 * Removes scopes of an API from the clients that are restricted to them. A client that is left without a scope loses the
 * API: a token without scope would still be accepted by a resource server that checks only the audience.
 */
export async function removeScopesFromClients(trx: Knex, api: Api, removed: readonly string[]): Promise<void> {
  if (removed.length === 0) return
  const restricted = trx('client_apis').where('api_id', api.id).whereNotNull('scopes')
  await restricted.clone().update({
    scopes: trx.raw('ARRAY(SELECT s FROM unnest(scopes) WITH ORDINALITY AS u(s, n) WHERE s <> ALL (?) ORDER BY n)', [
      [...removed],
    ]),
  })
  await restricted.clone().whereRaw('cardinality(scopes) = 0').delete()
}

/** At most five clients that have one of these scopes among their default scopes. */
export async function clientsWithDefaultScopes(trx: Knex, api: Api, scopes: readonly string[]): Promise<string[]> {
  const clients = trx('clients').join('client_apis', 'client_apis.client_id', 'clients.id')
  return await clients
    .where('client_apis.api_id', api.id)
    .whereNot('clients.status', 'replaced')
    .whereRaw('clients.default_scopes && ?::text[]', [[...scopes]])
    .orderBy('clients.id')
    .limit(5)
    .pluck('clients.client_id')
}

/** Whether one of these APIs has the scope. */
export const isScopeOf = (apis: readonly Api[]) => (scope: string) => apis.some((api) => api.scopes.includes(scope))

/** @throws KeywrightError `invalid_input` for each scope that none of the APIs has */
function checkKnownScopes(apis: readonly Api[], scopes: readonly string[]): void {
  const unknown = scopes.filter((scope) => !isScopeOf(apis)(scope))
  if (unknown.length === 0) return
  throw invalidFields(
    unknown.map((scope) => ({
      field: 'scopes',
      message: `no API of the client has the scope ${scope.slice(0, 100)}`,
    })),
  )
}

/** The scopes that remain of each API under the restriction, in the order of the APIs; null: all, later ones included. */
const restrictedScopes = (apis: readonly Api[], scopes: readonly string[] | null): (string[] | null)[] =>
  apis.map((api) => scopes && api.scopes.filter((scope) => scopes.includes(scope)))

/** @throws KeywrightError `invalid_input` for each API that has none of the scopes */
function checkScopeRestriction(apis: readonly Api[], scopes: readonly string[] | null): void {
  const remaining = restrictedScopes(apis, scopes)
  const empty = apis.filter((_, position) => remaining[position]?.length === 0)
  if (empty.length === 0) return
  const list = scopes!.join(' ').slice(0, 500)
  throw invalidFields(
    empty.map(({ identifier }) => ({ field: 'scopes', message: `${identifier} has none of the scopes ${list}` })),
  )
}

/**
 * Replaces the APIs of a client; the first is its default. `scopes` restricts them; null: all, later ones included.
 * @throws KeywrightError as `checkScopeRestriction`
 */
export async function setClientApis(
  trx: Knex,
  clientKey: number,
  apis: readonly Api[],
  scopes: readonly string[] | null,
): Promise<void> {
  checkScopeRestriction(apis, scopes)
  const remaining = restrictedScopes(apis, scopes)
  const rows = apis.map((api, position) => ({
    client_id: clientKey,
    api_id: api.id,
    position,
    scopes: remaining[position],
  }))
  await trx('client_apis').where({ client_id: clientKey }).delete()
  if (rows.length > 0) await trx('client_apis').insert(rows)
}

export interface ClientApi {
  readonly identifier: string
  readonly scopes: readonly string[]
}

export async function listClientApis(db: Knex, clientKey: number): Promise<ClientApi[]> {
  return await db('client_apis')
    .join('apis', 'apis.id', 'client_apis.api_id')
    .where('client_apis.client_id', clientKey)
    .orderBy('position')
    .select('apis.identifier', db.raw('coalesce(client_apis.scopes, apis.scopes) AS scopes'))
}

/** @throws KeywrightError `invalid_input` for each default scope that is not one of `scopes`, the scopes of the client */
function checkDefaultScopesAmong(scopes: readonly string[], defaultScopes: readonly string[] | null): void {
  const isKnown = (scope: string) => scopes.includes(scope) || IDENTITY_SCOPES.includes(scope)
  const unknown = (defaultScopes ?? []).filter((scope) => !isKnown(scope))
  if (unknown.length === 0) return
  throw invalidFields(
    unknown.map((scope) => ({
      field: 'defaultScopes',
      message: `the client does not have the default scope ${scope.slice(0, 100)}`,
    })),
  )
}

/** Checks the default scopes of a stored client. @throws KeywrightError `invalid_input` */
export async function checkDefaultScopes(
  trx: Knex,
  { key, defaultScopes }: Pick<Client, 'key' | 'defaultScopes'>,
): Promise<void> {
  if (defaultScopes === null) return
  const scopes = (await listClientApis(trx, key)).flatMap((api) => api.scopes)
  checkDefaultScopesAmong(scopes, defaultScopes)
}

/**
 * Checks the scopes that a client gets of these APIs; `scopes` restricts them, null: all.
 * @throws KeywrightError `invalid_input`, with every error at its field
 */
export async function checkAccess(
  apis: readonly Api[],
  scopes: readonly string[] | null,
  defaultScopes: readonly string[] | null,
): Promise<void> {
  const fieldErrors = new FieldErrorCollector()
  await fieldErrors.collect(() => checkKnownScopes(apis, scopes ?? []))
  const known = scopes?.filter(isScopeOf(apis)) ?? []
  // Without a known scope, every API would be reported as empty too.
  const restriction = known.length > 0 ? known : null
  await fieldErrors.collect(() => checkScopeRestriction(apis, restriction))
  const remaining = restrictedScopes(apis, restriction).flatMap((one, position) => one ?? apis[position]!.scopes)
  await fieldErrors.collect(() => checkDefaultScopesAmong(remaining, defaultScopes))
  fieldErrors.throwFieldErrors()
}

export async function copyClientApis(trx: Knex, fromKey: number, toKey: number): Promise<void> {
  await lockApisShared(trx, await identifiersOf(trx, fromKey))
  await trx.raw(
    `INSERT INTO client_apis (client_id, api_id, position, scopes)
     SELECT ?, api_id, position, scopes FROM client_apis WHERE client_id = ?`,
    [toKey, fromKey],
  )
}
