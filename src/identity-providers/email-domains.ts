import type { Knex } from 'knex'
import { isUniqueViolation } from '../database/violations.ts'
import { normalizedEmail } from '../shared/email-addresses.ts'
import { invalidInput, KeywrightError } from '../shared/errors.ts'
import { domainOf } from './upstream-claims.ts'

/** An email domain that an identity provider names. */
export interface EmailDomain {
  readonly domain: string
  /** Null: it is not verified, and routes nobody to the provider. */
  readonly verifiedAt: Date | null
  /** Whether it is verified for another provider that the reader may see. */
  readonly verifiedElsewhere: boolean
}

export const MAX_DOMAINS = 50

/** In ASCII and small letters. @throws KeywrightError `invalid_input` */
export function normalizedDomain(typed: string): string {
  const address = normalizedEmail(`a@${typed.trim().replace(/^@/, '')}`)
  const domain = address && domainOf(address)
  if (!domain || !/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(domain) || domain.length > 253)
    throw invalidInput('an email domain has the form example.com', 'domain')
  return domain
}

/**
 * SQL: the domains of the provider `p` as JSON. The binding `seesAll`: whether the reader sees the providers of every account; otherwise,
 * only those of the account of `p`.
 */
export const DOMAINS_OF_PROVIDER = `
  (SELECT json_agg(json_build_object('domain', d.domain, 'verifiedAt', d.verified_at, 'verifiedElsewhere', EXISTS (
            SELECT FROM identity_provider_domains o JOIN identity_providers other ON other.id = o.provider_id
             WHERE o.domain = d.domain AND o.verified_at IS NOT NULL AND o.provider_id <> d.provider_id
               AND (:seesAll OR other.account_id = p.account_id))) ORDER BY d.domain)
     FROM identity_provider_domains d WHERE d.provider_id = p.id)`

/** As `DOMAINS_OF_PROVIDER` has them; null: none. */
export type DomainsRow = readonly (Omit<EmailDomain, 'verifiedAt'> & { readonly verifiedAt: string | null })[] | null

export const toDomains = (rows: DomainsRow): EmailDomain[] =>
  (rows ?? []).map((row) => ({ ...row, verifiedAt: row.verifiedAt === null ? null : new Date(row.verifiedAt) }))

/** @param seesAll as in `DOMAINS_OF_PROVIDER` */
export async function listDomains(db: Knex, providerId: string, seesAll: boolean): Promise<EmailDomain[]> {
  const domains = db.raw(`${DOMAINS_OF_PROVIDER} AS domains`, { seesAll })
  const row = await db('identity_providers AS p').where('p.id', providerId).first(domains)
  return toDomains(row?.domains ?? null)
}

export async function verifiedDomainsOf(db: Knex, providerId: string): Promise<string[]> {
  const rows = await db('identity_provider_domains')
    .where({ provider_id: providerId })
    .whereNotNull('verified_at')
    .select('domain')
  return rows.map(({ domain }) => domain)
}

/** The caller has locked the provider. Adding one again changes nothing. @throws KeywrightError `conflict` (too many) */
export async function insertDomain(trx: Knex, providerId: string, domain: string): Promise<boolean> {
  const [row] = await trx('identity_provider_domains').where({ provider_id: providerId }).count({ count: '*' })
  if (Number(row!.count) >= MAX_DOMAINS)
    throw new KeywrightError('conflict', `an identity provider has at most ${MAX_DOMAINS} domains`)
  const inserted = await trx('identity_provider_domains')
    .insert({ provider_id: providerId, domain })
    .onConflict(['provider_id', 'domain'])
    .ignore()
    .returning('domain')
  return inserted.length > 0
}

/** False: the provider does not name the domain. @throws KeywrightError `conflict` (it is verified for another provider) */
export async function verifyDomain(trx: Knex, providerId: string, domain: string): Promise<boolean> {
  try {
    const row = trx('identity_provider_domains').where({ provider_id: providerId, domain })
    return (await row.update({ verified_at: trx.raw('coalesce(verified_at, now())') })) > 0
  } catch (error) {
    if (!isUniqueViolation(error, 'identity_provider_domains_verified')) throw error
    throw new KeywrightError('conflict', `the domain ${domain} is verified for another identity provider`, {
      cause: error,
    })
  }
}

/** False: the provider does not name the domain. */
export const deleteDomain = async (trx: Knex, providerId: string, domain: string): Promise<boolean> =>
  (await trx('identity_provider_domains').where({ provider_id: providerId, domain }).delete()) > 0

/** The enabled provider for addresses of this domain. Undefined: there is none. It does not depend on users. */
export async function findProviderOfEmail(db: Knex, email: string): Promise<string | undefined> {
  const address = normalizedEmail(email)
  if (address === undefined) return undefined
  const row = await db('identity_provider_domains AS d')
    .join('identity_providers AS p', 'p.id', 'd.provider_id')
    .where({ 'd.domain': domainOf(address), 'p.status': 'enabled' })
    .whereNotNull('d.verified_at')
    .first('p.id')
  return row?.id
}

/** Whether the domains of some addresses lead to an enabled provider, and whether one is on this machine. */
export async function findRoutes(db: Knex): Promise<{ isRouted: boolean; hasLoopback: boolean }> {
  const { rows } = await db.raw(
    `SELECT EXISTS (SELECT FROM identity_provider_domains d JOIN identity_providers p ON p.id = d.provider_id
                     WHERE p.status = 'enabled' AND d.verified_at IS NOT NULL) AS is_routed,
            EXISTS (SELECT FROM identity_providers p WHERE p.status = 'enabled' AND p.issuer LIKE 'http:%') AS has_loopback`,
  )
  return { isRouted: rows[0].is_routed, hasLoopback: rows[0].has_loopback }
}
