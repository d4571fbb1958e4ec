import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { type Client, clientEntry, getClient, lockClient, setClientStatus } from '../clients/clients.ts'
import { retireSecrets } from '../clients/retired-secrets.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { ClientCheck } from './client-secret-rotation.ts'
import { addCredentials, type NewSecrets } from './issued-credentials.ts'

/** Archives a client, which revokes all its tokens at once, or restores it with its former secrets. */
export async function changeClientStatus(
  knex: Knex,
  clientId: string,
  status: 'active' | 'archived',
  actor: Actor,
): Promise<Client> {
  return await knex.transaction(async (trx) => {
    const client = await lockClient(trx, clientId)
    if (client.status === status) return client
    const changed = await setClientStatus(trx, client, status)
    await recordAudit(trx, actor, clientEntry(status === 'active' ? 'client.restored' : 'client.archived', changed))
    return changed
  })
}

/** A key pair is stopped because its secret may have leaked, and its page says that it stays stopped. */
function checkMayRestore({ kind, status }: Client): void {
  if (kind !== 'key_pair' || status !== 'archived') return
  throw new KeywrightError('conflict', 'a stopped key pair cannot be restored; its owner generates new keys')
}

/**
 * Restores an archived client with a new secret, because the former secret may have leaked. With `keepSecret` the former
 * secret works again. An active client is not changed.
 * @throws KeywrightError `not_found`, `conflict` (a stopped or replaced key pair)
 */
export async function restoreClient(
  knex: Knex,
  clientId: string,
  { keepSecret, check }: { readonly keepSecret: boolean; readonly check?: ClientCheck | undefined },
  actor: Actor,
): Promise<NewSecrets & { client: Client }> {
  return await knex.transaction(async (trx) => {
    const before = await lockClient(trx, clientId)
    await check?.(before, trx)
    if (before.status === 'active') return { client: before }
    checkMayRestore(before)
    const client = await setClientStatus(trx, before, 'active')
    // The server never had the private key of a client with public keys.
    const rotatesSecret = !keepSecret && !client.isPublic && client.authMethod === 'client_secret'
    await recordAudit(trx, actor, clientEntry('client.restored', client, { new_secret: rotatesSecret }))
    if (!rotatesSecret) return { client }
    for (const kind of ['secret', 'api_key'] as const) await retireSecrets(trx, client.key, kind)
    return { ...(await addCredentials(trx, client)), client: await getClient(trx, clientId) }
  })
}
