import type { Knex } from 'knex'
import { type Api, defaultApi, lockApisShared } from '../apis/apis.ts'
import { IDENTITY_SCOPES } from '../apis/scopes.ts'
import { invalidFields } from '../shared/errors.ts'
import { FieldErrorCollector } from '../shared/field-error-collector.ts'
import type { Client } from './clients.ts'

/** The APIs that are named, or the instance's default one when none is; kept until the transaction ends. */
export async function chosenApis(trx: Knex, identifiers: readonly string[]): Promise<Api[]> {
  if (identifiers.length > 0) return await lockApisShared(trx, identifiers)
  const api = await defaultApi(trx)
  return api ? await lockApisShared(trx, [api.identifier]) : []
}

/** The scopes that a client was narrowed to, over all its APIs; null where it was not. */
export async function narrowingOf(trx: Knex, clientKey: number): Promise<string[] | null> {
  const rows: (string[] | null)[] = await trx('client_apis').where({ client_id: clientKey }).pluck('scopes')
  const narrowed = rows.filter((scopes) => scopes !== null)
  return narrowed.length > 0 ? [...new Set(narrowed.flat())] : null
}

/** The client's APIs in order, by their identifiers. */
export async function identifiersOf(db: Knex, clientKey: number): Promise<string[]> {
  const own = db('client_apis').join('apis', 'apis.id', 'api_id').where('client_id', clientKey)
  return await own.orderBy('position').pluck('identifier')
}

/**
 * Takes scopes that an API has no more from the clients that were narrowed to them. One that is left with none loses
 * the API: a token without scope would still open what looks at its audience alone.
 */
export async function withdrawScopes(trx: Knex, api: Api, removed: readonly string[]): Promise<void> {
  if (removed.length === 0) return
  const narrowed = trx('client_apis').where('api_id', api.id).whereNotNull('scopes')
  await narrowed.clone().update({
    scopes: trx.raw('ARRAY(SELECT s FROM unnest(scopes) WITH ORDINALITY AS u(s, n) WHERE s <> ALL (?) ORDER BY n)', [
      [...removed],
    ]),
  })
  await narrowed.clone().whereRaw('cardinality(scopes) = 0').delete()
}

/** The clients that ask for one of these scopes where a request names none: the first few of them. */
export async function clientsAskingFor(trx: Knex, api: Api, scopes: readonly string[]): Promise<string[]> {
  const asking = trx('clients').join('client_apis', 'client_apis.client_id', 'clients.id')
  return await asking
    .where('client_apis.api_id', api.id)
    .whereNot('clients.status', 'replaced')
    .whereRaw('clients.default_scopes && ?::text[]', [[...scopes]])
    .orderBy('clients.id')
    .limit(5)
    .pluck('clients.client_id')
}

/** Whether a scope is of one of these APIs. */
export const isScopeOf = (apis: readonly Api[]) => (scope: string) => apis.some((api) => api.scopes.includes(scope))

/** @throws KeywrightError `invalid_input` for each scope that none of the APIs has */
function checkKnownScopes(apis: readonly Api[], scopes: readonly string[]): void {
  const unknown = scopes.filter((scope) => !isScopeOf(apis)(scope))
  if (unknown.length === 0) return
  throw invalidFields(
    unknown.map((scope) => ({
      field: 'scopes',
      message: `none of the client's APIs has the scope ${scope.slice(0, 100)}`,
    })),
  )
}

/** The scopes of each API that a client narrowed to `scopes` has, in the order of the APIs; null: all, always. */
const narrowedScopes = (apis: readonly Api[], scopes: readonly string[] | null): (string[] | null)[] =>
  apis.map((api) => scopes && api.scopes.filter((scope) => scopes.includes(scope)))

/** @throws KeywrightError `invalid_input` for each API of which nothing would be left */
function checkNarrowing(apis: readonly Api[], scopes: readonly string[] | null): void {
  const left = narrowedScopes(apis, scopes)
  const empty = apis.filter((_, position) => left[position]?.length === 0)
  if (empty.length === 0) return
  const named = scopes!.join(' ').slice(0, 500)
  throw invalidFields(
    empty.map(({ identifier }) => ({ field: 'scopes', message: `${identifier} has none of the scopes ${named}` })),
  )
}

/**
 * Gives a client its APIs in order, the first being its default. `scopes` narrows them; null means all, always.
 * @throws KeywrightError as `checkNarrowing`
 */
export async function setClientApis(
  trx: Knex,
  clientKey: number,
  apis: readonly Api[],
  scopes: readonly string[] | null,
): Promise<void> {
  checkNarrowing(apis, scopes)
  const left = narrowedScopes(apis, scopes)
  const rows = apis.map((api, position) => ({
    client_id: clientKey,
    api_id: api.id,
    position,
    scopes: left[position],
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

/** @throws KeywrightError `invalid_input` for each default scope that is none of `scopes`, which the client has of its APIs */
function checkDefaultScopesAmong(scopes: readonly string[], defaultScopes: readonly string[] | null): void {
  const isKnown = (scope: string) => scopes.includes(scope) || IDENTITY_SCOPES.includes(scope)
  const unknown = (defaultScopes ?? []).filter((scope) => !isKnown(scope))
  if (unknown.length === 0) return
  throw invalidFields(
    unknown.map((scope) => ({
      field: 'defaultScopes',
      message: `the default scope ${scope.slice(0, 100)} is none that the client has of its APIs`,
    })),
  )
}

/** The same for a client as it is. */
export async function checkDefaultScopes(
  trx: Knex,
  { key, defaultScopes }: Pick<Client, 'key' | 'defaultScopes'>,
): Promise<void> {
  if (defaultScopes === null) return
  const scopes = (await listClientApis(trx, key)).flatMap((api) => api.scopes)
  checkDefaultScopesAmong(scopes, defaultScopes)
}

/**
 * Checks what a client is given of these APIs; `scopes` narrows them, null means all.
 * @throws KeywrightError `invalid_input`, with every fault at its field
 */
export async function checkAccess(
  apis: readonly Api[],
  scopes: readonly string[] | null,
  defaultScopes: readonly string[] | null,
): Promise<void> {
  const fieldErrors = new FieldErrorCollector()
  await fieldErrors.collect(() => checkKnownScopes(apis, scopes ?? []))
  const known = scopes?.filter(isScopeOf(apis)) ?? []
  // With none that is known, nothing can be said of what would be left.
  const narrowing = known.length > 0 ? known : null
  await fieldErrors.collect(() => checkNarrowing(apis, narrowing))
  const left = narrowedScopes(apis, narrowing).flatMap((one, position) => one ?? apis[position]!.scopes)
  await fieldErrors.collect(() => checkDefaultScopesAmong(left, defaultScopes))
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
