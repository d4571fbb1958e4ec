import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { applicationTypeOf } from '../clients/application-types.ts'
import { checkMaySet } from '../clients/client-rules.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../clients/client-settings.ts'
import { withFapi } from '../clients/fapi-rules.ts'
import { applicationDefaults } from '../clients/instance-attributes.ts'
import { getInstanceSettings } from '../clients/instance-settings.ts'
import { invalidInput } from '../shared/errors.ts'
import type { ApplicationChange, CreatedApplication } from './application-operations.ts'
import { checkNewClient } from './client-checks.ts'
import { createClient } from './client-registration.ts'
import { type CredentialInput, parseCredentials } from './credential-input.ts'
import { checkMayAllowApis } from './developer-limits.ts'
import { checkExchangeSources } from './exchange-checks.ts'
import { operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { accountOfNewObject } from './tenant-isolation.ts'

interface NewApplication extends ApplicationChange, CredentialInput {
  readonly settings: Partial<ClientSettings> & Pick<ClientSettings, 'name'>
  /** What it is, which gives the settings that are left out their values. Absent: `settings` has the grant types. */
  readonly type?: string | undefined
  /** Absent: the principal's own account. Null: an application of the instance, which only operators register. */
  readonly accountId?: string | null | undefined
  readonly secretExpiresAt?: Date | null | undefined
}

/** The settings that a type and the instance give a new application. @throws KeywrightError `invalid_input` */
async function initialSettings(knex: Knex, type: string | undefined) {
  const ofType = type === undefined ? {} : applicationTypeOf(type).settings
  return { ...DEFAULT_SETTINGS, ...applicationDefaults(await getInstanceSettings(knex)), ...ofType }
}

/** The settings, with defaults for what is left out. @throws KeywrightError `forbidden`, `invalid_input` */
async function withDefaults(knex: Knex, principal: Principal, given: Partial<ClientSettings>, type?: string) {
  const initial = await initialSettings(knex, type)
  checkMaySet(principal.role, initial, given)
  await checkExchangeSources(knex, principal, given)
  return { ...initial, ...withFapi(initial, given) }
}

/**
 * Validates the given part of a new application without registering it. A form with errors is validated without the
 * fields that could not be parsed.
 * @throws KeywrightError `invalid_input`, with each error at its field; `forbidden`, `conflict` (the API is off)
 */
export const checkNewApplication = operation<Partial<NewApplication>, void>(
  PERMISSIONS.manageApplications,
  async ({ knex }, principal, { settings = {}, type, accountId, apis, scopes }) => {
    // The form reports missing fields itself. These values pass every other rule.
    const missing = { name: 'missing', grants: [] }
    checkMayAllowApis(principal, apis)
    const owner = principal.role === 'operator' ? accountId : principal.accountId!
    const all = { ...missing, ...(await withDefaults(knex, principal, settings, type)) }
    await checkNewClient(knex, { accountId: owner, settings: all, apis, scopes })
  },
)

export const createApplication = operation<NewApplication, CreatedApplication>(
  PERMISSIONS.manageApplications,
  async ({ knex }, principal, { settings, type, apis = [], scopes = null, accountId, secretExpiresAt, ...input }) => {
    checkMayAllowApis(principal, apis)
    const isOfInstance = accountId === null && principal.role === 'operator'
    const owner = isOfInstance ? null : accountOfNewObject(principal, accountId ?? undefined)
    const method = input.trust && settings.authMethod === undefined ? { authMethod: 'workload_identity' as const } : {}
    const { grants, ...others } = await withDefaults(knex, principal, { ...settings, ...method }, type)
    if (!grants) throw invalidInput('name the grant types, or a type of application', 'grants')
    const all = { ...others, name: settings.name, grants }
    const credentials = await parseCredentials(all.authMethod, input)
    const request = { accountId: owner, settings: all, apis, scopes, secretExpiresAt, ...credentials }
    return await createClient(knex, { ...request, createdBy: principal.userId }, principal.actor)
  },
)
