import type { Knex } from 'knex'
import { type LockedUser, lockUserOfConsentShared, lockUserShared } from '../accounts/user-locks.ts'
import { IDENTITY_SCOPES } from '../apis/scopes.ts'
import { KeywrightError } from '../shared/errors.ts'

/** For whom a consent is given, and tokens are issued. */
export interface ActingUser {
  readonly userId: string
  /** Null: an operator. */
  readonly accountId: string | null
}

/** A user who is locked, with their account. */
interface LockedMember extends LockedUser {
  readonly sessionsValidFrom: Date
  /** The account that nodes of the previous version know. */
  readonly firstAccountId: string | null
}

const invalidGrant = () =>
  new KeywrightError('invalid_grant', 'the user has withdrawn the consent or may no longer sign in')

/** Locks the membership and the account shared. @throws KeywrightError `invalid_grant` when the user may not act there */
async function lockMembershipShared(trx: Knex, userId: string, accountId: string): Promise<object> {
  const [account] = await trx('memberships AS m')
    .join('accounts AS a', 'a.id', 'm.account_id')
    .where({ 'm.user_id': userId, 'm.account_id': accountId, 'm.status': 'active', 'a.status': 'active' })
    .forShare()
    .select('a.metadata')
  if (!account) throw invalidGrant()
  return account.metadata
}

async function lockMember(trx: Knex, { userId, accountId }: ActingUser): Promise<LockedMember> {
  const account = accountId === null ? undefined : await lockMembershipShared(trx, userId, accountId)
  const [user] = await trx('users')
    .where({ id: userId })
    .forShare()
    .select('status', 'metadata', 'account_id', 'sessions_valid_from')
  if (user?.status !== 'active' || (accountId === null && user.account_id !== null)) throw invalidGrant()
  const { account_id: firstAccountId, sessions_valid_from: sessionsValidFrom, metadata } = user
  return { accountId, firstAccountId, sessionsValidFrom, metadata: { account, user: metadata } as never }
}

/**
 * Locks a user shared, with their account and their membership of it, so that none changes in the transaction.
 * @throws KeywrightError `invalid_grant` when one of them is not active
 */
export async function lockActiveUserShared(trx: Knex, acting: ActingUser): Promise<LockedMember> {
  await lockUserShared(trx, acting.userId, acting.accountId)
  return await lockMember(trx, acting)
}

/** The scopes of a token, and the consent that must cover them. */
export interface RequiredConsent {
  readonly userId: string
  readonly consentId: string | null
  /** The identifier of the API. */
  readonly api: string
  readonly scope: string
}

interface AllowedScopes {
  readonly identity_scopes: readonly string[]
  readonly apis: Readonly<Record<string, readonly string[]>>
}

const allows = ({ identity_scopes, apis }: AllowedScopes, { api, scope }: RequiredConsent) =>
  scope
    .split(' ')
    .filter(Boolean)
    .every((name) => (IDENTITY_SCOPES.includes(name) ? identity_scopes : (apis[api] ?? [])).includes(name))

/**
 * Locks a user shared, with the account of their consent, their membership of it, and the consent. Every transaction that issues
 * tokens for a user takes these locks. So no token is issued after the consent was withdrawn or narrowed, after the membership
 * ended, or after the user or the account was disabled. The tokens act for the account of the consent.
 * @throws KeywrightError `invalid_grant` when the consent does not cover the scopes, or the user may no longer sign in
 */
export async function lockConsentShared(trx: Knex, required: RequiredConsent): Promise<LockedUser> {
  const { userId, consentId } = required
  if (!consentId) throw invalidGrant()
  const accountId = await lockUserOfConsentShared(trx, { userId, consentId })
  if (accountId === undefined) throw invalidGrant()
  const { metadata } = await lockMember(trx, { userId, accountId })
  const key = { id: consentId, given_by: userId }
  const consent: AllowedScopes | undefined = await trx('consents')
    .where(key)
    .forShare()
    .first('identity_scopes', 'apis')
  if (!consent || !allows(consent, required)) throw invalidGrant()
  return { accountId, metadata }
}
