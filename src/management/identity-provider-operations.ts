import { isDeepStrictEqual } from 'node:util'
import type { Knex } from 'knex'
import { lockAccountShared } from '../accounts/accounts.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { recordAudit } from '../audit/audit-log.ts'
import { lockSealingKey } from '../database/sealing-key.ts'
import { type EmailDomain, listDomains } from '../identity-providers/email-domains.ts'
import { IDENTITY_PROVIDER_ATTRIBUTES } from '../identity-providers/identity-provider-attributes.ts'
import { sealUpstreamSecret, unsealUpstreamSecret } from '../identity-providers/identity-provider-secrets.ts'
import {
  changesOfNewIdentityProvider,
  deleteIdentityProvider as deleteRow,
  findIdentityProvider,
  getIdentityProvider,
  type IdentityProvider,
  type IdentityProviderRow,
  type IdentityProviderValues,
  identityProviderEntry,
  insertIdentityProvider,
  lockIdentityProvider,
  saveIdentityProvider,
  saveIdentityProviderStatus,
  toIdentityProvider,
} from '../identity-providers/identity-providers.ts'
import { UpstreamError } from '../identity-providers/upstream-client.ts'
import { checkValues, differingValues, normalizedValues } from '../shared/attribute-values.ts'
import { changesBetween, initialValues } from '../shared/attributes.ts'
import { expectRevision, KeywrightError } from '../shared/errors.ts'
import { checkTogether, checkUpstreamSecret } from './identity-provider-checks.ts'
import { idKey, momentKey } from './list-order.ts'
import { type Management, operation } from './operation.ts'
import { checkOperatorAttributes } from './operator-attributes.ts'
import { type PagedRow, type PageOf, type PageRequest, readPage } from './paging.ts'
import type { Principal } from './principal.ts'
import { isProgram, requireRecentSignIn } from './recent-sign-in.ts'
import { accountInScope, checkTenant } from './tenant-isolation.ts'

/** An identity provider with the name of its account; null: it is of the instance. */
export interface IdentityProviderOfAccount extends IdentityProvider {
  readonly accountName: string | null
}

type ViewRow = IdentityProviderRow & PagedRow & { account_name: string | null }

const toView = (row: ViewRow): IdentityProviderOfAccount => ({
  ...toIdentityProvider(row),
  accountName: row.account_name,
})

const ORDER = { keys: [momentKey('p.created_at'), idKey('p.id')], isDescending: true }

const withAccount = (query: Knex.QueryBuilder): Knex.QueryBuilder =>
  query.leftJoin('accounts AS a', 'a.id', 'p.account_id').select('p.*', 'a.name AS account_name')

/** Newest first: those of the own account; for an operator those of the instance and of all accounts, or of the named one. */
export const listIdentityProviders = operation<
  PageRequest & { accountId?: string | undefined },
  PageOf<IdentityProviderOfAccount>
>(PERMISSIONS.viewIdentityProviders, async ({ knex }, principal, { accountId, ...request }) => {
  const base = knex('identity_providers AS p')
  const account = accountInScope(principal, accountId)
  if (account !== undefined) base.where('p.account_id', account)
  return await readPage<ViewRow, IdentityProviderOfAccount>(knex, { base, order: ORDER }, request, withAccount, toView)
})

export interface IdentityProviderSelector {
  readonly providerId: string
}

/**
 * Identity providers decide who signs in. A session alone is not enough, nor a token that every key pair of an admin
 * could get; an application of the instance that acts for itself may.
 * @throws KeywrightError `forbidden`, `insufficient_user_authentication`
 */
function checkMayManageProviders(principal: Principal): void {
  const isInstanceProgram = isProgram(principal) && principal.userId === null && principal.role === 'operator'
  if (!isInstanceProgram) requireRecentSignIn(principal, 'changing how users sign in')
}

/** The provider, locked until the transaction ends. @throws KeywrightError `not_found` */
export async function lockedProviderFor(
  trx: Knex,
  principal: Principal,
  providerId: string,
): Promise<IdentityProvider> {
  const provider = await lockIdentityProvider(trx, providerId)
  checkTenant(principal, provider.accountId, 'identity provider', providerId)
  return provider
}

