import type { Knex } from 'knex'
import { findAccountByIdOrExternalId } from '../accounts/accounts.ts'
import { type Credentials, findCredentials, lockCredentials } from '../accounts/credentials.ts'
import { type SignInOrigin, signInActor } from '../accounts/sign-in-record.ts'
import { addUserWithoutPassword } from '../accounts/user-administration.ts'
import { findUserById, mayAct, userEntry } from '../accounts/users.ts'
import { saveProof } from '../accounts/verified-emails.ts'
import { recordAudit } from '../audit/audit-log.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { KeywrightError } from '../shared/errors.ts'
import { verifiedDomainsOf } from './email-domains.ts'
import { findIdentityProvider, type IdentityProvider } from './identity-providers.ts'
import { accountIn, type Claims, domainOf, emailIn, isEmailVerified, nameIn, roleIn } from './upstream-claims.ts'
import type { UpstreamLink } from './upstream-links.ts'
import { insertIdentity } from './user-identities.ts'

/** Somebody who signed in at a provider, where no identity has their subject yet. */
export interface Newcomer {
  readonly provider: IdentityProvider
  readonly subject: string
  /** What the provider calls them. */
  readonly username?: string | undefined
  readonly claims: Claims
  readonly origin: SignInOrigin
}

/** Who a newcomer is here. */
export type NewcomerResult =
  | { readonly outcome: 'linked'; readonly identityId: string; readonly userId: string }
  /** They prove with credentials of this instance who they are. */
  | { readonly outcome: 'link'; readonly email: string | undefined }
  /** Nobody is created for them: not by this provider, or not without an account. `detail`: why not; only for the log. */
  | { readonly outcome: 'unknown'; readonly detail?: string }

const UNKNOWN = { outcome: 'unknown' } as const

/** Links an identity to a user who is locked, and records it. Undefined: the subject has a user meanwhile. */
export async function linkIdentity(
  trx: Knex,
  { provider, subject, username, origin }: Omit<Newcomer, 'claims'>,
  user: Credentials['user'],
  how: 'email' | 'created' | 'confirmed',
): Promise<string | undefined> {
  const identityId = await insertIdentity(trx, {
    providerId: provider.id,
    subject,
    username,
    userId: user.id,
    isConfirmed: how === 'confirmed',
  })
  if (!identityId) return undefined
  const entry = userEntry(
    'user.identity_linked',
    user,
    { identity_provider: provider.id, provider: provider.name, how },
    { subject },
  )
  await recordAudit(trx, signInActor(origin, user.id), entry)
  return identityId
}

/**
 * Whether a user may sign in by a provider: by one of an account only as an active member of that account, and as an operator only by one
 * for operators.
 */
export async function maySignInBy(
  db: Knex,
  { accountId, operators }: Pick<IdentityProvider, 'accountId' | 'operators'>,
  person: Credentials | undefined,
): Promise<boolean> {
  if (person?.user.role === 'operator' && !(operators && accountId === null)) return false
  if (!person || accountId === null) return person?.mayAct === true
  const member = await findUserById(db, person.user.id, accountId)
  return member !== undefined && mayAct(member)
}

/** The account in which a new user is created. Undefined: no claim names an active one. */
async function accountOfNewUser(db: Knex, { provider, claims }: Newcomer): Promise<string | undefined> {
  if (provider.accountId !== null) return provider.accountId
  const named = accountIn(claims, provider)
  if (named === undefined) return undefined
  const account = await findAccountByIdOrExternalId(db, named)
  return account?.status === 'active' ? account.id : undefined
}

async function createUser(
  trx: Knex,
  newcomer: Newcomer,
  email: string,
  verifiedDomains: readonly string[],
): Promise<NewcomerResult> {
  const { provider, claims, origin } = newcomer
  const accountId = provider.createsUsers ? await accountOfNewUser(trx, newcomer) : undefined
  if (accountId === undefined) return UNKNOWN
  // To others, a provider of an account vouches for addresses in its own domains only.
  const emailVerified = provider.accountId === null || verifiedDomains.includes(domainOf(email))
  const profile = { email, emailVerified, name: nameIn(claims), role: roleIn(claims, provider), accountId }
  // Who answers for one account only must not learn whether a user elsewhere has the address.
  const mayBePending = provider.accountId !== null
  const actor = { type: 'system', id: 'identity provider', ip: origin.ip, requestId: origin.requestId } as const
  const user = await addUserWithoutPassword(trx, { ...profile, mayBePending }, actor)
  // An operator answers for the provider, and nobody has set up anything before.
  if (provider.accountId === null) await saveProof(trx, user.id)
  // A link for a password is sent to no address that the provider of an account merely stated.
  if (!emailVerified) await trx('users').where({ id: user.id }).update({ email_set_by_program: true })
  const identityId = await linkIdentity(trx, newcomer, user, 'created')
  return identityId ? { outcome: 'linked', identityId, userId: user.id } : UNKNOWN
}

