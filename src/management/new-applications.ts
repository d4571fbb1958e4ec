import type { Knex } from 'knex'
import { checkMaySet } from '../clients/client-rules.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../clients/client-settings.ts'
import { applicationDefaults } from '../clients/instance-attributes.ts'
import { getInstanceSettings } from '../clients/instance-settings.ts'
import type { ApplicationChange, CreatedApplication } from './application-operations.ts'
import { checkNewClient } from './client-checks.ts'
import { createClient } from './client-registration.ts'
import { operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { accountOfNewObject } from './tenant-isolation.ts'

interface NewApplication extends ApplicationChange {
  readonly settings: Partial<ClientSettings> & Pick<ClientSettings, 'name' | 'grants'>
  /** Absent: the principal's own account. Null: an application of the instance, which only operators register. */
  readonly accountId?: string | null | undefined
}

/** The settings, with the instance's defaults for what is left out. @throws KeywrightError `forbidden` */
async function withDefaults(knex: Knex, principal: Principal, given: Partial<ClientSettings>) {
  const initial = { ...DEFAULT_SETTINGS, ...applicationDefaults(await getInstanceSettings(knex)) }
  checkMaySet(principal.role, initial, given)
  return { ...initial, ...given }
}

/**
 * Validates the given part of a new application without registering it. A form with errors is validated without the
 * fields that could not be parsed.
 * @throws KeywrightError `invalid_input`, with each error at its field; `forbidden`, `conflict` (the API is off)
 */
export const checkNewApplication = operation<Partial<NewApplication>, void>(
  { role: 'admin', scope: 'applications:write' },
  async ({ knex }, principal, { settings = {}, accountId, apis, scopes }) => {
    // The form reports missing fields itself. These values pass every other rule.
    const missing = { name: 'missing', grants: [] }
    const owner = principal.role === 'operator' ? accountId : principal.accountId!
    const all = { ...missing, ...(await withDefaults(knex, principal, settings)) }
    await checkNewClient(knex, { accountId: owner, settings: all, apis, scopes })
  },
)

export const createApplication = operation<NewApplication, CreatedApplication>(
  { role: 'admin', scope: 'applications:write' },
  async ({ knex }, principal, { settings, apis = [], scopes = null, accountId }) => {
    const isOfInstance = accountId === null && principal.role === 'operator'
    const owner = isOfInstance ? null : accountOfNewObject(principal, accountId ?? undefined)
    const all = { ...settings, ...(await withDefaults(knex, principal, settings)) }
    const request = { accountId: owner, settings: all, apis, scopes }
    return await createClient(knex, { ...request, createdBy: principal.userId }, principal.actor)
  },
)