/** @throws KeywrightError `not_found` */
async function providerFor(db: Knex, principal: Principal, providerId: string): Promise<IdentityProvider> {
  const provider = await getIdentityProvider(db, providerId)
  checkTenant(principal, provider.accountId, 'identity provider', providerId)
  return provider
}

/** The provider that the principal may change. @throws KeywrightError as `providerFor` and `checkMayManageProviders` */
export async function manageableProvider(
  db: Knex,
  principal: Principal,
  providerId: string,
): Promise<IdentityProvider> {
  const provider = await providerFor(db, principal, providerId)
  checkMayManageProviders(principal)
  return provider
}

/** An identity provider with its email domains. */
export interface IdentityProviderDetails extends IdentityProvider {
  readonly domains: readonly EmailDomain[]
}

export const withDomains = async (db: Knex, provider: IdentityProvider): Promise<IdentityProviderDetails> => ({
  ...provider,
  domains: await listDomains(db, provider.id),
})

export const readIdentityProvider = operation<IdentityProviderSelector, IdentityProviderDetails>(
  PERMISSIONS.viewIdentityProviders,
  async ({ knex }, principal, { providerId }) => withDomains(knex, await providerFor(knex, principal, providerId)),
)

/** What is only for operators may be left as it is initially. */
function withoutInitial(values: Partial<IdentityProviderValues>): Partial<IdentityProviderValues> {
  const given = Object.entries(values).filter(
    ([name, value]) =>
      !isDeepStrictEqual(value, IDENTITY_PROVIDER_ATTRIBUTES[name as keyof IdentityProviderValues].initial),
  )
  return Object.fromEntries(given)
}

/** Asks the provider, so that a wrong issuer is found now and not by users. @throws KeywrightError `invalid_input` */
async function checkDiscovery({ upstream }: Management, provider: IdentityProviderValues, clientSecret: string) {
  try {
    await upstream?.check({ provider, clientSecret })
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    const message = `the provider could not be read at ${provider.issuer}/.well-known/openid-configuration`
    // Not the error itself: a host that is not found would look like a database that is down.
    const cause = new Error(error.message)
    throw new KeywrightError('invalid_input', message, { cause, fieldErrors: [{ field: 'issuer', message }] })
  }
}

type NewIdentityProvider = Partial<IdentityProviderValues> &
  Pick<IdentityProviderValues, 'name' | 'issuer' | 'clientId'> & {
    /** Absent: the own account; for an operator the instance. */
    readonly accountId?: string | undefined
    readonly clientSecret: string
  }

/** @throws KeywrightError `invalid_input` (also if the provider does not respond), `not_found` (the account), `conflict` (too many) */
export const createIdentityProvider = operation<NewIdentityProvider, IdentityProviderDetails>(
  PERMISSIONS.manageIdentityProviders,
  async (management, principal, { accountId: named, clientSecret, ...given }) => {
    const { knex, encryptionKeys } = management
    const accountId = accountInScope(principal, named) ?? null
    checkMayManageProviders(principal)
    checkOperatorAttributes(principal, IDENTITY_PROVIDER_ATTRIBUTES, withoutInitial(given))
    const all = { ...initialValues(IDENTITY_PROVIDER_ATTRIBUTES), ...given }
    const values = normalizedValues(IDENTITY_PROVIDER_ATTRIBUTES, all) as IdentityProviderValues
    checkValues(IDENTITY_PROVIDER_ATTRIBUTES, values)
    checkUpstreamSecret(clientSecret)
    checkTogether(accountId, values)
    await checkDiscovery(management, values, clientSecret)
    return await knex.transaction(async (trx) => {
      if (accountId !== null) await lockAccountShared(trx, accountId)
      await lockSealingKey(trx, encryptionKeys)
      const seal = (id: string) => sealUpstreamSecret(encryptionKeys, id, clientSecret)
      const provider = await insertIdentityProvider(trx, accountId, values, seal)
      const changes = changesOfNewIdentityProvider(provider)
      await recordAudit(trx, principal.actor, identityProviderEntry('identity_provider.created', provider, { changes }))
      return { ...provider, domains: [] }
    })
  },
)

