import { isDeepStrictEqual } from 'node:util'
import type { Knex } from 'knex'
import { lockAccountShared } from '../accounts/accounts.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { recordAudit } from '../audit/audit-log.ts'
import { lockSealingKey } from '../database/sealing-key.ts'
import { IDENTITY_PROVIDER_ATTRIBUTES } from '../identity-providers/identity-provider-attributes.ts'
import { sealUpstreamSecret, unsealUpstreamSecret } from '../identity-providers/identity-provider-secrets.ts'
import {
  changesOfNewIdentityProvider,
  deleteIdentityProvider as deleteRow,
  findIdentityProvider,
  getIdentityProvider,
  type IdentityProvider,
  type IdentityProviderValues,
  identityProviderEntry,
  insertIdentityProvider,
  lockIdentityProvider,
  saveIdentityProvider,
  saveIdentityProviderStatus,
} from '../identity-providers/identity-providers.ts'
import { requireReservedId } from '../identity-providers/reserved-provider-ids.ts'
import { endSessionsOfOperators } from '../identity-providers/upstream-sessions.ts'
import { checkValues, differingValues, normalizedValues } from '../shared/attribute-values.ts'
import { changesBetween, initialValues } from '../shared/attributes.ts'
import { expectRevision, notFound } from '../shared/errors.ts'
import {
  checkDiscovery,
  checkMayAffectOperators,
  checkTogether,
  checkUpstreamSecret,
} from './identity-provider-checks.ts'
import {
  type IdentityProviderDetails,
  type IdentityProviderSelector,
  withDomains,
} from './identity-provider-reading.ts'
import { type Management, operation } from './operation.ts'
import { checkOperatorAttributes } from './operator-attributes.ts'
import type { Principal } from './principal.ts'
import { isProgram, requireRecentSignIn } from './recent-sign-in.ts'
import { accountInScope, checkTenant } from './tenant-isolation.ts'

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

/** What is only for operators may be left as it is initially. */
function withoutInitial(values: Partial<IdentityProviderValues>): Partial<IdentityProviderValues> {
  const given = Object.entries(values).filter(
    ([name, value]) =>
      !isDeepStrictEqual(value, IDENTITY_PROVIDER_ATTRIBUTES[name as keyof IdentityProviderValues].initial),
  )
  return Object.fromEntries(given)
}

type NewIdentityProvider = Partial<IdentityProviderValues> &
  Pick<IdentityProviderValues, 'name' | 'issuer' | 'clientId'> & {
    /** Absent: the own account; for an operator the instance. */
    readonly accountId?: string | undefined
    readonly clientSecret: string
    /** The ticket of a reserved ID (`reserved-provider-ids.ts`); absent: a new ID. */
    readonly reservation?: string | undefined
  }

/** Validates the given part of a provider without adding or changing it. @throws KeywrightError `invalid_input`, `forbidden` */
export const checkIdentityProvider = operation<Partial<IdentityProviderValues> & { clientSecret?: string }, void>(
  PERMISSIONS.manageIdentityProviders,
  async (_management, principal, { clientSecret, ...values }) => {
    checkOperatorAttributes(principal, IDENTITY_PROVIDER_ATTRIBUTES, withoutInitial(values))
    checkValues(IDENTITY_PROVIDER_ATTRIBUTES, normalizedValues(IDENTITY_PROVIDER_ATTRIBUTES, values))
    if (clientSecret !== undefined) checkUpstreamSecret(clientSecret)
  },
)