/**
 * The user whom an address means to a provider: of one of an account a member, also a pending one; the address of another user means
 * nobody, so what follows does not depend on whether there is one.
 */
async function findUserId(db: Knex, { accountId }: IdentityProvider, email: string): Promise<string | undefined> {
  if (accountId === null) return (await findCredentials(db, email))?.user.id
  const members = db('memberships').where({ account_id: accountId, email_key: emailKey(email) })
  const ofAddress = db('users')
    .where({ email_key: emailKey(email) })
    .select('id')
  // A person who joined by another way meanwhile comes before the pending user.
  const first = await members.orderByRaw('user_id IN (?) DESC', [ofAddress]).first('user_id')
  return first?.user_id
}

/**
 * Links a newcomer to the user with their address, if the address is verified by the provider and here, or creates a user, who may be
 * pending. A user whose address is not verified on both sides, who is no member of the account of the provider, or who is an operator, is
 * never taken over.
 */
async function findOrCreate(trx: Knex, newcomer: Newcomer): Promise<NewcomerResult> {
  const { provider, claims } = newcomer
  const email = emailIn(claims)
  const verifiedDomains = await verifiedDomainsOf(trx, provider.id)
  if (email === undefined || !isEmailVerified(claims, email, verifiedDomains)) return { outcome: 'link', email }
  const found = await findUserId(trx, provider, email)
  if (found === undefined) return await createUser(trx, newcomer, email, verifiedDomains)
  const person = await lockCredentials(trx, found)
  // An operator connects their identity themselves, whatever the provider says of the address.
  if (person?.user.role === 'operator') return { outcome: 'link', email }
  if (!person || emailKey(person.user.email) !== emailKey(email)) return UNKNOWN
  if (!(await maySignInBy(trx, provider, person))) return UNKNOWN
  if (!person.user.emailVerified) return { outcome: 'link', email }
  const identityId = await linkIdentity(trx, newcomer, person.user, 'email')
  return identityId ? { outcome: 'linked', identityId, userId: person.user.id } : UNKNOWN
}

/**
 * Creates a user, as at a first sign-in, whose address the provider has verified, and who is nobody here yet. Undefined: the provider
 * creates no users, or the user must first sign in through it.
 * @throws KeywrightError `conflict`, `invalid_input`, `not_found`
 */
export async function createNewcomer(
  trx: Knex,
  newcomer: Newcomer,
): Promise<{ identityId: string; userId: string } | undefined> {
  const { provider, claims } = newcomer
  const email = emailIn(claims)
  const verifiedDomains = await verifiedDomainsOf(trx, provider.id)
  if (email === undefined || !isEmailVerified(claims, email, verifiedDomains)) return undefined
  if ((await findUserId(trx, provider, email)) !== undefined) return undefined
  const created = await createUser(trx, newcomer, email, verifiedDomains)
  return created.outcome === 'linked' ? created : undefined
}

/** As `findOrCreate`. A user who is created at the same time by another request is not taken over either. */
export async function resolveNewcomer(knex: Knex, newcomer: Newcomer): Promise<NewcomerResult> {
  try {
    return await knex.transaction((trx) => findOrCreate(trx, newcomer))
  } catch (error) {
    const isRefused = error instanceof KeywrightError && ['conflict', 'invalid_input', 'not_found'].includes(error.code)
    if (!isRefused) throw error
    return { ...UNKNOWN, detail: error.message }
  }
}

/** Somebody who has signed in with their own credentials. */
export interface LinkingUser {
  readonly userId: string
  /** `sessionsValidFrom` at the sign-in, in milliseconds: with another value it is over. */
  readonly since: number
}

/** Links an identity to the user who has proved both. False: the identity or the user may not be linked (any more). */
export async function confirmLink(
  knex: Knex,
  { providerId, subject, username, userId: onlyFor }: Omit<UpstreamLink, 'browser' | 'expiresAt'>,
  { userId, since }: LinkingUser,
  origin: SignInOrigin,
): Promise<boolean> {
  return await knex.transaction(async (trx) => {
    const person = await lockCredentials(trx, userId)
    const provider = (await findIdentityProvider(trx, providerId))?.provider
    if (provider?.status !== 'enabled' || !person || !(await maySignInBy(trx, provider, person))) return false
    if (Number(person.user.sessionsValidFrom) !== since || (onlyFor ?? userId) !== userId) return false
    return (await linkIdentity(trx, { provider, subject, username, origin }, person.user, 'confirmed')) !== undefined
  })
}
