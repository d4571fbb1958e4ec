import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { raiseAllRevocationEpochs } from '../clients/clients.ts'
import { setApiEnabled } from '../clients/instance-settings.ts'

/**
 * Enables or disables the API of the whole instance. While it is disabled, no client can authenticate. Both changes revoke all
 * tokens. APIs can always introspect.
 */
export async function changeApiEnabled(knex: Knex, enabled: boolean, actor: Actor): Promise<void> {
  await knex.transaction(async (trx) => {
    if (!(await setApiEnabled(trx, enabled))) return
    await raiseAllRevocationEpochs(trx)
    const action = enabled ? 'instance.api_enabled' : 'instance.api_disabled'
    await recordAudit(trx, actor, { action, target: { type: 'instance', id: 'instance' } })
  })
}
