import type { Knex } from 'knex'
import { invalidInput } from '../shared/errors.ts'
import { type Api, holdApis } from './apis.ts'
import type { Client } from './clients.ts'
import { IDENTITY_SCOPES } from './scopes.ts'

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

/** @throws KeywrightError `invalid_input` for a scope that none of the APIs has */
export function checkKnownScopes(apis: readonly Api[], scopes: readonly string[] | null): void {
  const unknown = scopes?.find((scope) => !apis.some((api) => api.scopes.includes(scope)))
  if (unknown !== undefined)
    throw invalidInput(`none of the client's APIs has the scope ${unknown.slice(0, 100)}`, 'scopes')
}

/**
 * Gives a client its APIs in order, the first being its default. `scopes` narrows them; null means all, always.
 * @throws KeywrightError `invalid_input` for an API of which nothing would be left
 */
export async function setClientApis(
  trx: Knex,
  clientKey: number,
  apis: readonly Api[],
  scopes: readonly string[] | null,
): Promise<void> {
  const rows = apis.map((api, position) => ({
    client_id: clientKey,
    api_id: api.id,
    position,
    scopes: scopes && api.scopes.filter((scope) => scopes.includes(scope)),
  }))
  const empty = rows.findIndex((row) => row.scopes?.length === 0)
  if (empty >= 0) {
    throw invalidInput(`${apis[empty]!.identifier} has none of the scopes ${scopes!.join(' ').slice(0, 500)}`, 'scopes')
  }
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

/** @throws KeywrightError `invalid_input` for a default scope that the client has of none of its APIs */
export async function checkDefaultScopes(trx: Knex, { key, defaultScopes }: Client): Promise<void> {
  if (defaultScopes === null) return
  const scopes = (await listClientApis(trx, key)).flatMap((api) => api.scopes)
  const unknown = defaultScopes.find((scope) => !scopes.includes(scope) && !IDENTITY_SCOPES.includes(scope))
  if (unknown !== undefined) {
    throw invalidInput(`the default scope ${unknown} is none that the client has of its APIs`, 'defaultScopes')
  }
}

export async function copyClientApis(trx: Knex, fromKey: number, toKey: number): Promise<void> {
  await holdApis(trx, await identifiersOf(trx, fromKey))
  await trx.raw(
    `INSERT INTO client_apis (client_id, api_id, position, scopes)
     SELECT ?, api_id, position, scopes FROM client_apis WHERE client_id = ?`,
    [toKey, fromKey],
  )
}
