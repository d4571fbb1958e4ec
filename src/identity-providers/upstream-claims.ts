import { includesRole } from '../accounts/permissions.ts'
import type { AccountRole } from '../accounts/user-attributes.ts'
import { normalizedEmail } from '../shared/email-addresses.ts'
import { nameError } from '../shared/names.ts'
import { parseRoleValue } from './identity-provider-attributes.ts'
import type { IdentityProvider } from './identity-providers.ts'

/** The claims of an ID token whose signature, issuer, audience, times and nonce are verified, or of a userinfo response. */
export type Claims = Readonly<Record<string, unknown>>

const textIn = (claims: Claims, name: string): string | undefined =>
  typeof claims[name] === 'string' ? claims[name] : undefined

/** OpenID Connect Core, section 2: at most 255 ASCII characters. Providers send others too. Undefined: not usable. */
export function subjectIn(claims: Claims): string | undefined {
  const subject = textIn(claims, 'sub')
  return subject !== undefined && /^[^\p{Cc}]{1,255}$/u.test(subject) && subject.isWellFormed() ? subject : undefined
}

/** As users are stored. Undefined: there is none, or it is no address. */
export function emailIn(claims: Claims): string | undefined {
  const email = textIn(claims, 'email')
  return email === undefined ? undefined : normalizedEmail(email)
}

export const domainOf = (email: string): string => email.slice(email.lastIndexOf('@') + 1).toLowerCase()

/**
 * Whether the address belongs to the subject: the provider says so, or says nothing of an address in a domain that is verified for it.
 * Some providers send `email_verified` as a string.
 */
export function isEmailVerified(claims: Claims, email: string, verifiedDomains: readonly string[]): boolean {
  const stated = claims.email_verified
  if (stated === undefined || stated === null) return verifiedDomains.includes(domainOf(email))
  return stated === true || stated === 'true'
}

/** What the provider calls the subject, for people to read: the address or the user name. Undefined: it names none that may be shown. */
export function usernameIn(claims: Claims): string | undefined {
  const username = emailIn(claims) ?? textIn(claims, 'preferred_username')?.trim()
  return username && nameError('a user name', username, 200) === undefined ? username : undefined
}

/** The name of a new user; null: there is none that may be shown. */
export function nameIn(claims: Claims): string | null {
  const name = textIn(claims, 'name')?.trim()
  return name && nameError('the name of a user', name, 200) === undefined ? name : null
}

/** The values of a claim that is a text or a list of texts. */
function valuesIn(claims: Claims, name: string): string[] {
  const value = claims[name]
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string')
}

/** The role of a new user: the highest of those that the values of the role claim stand for. */
export function roleIn(claims: Claims, { roleClaim, roleValues, newUserRole }: IdentityProvider): AccountRole {
  if (roleClaim === null) return newUserRole
  const values = new Set(valuesIn(claims, roleClaim))
  const roles = roleValues
    .map(parseRoleValue)
    .filter((one) => one !== undefined && values.has(one.value))
    .map((one) => one!.role)
  return roles.length === 0 ? newUserRole : roles.reduce((a, b) => (includesRole(a, b) ? a : b))
}

/** Whether an account can have this ID or external ID. The database takes no NUL. */
export const mayNameAccount = (value: unknown): value is string =>
  typeof value === 'string' && /^[^\p{Cc}]{1,200}$/u.test(value) && value.isWellFormed()

/** The ID or external ID of the account of a new user. Undefined: no account can be named so. */
export function accountIn(claims: Claims, { accountClaim }: IdentityProvider): string | undefined {
  const named = accountClaim === null ? undefined : claims[accountClaim]
  return mayNameAccount(named) ? named : undefined
}

/** How the user authenticated at the provider, as far as it is passed on. */
export interface UpstreamAuthentication {
  /** RFC 8176. */
  readonly amr: readonly string[]
  readonly acr?: string
  /** Milliseconds since 1970. */
  readonly authenticatedAt?: number
  /** The session at the provider (OpenID Connect Back-Channel Logout 1.0, section 2.1). */
  readonly sid?: string
}

const METHOD = /^[\x21-\x7e]{1,50}$/

function methodsIn({ amr }: Claims): string[] {
  const methods = Array.isArray(amr) ? amr : []
  return methods.filter((one): one is string => typeof one === 'string' && METHOD.test(one)).slice(0, 10)
}

/**
 * What the provider states of the sign-in. `mfa` and `acr` are passed on from providers whose second factor an operator accepts: from
 * others, an account could state whatever an application asks for.
 */
export function authenticationIn(claims: Claims, provider: IdentityProvider): UpstreamAuthentication {
  const methods = methodsIn(claims)
  const acr = textIn(claims, 'acr')
  const time = claims.auth_time
  const sid = textIn(claims, 'sid')
  const at = {
    ...(typeof time === 'number' && Number.isFinite(time) && time > 0 && { authenticatedAt: time * 1000 }),
    ...(sid !== undefined && { sid }),
  }
  if (!provider.trustsSecondFactor) return { amr: methods.filter((one) => one !== 'mfa'), ...at }
  const isMultiFactor = methods.includes('mfa') || (acr !== undefined && provider.trustedAcr.includes(acr))
  const amr = isMultiFactor && !methods.includes('mfa') ? [...methods, 'mfa'] : methods
  const isOwnClass = acr?.startsWith('urn:keywright:') === true
  return {
    amr,
    ...(acr !== undefined && acr.length <= 200 && !isOwnClass && METHOD.test(acr.slice(0, 50)) && { acr }),
    ...at,
  }
}