interface IdentityProviderChange extends IdentityProviderSelector, Partial<Omit<IdentityProviderValues, 'issuer'>> {
  /** Absent: the present one stays. */
  readonly clientSecret?: string | undefined
  readonly revision?: number | undefined
}

/** @throws KeywrightError `not_found`, `invalid_input`, `stale` */
export const updateIdentityProvider = operation<IdentityProviderChange, IdentityProviderDetails>(
  PERMISSIONS.manageIdentityProviders,
  async ({ knex, encryptionKeys }, principal, { providerId, revision, clientSecret, ...values }) => {
    await manageableProvider(knex, principal, providerId)
    checkOperatorAttributes(principal, IDENTITY_PROVIDER_ATTRIBUTES, values)
    checkValues(IDENTITY_PROVIDER_ATTRIBUTES, normalizedValues(IDENTITY_PROVIDER_ATTRIBUTES, values))
    if (clientSecret !== undefined) checkUpstreamSecret(clientSecret)
    return await knex.transaction(async (trx) => {
      const before = await lockedProviderFor(trx, principal, providerId)
      expectRevision('the identity provider', before.revision, revision)
      const differing = differingValues(IDENTITY_PROVIDER_ATTRIBUTES, before, values)
      if (Object.keys(differing).length === 0 && clientSecret === undefined) return await withDomains(trx, before)
      checkTogether(before.accountId, { ...before, ...differing })
      if (clientSecret !== undefined) await lockSealingKey(trx, encryptionKeys)
      const sealed =
        clientSecret === undefined ? undefined : sealUpstreamSecret(encryptionKeys, providerId, clientSecret)
      const provider = await saveIdentityProvider(trx, providerId, differing, sealed)
      const changes = changesBetween(IDENTITY_PROVIDER_ATTRIBUTES, before, provider)
      const detail = { changes, ...(sealed && { client_secret: 'replaced' }) }
      await recordAudit(trx, principal.actor, identityProviderEntry('identity_provider.updated', provider, detail))
      return await withDomains(trx, provider)
    })
  },
)

/** Disabling ends the sessions that began with the provider. Doing it again changes nothing. @throws KeywrightError `not_found` */
export const setIdentityProviderStatus = operation<
  IdentityProviderSelector & Pick<IdentityProvider, 'status'>,
  IdentityProviderDetails
>(PERMISSIONS.manageIdentityProviders, async ({ knex }, principal, { providerId, status }) => {
  await manageableProvider(knex, principal, providerId)
  return await knex.transaction(async (trx) => {
    const before = await lockedProviderFor(trx, principal, providerId)
    if (before.status === status) return await withDomains(trx, before)
    const provider = await saveIdentityProviderStatus(trx, providerId, status)
    await recordAudit(trx, principal.actor, identityProviderEntry(`identity_provider.${status}`, provider))
    return await withDomains(trx, provider)
  })
})

/** Ends the sessions that began with the provider, and removes the identities of its users. @throws KeywrightError `not_found` */
export const deleteIdentityProvider = operation<IdentityProviderSelector, void>(
  PERMISSIONS.manageIdentityProviders,
  async ({ knex }, principal, { providerId }) => {
    await manageableProvider(knex, principal, providerId)
    await knex.transaction(async (trx) => {
      const provider = await lockedProviderFor(trx, principal, providerId)
      await deleteRow(trx, providerId)
      await recordAudit(trx, principal.actor, identityProviderEntry('identity_provider.deleted', provider))
    })
  },
)

/** Asks the provider for its metadata. @throws KeywrightError `not_found`, `invalid_input` */
export const testIdentityProvider = operation<IdentityProviderSelector, IdentityProviderDetails>(
  PERMISSIONS.manageIdentityProviders,
  async (management, principal, { providerId }) => {
    const { knex, encryptionKeys } = management
    const provider = await manageableProvider(knex, principal, providerId)
    const { sealedSecret } = (await findIdentityProvider(knex, providerId))!
    await checkDiscovery(management, provider, unsealUpstreamSecret(encryptionKeys, providerId, sealedSecret))
    return await withDomains(knex, provider)
  },
)
