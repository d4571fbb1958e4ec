import type { Knex } from 'knex'
import { getInstanceSettings } from '../accounts/instance-settings.ts'
import { checkMaySet } from '../clients/client-rules.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../clients/client-settings.ts'
import type { ApplicationChange, CreatedApplication } from './application-operations.ts'
import { checkNewClient } from './client-checks.ts'
import { createClient } from './client-registration.ts'
import { operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { accountOfNewObject } from './tenant-isolation.ts'

interface NewApplication extends ApplicationChange {
  readonly settings: Partial<ClientSettings> & Pick<ClientSettings, 'name' | 'grants'>
  /** Absent: the caller's own. Null: the instance's own, which an operator alone may add. */
  readonly accountId?: string | null | undefined
}

/** With the instance's defaults for what is left out. @throws KeywrightError `forbidden` */
async function withDefaults(knex: Knex, who: Principal, given: Partial<ClientSettings>) {
  const { defaults } = await getInstanceSettings(knex)
  const initial = { ...DEFAULT_SETTINGS, ...defaults }
  checkMaySet(who.role, initial, given)
  return { ...initial, ...given }
}

/**
 * Checks what of a new application is there, and adds nothing. A form that has faults is checked so, without what could
 * not be read of it.
 * @throws KeywrightError `invalid_input`, with every fault at its field; `forbidden`, `conflict` (the API is switched off)
 */
export const checkNewApplication = operation<Partial<NewApplication>, void>(
  { role: 'admin', scope: 'applications:write' },
  async ({ knex }, who, { settings = {}, accountId, apis, scopes }) => {
    // Of what is missing, the form has said so, and no rule about anything else minds.
    const missing = { name: 'missing', grants: [] }
    const owner = who.role === 'operator' ? accountId : who.accountId!
    const all = { ...missing, ...(await withDefaults(knex, who, settings)) }
    await checkNewClient(knex, { accountId: owner, settings: all, apis, scopes })
  },
)

export const createApplication = operation<NewApplication, CreatedApplication>(
  { role: 'admin', scope: 'applications:write' },
  async ({ knex }, who, { settings, apis = [], scopes = null, accountId }) => {
    const isInstances = accountId === null && who.role === 'operator'
    const owner = isInstances ? null : accountOfNewObject(who, accountId ?? undefined)
    const all = { ...settings, ...(await withDefaults(knex, who, settings)) }
    const request = { accountId: owner, settings: all, apis, scopes }
    return await createClient(knex, { ...request, createdBy: who.userId }, who.actor)
  },
)
