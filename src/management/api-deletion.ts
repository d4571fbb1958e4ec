import type { Knex } from 'knex'
import { type Api, findApis, lockApi } from '../apis/apis.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { markClientDeleting } from '../clients/client-deletions.ts'
import { KeywrightError } from '../shared/errors.ts'
import { CLOCKS_DIFFER } from '../status/status-lists.ts'
import { deleteRow } from './client-deletion.ts'

const conflict = (message: string) => new KeywrightError('conflict', message)

/**
 * What still needs the API: clients that may call it, refresh tokens, and access tokens that have not expired, also revoked ones:
 * the status lists of the API must be served until then. Every recorded token is in a list.
 */
const NEEDED = `
  SELECT EXISTS (SELECT 1 FROM client_apis x JOIN clients c ON c.id = x.client_id
                  WHERE x.api_id = :id AND c.status NOT IN ('replaced', 'deleting')) AS clients,
         EXISTS (SELECT 1 FROM refresh_tokens WHERE api_id = :id) AS refresh_tokens,
         EXISTS (SELECT 1 FROM status_lists l JOIN access_tokens t ON t.status_list = l.id
                  WHERE l.api_id = :id AND t.expires_at > now() - interval '${CLOCKS_DIFFER}') AS access_tokens`

/** @throws KeywrightError `conflict` */
async function checkNotNeeded(trx: Knex, { id, identifier, builtIn, isDefault }: Api): Promise<void> {
  if (builtIn) throw conflict(`${identifier} is built in`)
  if (isDefault) throw conflict(`${identifier} is the default API; make another API the default first`)
  const { rows } = await trx.raw(NEEDED, { id })
  const { clients, refresh_tokens, access_tokens } = rows[0]
  if (clients) throw conflict('applications or key pairs may call the API; remove it from them first')
  if (refresh_tokens)
    throw conflict('the API has refresh tokens that are deleted within an hour after they ended; try again later')
  if (access_tokens)
    throw conflict('access tokens of the API have not expired yet; delete it after the last one expired')
}

/** @throws KeywrightError `not_found`, `conflict` */
export async function checkApiMayBeDeleted(db: Knex, identifier: string): Promise<void> {
  const [api] = await findApis(db, [identifier])
  await checkNotNeeded(db, api!)
}

/** Replaced key pairs, and clients that are being deleted, do not call the API any more. */
async function removeFromEndedClients(trx: Knex, id: number): Promise<void> {
  await trx.raw(
    `DELETE FROM client_apis x USING clients c
      WHERE x.api_id = ? AND c.id = x.client_id AND c.status IN ('replaced', 'deleting')`,
    [id],
  )
}

async function deleteClientOf(trx: Knex, id: number): Promise<void> {
  for (const key of await trx('clients').where({ api_id: id }).pluck('id')) {
    await markClientDeleting(trx, key)
    await deleteRow(trx, key)
  }
}

/**
 * Deletes an API that no client may call and whose tokens have expired, with its client. The row lock of the API keeps it from
 * being given to a client meanwhile.
 * @throws KeywrightError `not_found`, `conflict`
 */
export async function deleteUnusedApi(knex: Knex, identifier: string, actor: Actor): Promise<void> {
  await knex.transaction(async (trx) => {
    const api = await lockApi(trx, identifier)
    await removeFromEndedClients(trx, api.id)
    await checkNotNeeded(trx, api)
    await deleteClientOf(trx, api.id)
    await trx('apis').where({ id: api.id }).delete()
    await recordAudit(trx, actor, { action: 'api.deleted', target: { type: 'api', id: api.identifier } })
  })
}
