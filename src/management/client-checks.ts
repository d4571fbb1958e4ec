import type { Knex } from 'knex'
import { checkNotInstanceName } from '../accounts/instance-name.ts'
import { type Api, lockApisShared } from '../apis/apis.ts'
import {
  checkAccess,
  checkDefaultScopes,
  identifiersOf,
  isScopeOf,
  resolveApis,
  scopeRestrictionOf,
} from '../clients/client-apis.ts'
import type { ClientSettings } from '../clients/client-settings.ts'
import { type Client, checkSettings } from '../clients/clients.ts'
import { checkPairApis } from '../clients/key-pair-apis.ts'
import { FieldErrorCollector } from '../shared/field-error-collector.ts'

/** What a client may call: its APIs, the default first, and the scopes it is limited to; null: all scopes of the APIs. */
export interface Access {
  readonly apis: readonly Api[]
  readonly scopes: readonly string[] | null
}

export interface NewClientInput {
  /** Null: an application of the instance, which may have the name of the instance. */
  readonly accountId: string | null | undefined
  readonly settings: ClientSettings
  /** Undefined: unknown and not validated. */
  readonly apis: readonly string[] | undefined
  readonly scopes: readonly string[] | null | undefined
}

const checkName = (db: Knex, name: string | undefined) => checkNotInstanceName(db, "an application's name", name)

/**
 * Validates a new application. In a transaction its APIs stay locked until the end.
 * @returns its access, if its APIs are known
 * @throws KeywrightError `invalid_input`, with each error at its field
 */
export async function checkNewClient(db: Knex, input: NewClientInput): Promise<Access | undefined> {
  const { accountId, settings, apis, scopes = null } = input
  const fieldErrors = new FieldErrorCollector()
  if (accountId !== null) await fieldErrors.collect(() => checkName(db, settings.name))
  await fieldErrors.collect(() => checkSettings(db, settings))
  const found = apis && (await fieldErrors.collect(() => resolveApis(db, apis)))
  if (found) await fieldErrors.collect(() => checkAccess(found, scopes, settings.defaultScopes))
  fieldErrors.throwFieldErrors()
  return found && { apis: found, scopes }
}

/** What is left out stays unchanged. */
export interface ClientChange {
  readonly settings: Partial<ClientSettings>
  readonly apis?: readonly string[] | undefined
  readonly scopes?: readonly string[] | null | undefined
}

async function checkNewName(db: Knex, { accountId, name: before }: Client, { name }: Partial<ClientSettings>) {
  if (accountId !== null && name !== before) await checkName(db, name)
}

const changesAccess = ({ apis, scopes }: ClientChange): boolean => apis !== undefined || scopes !== undefined

/** The scopes that the client is limited to, without those of removed APIs, unless it has no others. */
async function remainingScopes(db: Knex, { key }: Client, apis: readonly Api[]): Promise<readonly string[] | null> {
  const narrowing = await scopeRestrictionOf(db, key)
  const remaining = narrowing?.filter(isScopeOf(apis)) ?? []
  return remaining.length > 0 ? remaining : narrowing
}

async function checkedAccess(db: Knex, before: Client, { settings, ...change }: ClientChange): Promise<Access> {
  const apis = await lockApisShared(db, change.apis ?? (await identifiersOf(db, before.key)))
  checkPairApis(before, apis)
  const scopes = change.scopes === undefined ? await remainingScopes(db, before, apis) : change.scopes
  await checkAccess(apis, scopes, { ...before, ...settings }.defaultScopes)
  return { apis, scopes }
}

/** Locks the APIs: a default scope could be removed from its API at the same time. */
async function checkNewDefaultScopes(db: Knex, { key }: Client, defaultScopes: readonly string[]): Promise<void> {
  await lockApisShared(db, await identifiersOf(db, key))
  await checkDefaultScopes(db, { key, defaultScopes })
}

/**
 * Validates a change of a client. In a transaction its APIs stay locked until the end.
 * @returns its access, if the change names APIs or scopes
 * @throws KeywrightError `invalid_input`, with each error at its field
 */
export async function checkClientChange(db: Knex, before: Client, change: ClientChange): Promise<Access | undefined> {
  const { settings } = change
  const fieldErrors = new FieldErrorCollector()
  await fieldErrors.collect(() => checkNewName(db, before, settings))
  await fieldErrors.collect(() => checkSettings(db, { ...before, ...settings }, before))
  const access = changesAccess(change) ? await fieldErrors.collect(() => checkedAccess(db, before, change)) : undefined
  if (!changesAccess(change) && settings.defaultScopes)
    await fieldErrors.collect(() => checkNewDefaultScopes(db, before, settings.defaultScopes!))
  fieldErrors.throwFieldErrors()
  return access
}
