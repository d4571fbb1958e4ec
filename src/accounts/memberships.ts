import type { Knex } from 'knex'
import { isId } from '../shared/ids.ts'
import type { AccountRole, Role } from './user-attributes.ts'

/** The account in which the user of a session acts. */
export interface SessionAccount {
  readonly id: string
  /** Who opened the session answers for this account only: the session is valid in no other, and changes nothing outside it. */
  readonly isFixed: boolean
}

/** SQL: whether a user may act by the membership `m` in the account `a`. */
const MAY_ACT = `m.status = 'active' AND a.status = 'active'`

/** SQL: whether `m` is in the first account of the user `u`. */
const first = (u: string): string => `m.account_id = ${u}.account_id`

/**
 * SQL: the membership by which a row `u` of `users` acts, named `membership`; none for an operator.
 * @param condition SQL: which memberships `m` count
 * @param preferred SQL: which of those of equal use comes first
 */
export const lateralMembership = (condition: string, preferred = 'm.user_id IS NOT NULL', u = 'users'): string => `
  LEFT JOIN LATERAL (
    SELECT m.account_id, m.role, m.status, m.valid_from, a.name AS account_name, a.status AS account_status
      FROM memberships m JOIN accounts a ON a.id = m.account_id
     WHERE m.user_id = ${u}.id AND ${u}.role <> 'operator' AND ${condition}
     ORDER BY (${MAY_ACT}) DESC, (${preferred}) DESC, (${first(u)}) DESC, m.created_at, m.account_id
     LIMIT 1) membership ON true`

/** SQL: whether the owner of the mailbox of `u` has set up, or accepted, everything by which they sign in. Null: no. */
export const isProven = (u: string): string => `${u}.proven_mailbox_key = ${u}.email_key`

/** SQL: whether an operator, or a program of the instance, gave or confirmed the address of `u`. Null: no. */
export const isVouched = (u: string): string => `${u}.vouched_email_key = ${u}.email_key`

/** SQL: whether the user `u` acts by the membership `m` also in sessions of their own. */
const isAccepted = (u: string): string => `(NOT m.needs_proof OR coalesce(${isProven(u)} AND ${isVouched(u)}, false))`

/**
 * Joins the membership by which users act, as `membership`: the given one, in any case if it is fixed, or else the first account, or
 * another one while the user may not act there. A user who has no such membership is left out.
 * @param ownSession whether it is for a session in which the user may have signed in with credentials of their own: unless the session is
 * fixed, memberships that need a proof of the mailbox count only with one
 */
export function joinMembership(users: Knex.QueryBuilder, account?: SessionAccount, ownSession = false): void {
  const condition = ownSession ? isAccepted('users') : 'true'
  if (account?.isFixed) users.joinRaw(lateralMembership('m.account_id = ?'), [account.id])
  else if (account) users.joinRaw(lateralMembership(condition, 'm.account_id = ?'), [account.id])
  else users.joinRaw(lateralMembership(condition))
  users.where((found) => {
    found.whereNotNull('membership.account_id')
    if (!account?.isFixed) found.orWhere('users.role', 'operator')
  })
}

/** An account in which a user may act. */
export interface AccountOfMember {
  readonly accountId: string
  readonly accountName: string
  readonly role: AccountRole
}

/** A user has something by which they, or somebody who had set it up, sign in without the one who answers for an account. */
const HAS_CREDENTIALS = `
  u.password_hash IS NOT NULL
  OR EXISTS (SELECT FROM passkeys o WHERE o.user_id = u.id)
  OR EXISTS (SELECT FROM totp_factors o WHERE o.user_id = u.id)
  OR EXISTS (SELECT FROM user_identities o JOIN identity_providers p ON p.id = o.provider_id
              WHERE o.user_id = u.id AND p.account_id IS NULL)`

/** Nobody but the person that an operator means has, or can get, something by which they sign in as `u`. Null: no. */
const IS_OWN = `${isVouched('u')} AND (coalesce(${isProven('u')}, false) OR NOT (${HAS_CREDENTIALS}))`

/**
 * Marks a membership that nobody has accepted, unless the user is certain to be the person whom an operator means. An admin of their other
 * account may have set up how the user signs in, or chosen a mailbox as the address of a user who never signed in. The caller has locked
 * the user.
 */
export async function requireProof(
  trx: Knex,
  { userId, accountId }: { readonly userId: string; readonly accountId: string },
): Promise<void> {
  await trx('memberships')
    .where({ user_id: userId, account_id: accountId })
    .update({ needs_proof: trx.raw(`(SELECT NOT coalesce(${IS_OWN}, false) FROM users u WHERE u.id = ?)`, [userId]) })
}

/** The person has accepted a membership. The caller has locked the user. */
export async function acceptMembership(
  trx: Knex,
  { userId, accountId }: { readonly userId: string; readonly accountId: string },
): Promise<void> {
  await trx('memberships').where({ user_id: userId, account_id: accountId }).update({ needs_proof: false })
}

