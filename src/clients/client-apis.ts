import type { Knex } from 'knex'
import { invalidInput } from '../shared/errors.ts'
import type { Api } from './apis.ts'

/** Gives a client its APIs in order, the first being its default. `scopes` narrows them; null means all, always. */
export async function setClientApis(
  trx: Knex,
  clientKey: number,
  apis: readonly Api[],
  scopes: readonly string[] | null,
): Promise<void> {
  const unknown = scopes?.find((scope) => !apis.some((api) => api.scopes.includes(scope)))
  if (unknown) throw invalidInput(`none of the client's APIs has the scope ${unknown}`)
  await trx('client_apis').where({ client_id: clientKey }).delete()
  if (apis.length === 0) return
  await trx('client_apis').insert(
    apis.map((api, position) => ({
      client_id: clientKey,
      api_id: api.id,
      position,
      scopes: scopes && api.scopes.filter((scope) => scopes.includes(scope)),
    })),
  )
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

export async function copyClientApis(trx: Knex, fromKey: number, toKey: number): Promise<void> {
  await trx.raw(
    `INSERT INTO client_apis (client_id, api_id, position, scopes)
     SELECT ?, api_id, position, scopes FROM client_apis WHERE client_id = ?`,
    [toKey, fromKey],
  )
}
