import type { Knex } from 'knex'
import { setApiEnabled } from '../accounts/instance-settings.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { raiseAllRevocationEpochs } from '../clients/clients.ts'

/**
 * Switches the API of the whole instance off or on. Off, nobody's client is known any more, and every token is dead; on
 * again, they must get new ones. APIs may introspect all the while.
 */
export async function changeApiEnabled(knex: Knex, enabled: boolean, actor: Actor): Promise<void> {
  await knex.transaction(async (trx) => {
    if (!(await setApiEnabled(trx, enabled))) return
    await raiseAllRevocationEpochs(trx)
    const action = enabled ? 'instance.api_enabled' : 'instance.api_disabled'
    await recordAudit(trx, actor, { action, target: { type: 'instance', id: 'instance' } })
  })
}
