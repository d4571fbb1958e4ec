import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { type Client, clientEntry, lockClient, setClientStatus } from '../clients/clients.ts'

/** Archives a client, ending all that it holds at once, or lets it work again, which brings nothing back. */
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