/** @throws KeywrightError `invalid_input` (also if the provider does not respond), `not_found` (the account), `conflict` (too many) */
export const createIdentityProvider = operation<NewIdentityProvider, IdentityProviderDetails>(
  PERMISSIONS.manageIdentityProviders,
  async (management, principal, { accountId: named, clientSecret, reservation, ...given }) => {
    const { knex, encryptionKeys } = management
    const accountId = accountInScope(principal, named) ?? null
    checkMayManageProviders(principal)
    checkOperatorAttributes(principal, IDENTITY_PROVIDER_ATTRIBUTES, withoutInitial(given))
    const all = { ...initialValues(IDENTITY_PROVIDER_ATTRIBUTES), ...given }
    const values = normalizedValues(IDENTITY_PROVIDER_ATTRIBUTES, all) as IdentityProviderValues
    checkValues(IDENTITY_PROVIDER_ATTRIBUTES, values)
    checkUpstreamSecret(clientSecret)
    checkTogether(accountId, values)
    checkMayAffectOperators(principal, values)
    const id = reservation === undefined ? undefined : requireReservedId(encryptionKeys, reservation, accountId)
    await checkDiscovery(management, principal, values, clientSecret)
    return await knex.transaction(async (trx) => {
      if (accountId !== null) await lockAccountShared(trx, accountId)
      await lockSealingKey(trx, encryptionKeys)
      const seal = (of: string) => sealUpstreamSecret(encryptionKeys, of, clientSecret)
      const provider = await insertIdentityProvider(trx, accountId, values, seal, id)
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

async function secretOf({ knex, encryptionKeys }: Management, providerId: string): Promise<string> {
  const found = await findIdentityProvider(knex, providerId)
  if (!found) throw notFound('identity provider', providerId)
  return unsealUpstreamSecret(encryptionKeys, providerId, found.sealedSecret)
}

/**
 * A changed client authentication is checked with the provider.
 * @throws KeywrightError `not_found`, `invalid_input`, `stale`
 */
export const updateIdentityProvider = operation<IdentityProviderChange, IdentityProviderDetails>(
  PERMISSIONS.manageIdentityProviders,
  async (management, principal, { providerId, revision, clientSecret, ...values }) => {
    const { knex, encryptionKeys } = management
    const current = await manageableProvider(knex, principal, providerId)
    checkOperatorAttributes(principal, IDENTITY_PROVIDER_ATTRIBUTES, values)
    checkValues(IDENTITY_PROVIDER_ATTRIBUTES, normalizedValues(IDENTITY_PROVIDER_ATTRIBUTES, values))
    if (clientSecret !== undefined) checkUpstreamSecret(clientSecret)
    if (values.clientAuth !== undefined && values.clientAuth !== current.clientAuth)
      await checkDiscovery(management, principal, { ...current, ...values }, await secretOf(management, providerId))
    return await knex.transaction(async (trx) => {
      const before = await lockedProviderFor(trx, principal, providerId)
      expectRevision('the identity provider', before.revision, revision)
      const differing = differingValues(IDENTITY_PROVIDER_ATTRIBUTES, before, values)
      if (Object.keys(differing).length === 0 && clientSecret === undefined)
        return await withDomains(trx, principal, before)
      checkTogether(before.accountId, { ...before, ...differing })
      checkMayAffectOperators(principal, before, { ...before, ...differing })
      if (clientSecret !== undefined) await lockSealingKey(trx, encryptionKeys)
      const sealed =
        clientSecret === undefined ? undefined : sealUpstreamSecret(encryptionKeys, providerId, clientSecret)
      const provider = await saveIdentityProvider(trx, providerId, differing, sealed)
      if (before.operators && !provider.operators) await endSessionsOfOperators(trx, providerId)
      const changes = changesBetween(IDENTITY_PROVIDER_ATTRIBUTES, before, provider)
      const detail = { changes, ...(sealed && { client_secret: 'replaced' }) }
      await recordAudit(trx, principal.actor, identityProviderEntry('identity_provider.updated', provider, detail))
      return await withDomains(trx, principal, provider)
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
    if (before.status === status) return await withDomains(trx, principal, before)
    const provider = await saveIdentityProviderStatus(trx, providerId, status)
    await recordAudit(trx, principal.actor, identityProviderEntry(`identity_provider.${status}`, provider))
    return await withDomains(trx, principal, provider)
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
    const { knex } = management
    const provider = await manageableProvider(knex, principal, providerId)
    await checkDiscovery(management, principal, provider, await secretOf(management, providerId))
    return await withDomains(knex, principal, provider)
  },
)