/** Whether an operator, or a program of the instance, gave or confirmed the address of a user. */
export const isAddressVouched = async (db: Knex, userId: string): Promise<boolean> =>
  (await db('users AS u').where('u.id', userId).whereRaw(isVouched('u')).first('u.id')) !== undefined

/**
 * Records that an operator, or a program of the instance, means the present address of a user. The caller has locked the user, and has
 * compared the address. False: somebody has vouched for it before.
 */
export async function vouchForAddress(trx: Knex, userId: string): Promise<boolean> {
  const changed = await trx('users AS u')
    .where('u.id', userId)
    .whereRaw(`NOT coalesce(${isVouched('u')}, false)`)
    .update({ vouched_email_key: trx.ref('email_key') })
  if (changed === 0) return false
  await trx('memberships')
    .where({ user_id: userId, needs_proof: true })
    .whereExists(trx('users AS u').where('u.id', userId).whereRaw(IS_OWN))
    .update({ needs_proof: false })
  return true
}

/**
 * Records that nobody vouches any more for the address of a user, who is locked. Memberships that count go on counting.
 */
export async function endVouching(trx: Knex, userId: string): Promise<void> {
  await trx('memberships AS m')
    .where({ user_id: userId })
    .whereExists(trx('users AS u').where('u.id', userId).whereRaw(isAccepted('u')))
    .update({ needs_proof: false })
  await trx('users').where({ id: userId }).update({ vouched_email_key: null })
}

/** At most so many accounts of a user are listed. */
const MAX_ACCOUNTS = 200

/**
 * The accounts in which a user may act in sessions of their own, sorted by name: at most 200.
 * @param first accounts that are listed before others are, in this order, if the user may act there; what is no ID counts as none
 */
export async function listAccountsOf(
  db: Knex,
  userId: string,
  first: readonly string[] = [],
): Promise<AccountOfMember[]> {
  const listed = db('memberships AS m')
    .join('accounts AS a', 'a.id', 'm.account_id')
    .join('users AS u', 'u.id', 'm.user_id')
    .where('m.user_id', userId)
    .whereRaw(`${MAY_ACT} AND ${isAccepted('u')}`)
    .orderByRaw('array_position(?::uuid[], a.id), lower(a.name), a.id', [first.filter(isId)])
    .limit(MAX_ACCOUNTS)
    .select('a.id', 'a.name', 'm.role')
  return await db
    .from(listed.as('listed'))
    .orderByRaw('lower(name), id')
    .select('id AS accountId', 'name AS accountName', 'role')
}

/** What has to happen before a user acts by a membership in sessions of their own. */
export type MembershipCondition =
  /** An operator, or a program of the instance, confirms the address of the user. */
  | 'confirmed_address'
  /** The user proves their mailbox. */
  | 'proof_of_mailbox'

/** SQL: the condition of the membership `m` of the user `u`, or null. */
export const conditionOf = (u: string): string =>
  `CASE WHEN ${isAccepted(u)} THEN NULL WHEN ${isVouched(u)} THEN 'proof_of_mailbox' ELSE 'confirmed_address' END`

/** An account that a user can select for their session. */
export interface SelectableAccount extends AccountOfMember {
  /** Null: the user acts in it. */
  readonly waitsFor: MembershipCondition | null
}

/** The accounts of a user, at most 200, sorted by name: those in which the user does not act yet come last. */
export const listSelectableAccounts = (db: Knex, userId: string): Promise<SelectableAccount[]> =>
  db('memberships AS m')
    .join('accounts AS a', 'a.id', 'm.account_id')
    .join('users AS u', 'u.id', 'm.user_id')
    .where('m.user_id', userId)
    .whereRaw(MAY_ACT)
    .orderByRaw(`NOT ${isAccepted('u')}, lower(a.name), a.id`)
    .limit(MAX_ACCOUNTS)
    .select('a.id AS accountId', 'a.name AS accountName', 'm.role', db.raw(`${conditionOf('u')} AS "waitsFor"`))

/** SQL: the role of a user of the table or alias `u`. */
export const roleOf = (u: string): string =>
  `coalesce((SELECT m.role FROM memberships m WHERE m.user_id = ${u}.id AND m.account_id = ${u}.account_id), ${u}.role)`

/** SQL: the role of the row of `users`. */
export const ROLE_OF_USER = roleOf('users')

/** The role in `users.role`, which nodes of the previous version read: they know `member` as the only role beside `admin`. */
export const roleInUsers = (role: Role): 'operator' | 'admin' | 'member' =>
  role === 'operator' || role === 'admin' ? role : 'member'

/** Changes the role of a user in an account. The caller has locked the user, or has just added them. */
export async function saveMembershipRole(
  trx: Knex,
  { userId, accountId }: { readonly userId: string; readonly accountId: string },
  role: AccountRole,
): Promise<void> {
  await trx('memberships').where({ user_id: userId, account_id: accountId }).update({ role })
}

/** The columns by which the sessions that are fixed to the account of a membership end. Compared in milliseconds: never the present value. */
export const sessionsOfMembershipEnd = (trx: Knex) => ({
  valid_from: trx.raw(`greatest(clock_timestamp(), valid_from + interval '1 millisecond')`),
})
