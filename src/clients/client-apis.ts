import type { Knex } from 'knex'
import { invalidInput } from '../shared/errors.ts'
import type { Api } from './apis.ts'
import type { Client } from './clients.ts'
import { IDENTITY_SCOPES } from './scopes.ts'

/** The scopes that a client was narrowed to, over all its APIs; null where it was not. */
export async function narrowingOf(trx: Knex, clientKey: number): Promise<string[] | null> {
  const rows: (string[] | null)[] = await trx('client_apis').where({ client_id: clientKey }).pluck('scopes')
  const narrowed = rows.filter((scopes) => scopes !== null)
  return narrowed.length > 0 ? [...new Set(narrowed.flat())] : null
}

/** @throws KeywrightError `invalid_input` for a scope that none of the APIs has */
export function checkKnownScopes(apis: readonly Api[], scopes: readonly string[] | null): void {
  const unknown = scopes?.find((scope) => !apis.some((api) => api.scopes.includes(scope)))
  if (unknown) throw invalidInput(`none of the client's APIs has the scope ${unknown}`)
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
  if (empty >= 0) throw invalidInput(`${apis[empty]!.identifier} has none of the scopes ${scopes!.join(' ')}`)
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
  if (unknown) throw invalidInput(`the default scope ${unknown} is none that the client has of its APIs`)
}

export async function copyClientApis(trx: Knex, fromKey: number, toKey: number): Promise<void> {
  await trx.raw(
    `INSERT INTO client_apis (client_id, api_id, position, scopes)
     SELECT ?, api_id, position, scopes FROM client_apis WHERE client_id = ?`,
    [toKey, fromKey],
  )
}
