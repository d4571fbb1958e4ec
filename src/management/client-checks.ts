import type { Knex } from 'knex'
import { checkNotInstanceName } from '../accounts/instance-name.ts'
import { type Api, lockApisShared } from '../apis/apis.ts'
import {
  checkAccess,
  checkDefaultScopes,
  chosenApis,
  identifiersOf,
  isScopeOf,
  narrowingOf,
} from '../clients/client-apis.ts'
import type { ClientSettings } from '../clients/client-settings.ts'
import { type Client, checkSettings } from '../clients/clients.ts'
import { FieldErrorCollector } from '../shared/field-error-collector.ts'

/** What a client may call: its APIs, the default first, and what it is narrowed to; null: all that they have. */
export interface Access {
  readonly apis: readonly Api[]
  readonly scopes: readonly string[] | null
}

export interface NewClientInput {
  /** Null: the instance's own, which may have the instance's name. */
  readonly accountId: string | null | undefined
  readonly settings: ClientSettings
  /** Undefined: not known, and not checked. */
  readonly apis: readonly string[] | undefined
  readonly scopes: readonly string[] | null | undefined
}

const checkName = (db: Knex, name: string | undefined) => checkNotInstanceName(db, "an application's name", name)

/**
 * Checks everything about a new application. In a transaction the APIs stay as they are until it ends.
 * @returns its access, where its APIs are known
 * @throws KeywrightError `invalid_input`, with every fault at its field
 */
export async function checkNewClient(db: Knex, input: NewClientInput): Promise<Access | undefined> {
  const { accountId, settings, apis, scopes = null } = input
  const fieldErrors = new FieldErrorCollector()
  if (accountId !== null) await fieldErrors.collect(() => checkName(db, settings.name))
  await fieldErrors.collect(() => checkSettings(db, settings))
  const held = apis && (await fieldErrors.collect(() => chosenApis(db, apis)))
  if (held) await fieldErrors.collect(() => checkAccess(held, scopes, settings.defaultScopes))
  fieldErrors.throwFieldErrors()
  return held && { apis: held, scopes }
}

/** What is left out stays as it is. */
export interface ClientChange {
  readonly settings: Partial<ClientSettings>
  readonly apis?: readonly string[] | undefined
  readonly scopes?: readonly string[] | null | undefined
}

async function checkNewName(db: Knex, { accountId, name: before }: Client, { name }: Partial<ClientSettings>) {
  if (accountId !== null && name !== before) await checkName(db, name)
}

const isOfAccess = ({ apis, scopes }: ClientChange): boolean => apis !== undefined || scopes !== undefined

/** What the client is narrowed to, without the scopes of APIs that are taken from it, unless it has no others. */
async function keptNarrowing(db: Knex, { key }: Client, apis: readonly Api[]): Promise<readonly string[] | null> {
  const narrowing = await narrowingOf(db, key)
  const kept = narrowing?.filter(isScopeOf(apis)) ?? []
  return kept.length > 0 ? kept : narrowing
}

async function checkedAccess(db: Knex, before: Client, { settings, ...change }: ClientChange): Promise<Access> {
  const apis = await lockApisShared(db, change.apis ?? (await identifiersOf(db, before.key)))
  const scopes = change.scopes === undefined ? await keptNarrowing(db, before, apis) : change.scopes
  await checkAccess(apis, scopes, { ...before, ...settings }.defaultScopes)
  return { apis, scopes }
}

/** Held, or a scope that is meant here could be taken from its API at the same moment. */
async function checkNewDefaultScopes(db: Knex, { key }: Client, defaultScopes: readonly string[]): Promise<void> {
  await lockApisShared(db, await identifiersOf(db, key))
  await checkDefaultScopes(db, { key, defaultScopes })
}

/**
 * Checks everything about a change of a client. In a transaction its APIs stay as they are until it ends.
 * @returns its access, where the change names APIs or scopes
 * @throws KeywrightError `invalid_input`, with every fault at its field
 */
export async function checkClientChange(db: Knex, before: Client, change: ClientChange): Promise<Access | undefined> {
  const { settings } = change
  const fieldErrors = new FieldErrorCollector()
  await fieldErrors.collect(() => checkNewName(db, before, settings))
  await fieldErrors.collect(() => checkSettings(db, { ...before, ...settings }, before))
  const access = isOfAccess(change) ? await fieldErrors.collect(() => checkedAccess(db, before, change)) : undefined
  if (!isOfAccess(change) && settings.defaultScopes)
    await fieldErrors.collect(() => checkNewDefaultScopes(db, before, settings.defaultScopes!))
  fieldErrors.throwFieldErrors()
  return access
}
