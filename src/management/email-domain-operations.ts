import { PERMISSIONS } from '../accounts/permissions.ts'
import { recordAudit } from '../audit/audit-log.ts'
import { deleteDomain, insertDomain, normalizedDomain, verifyDomain } from '../identity-providers/email-domains.ts'
import { identityProviderEntry } from '../identity-providers/identity-providers.ts'
import { invalidInput, notFound } from '../shared/errors.ts'
import { lockedProviderFor, manageableProvider } from './identity-provider-operations.ts'
import {
  type IdentityProviderDetails,
  type IdentityProviderSelector,
  withDomains,
} from './identity-provider-reading.ts'
import { type Management, operation } from './operation.ts'

interface DomainSelector extends IdentityProviderSelector {
  readonly domain: string
}

/** The name of the TXT record that shows who owns a domain. */
export const recordName = (domain: string): string => `_keywright.${domain}`

/** Its value. The ID is no secret: only the owner of the domain can publish it there. */
export const recordValue = (providerId: string): string => `keywright-identity-provider=${providerId}`

/** Adds a domain, which routes nobody until it is verified. Doing it again changes nothing. @throws KeywrightError `not_found`, `invalid_input`, `conflict` */
export const addEmailDomain = operation<DomainSelector, IdentityProviderDetails>(
  PERMISSIONS.manageIdentityProviders,
  async ({ knex }, principal, { providerId, domain: typed }) => {
    await manageableProvider(knex, principal, providerId)
    const domain = normalizedDomain(typed)
    return await knex.transaction(async (trx) => {
      const provider = await lockedProviderFor(trx, principal, providerId)
      if (await insertDomain(trx, providerId, domain))
        await recordAudit(
          trx,
          principal.actor,
          identityProviderEntry('identity_provider.domain_added', provider, { domain }),
        )
      return await withDomains(trx, principal, provider)
    })
  },
)

/** @throws KeywrightError `invalid_input` */
async function checkRecord({ upstream }: Management, providerId: string, domain: string): Promise<void> {
  const records = (await upstream?.textRecords(recordName(domain))) ?? []
  if (records.includes(recordValue(providerId))) return
  throw invalidInput(
    `publish the TXT record ${recordName(domain)} with the value ${recordValue(providerId)}, then verify again; DNS can take an hour`,
    'domain',
  )
}

/**
 * Verifies that a domain belongs to the account of the provider: by a TXT record, or because an operator asserts it.
 * Then addresses of the domain lead to the provider.
 * @throws KeywrightError `not_found`, `invalid_input` (there is no such record), `conflict` (it is verified for another provider)
 */
export const verifyEmailDomain = operation<DomainSelector, IdentityProviderDetails>(
  PERMISSIONS.manageIdentityProviders,
  async (management, principal, { providerId, domain: typed }) => {
    await manageableProvider(management.knex, principal, providerId)
    const domain = normalizedDomain(typed)
    if (principal.role !== 'operator') await checkRecord(management, providerId, domain)
    return await management.knex.transaction(async (trx) => {
      const provider = await lockedProviderFor(trx, principal, providerId)
      if (!(await verifyDomain(trx, providerId, domain))) throw notFound('email domain', domain)
      const detail = { domain, by: principal.role === 'operator' ? 'operator' : 'dns' }
      const entry = identityProviderEntry('identity_provider.domain_verified', provider, detail)
      await recordAudit(trx, principal.actor, entry)
      return await withDomains(trx, principal, provider)
    })
  },
)

/** @throws KeywrightError `not_found` */
export const removeEmailDomain = operation<DomainSelector, IdentityProviderDetails>(
  PERMISSIONS.manageIdentityProviders,
  async ({ knex }, principal, { providerId, domain: typed }) => {
    await manageableProvider(knex, principal, providerId)
    const domain = normalizedDomain(typed)
    return await knex.transaction(async (trx) => {
      const provider = await lockedProviderFor(trx, principal, providerId)
      if (!(await deleteDomain(trx, providerId, domain))) throw notFound('email domain', domain)
      const entry = identityProviderEntry('identity_provider.domain_removed', provider, { domain })
      await recordAudit(trx, principal.actor, entry)
      return await withDomains(trx, principal, provider)
    })
  },
)
