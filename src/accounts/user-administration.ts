import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { expectRevision, invalidInput } from '../shared/errors.ts'
import { generateSecret } from '../shared/secrets.ts'
import { lockAccountShared } from './accounts.ts'
import { hashPassword } from './passwords.ts'
import { checkUser, unlessEmailTaken } from './user-checks.ts'
import {
  changeUser,
  createUser,
  createUserWithoutPassword,
  lockUser,
  type NewUser,
  setOneTimePassword,
  type User,
  type UserRow,
  userEntry,
} from './users.ts'

/** Shown once: it lets them in, and must then be replaced by one of their own. */
export interface Invited {
  readonly user: User
  readonly password: string
}

const createdDetail = ({ role, emailVerified }: NewUser) => ({ role, ...(emailVerified && { email_verified: true }) })

/** @throws KeywrightError `invalid_input`, `not_found` (the account), `conflict` (it is switched off, or the address is taken) */
export async function addUser(knex: Knex, person: NewUser, actor: Actor): Promise<Invited> {
  return await knex.transaction(async (trx) => {
    if (person.accountId !== null) await lockAccountShared(trx, person.accountId)
    const made = await createUser(trx, person)
    await recordAudit(trx, actor, userEntry('user.created', made.user, createdDetail(person)))
    return made
  })
}

/** A user nobody can sign in as until they are given a password. @throws as `addUser` */
export async function addUserWithoutPassword(knex: Knex, person: NewUser, actor: Actor): Promise<User> {
  return await knex.transaction(async (trx) => {
    if (person.accountId !== null) await lockAccountShared(trx, person.accountId)
    const user = await createUserWithoutPassword(trx, person)
    await recordAudit(trx, actor, userEntry('user.created', user, { ...createdDetail(person), password: 'none' }))
    return user
  })
}

export interface UserDetails {
  /** Null, or only blanks: none. */
  readonly name?: string | null | undefined
  readonly email?: string | undefined
  /** Whether the address is asserted to be the user's. */
  readonly emailVerified?: boolean | undefined
}

type Columns = Partial<Pick<UserRow, 'name' | 'email' | 'email_verified'>>

/** A name that stays is not checked again: the instance may have taken it meanwhile. */
function checkDetails(db: Knex, { id, role, name: before }: User, { name, email }: UserDetails) {
  const isRenamed = (name?.trim() || null) !== before
  return checkUser(db, { email, name: isRenamed ? name : null, role }, id)
}

/** Checks a change and makes none. @throws KeywrightError `invalid_input`, `conflict`, with every fault at its field */
export const checkUserChange = async (db: Knex, before: User, details: UserDetails): Promise<void> => {
  await checkDetails(db, before, details)
}

/** What differs, by column. Another address is not verified, unless the change asserts it. */
async function columnsOf(trx: Knex, before: User, details: UserDetails): Promise<Columns> {
  const { name, emailVerified } = details
  const checked = await checkDetails(trx, before, details)
  const next = { name: name?.trim() || null, email: checked.email ?? before.email }
  const isMoved = next.email !== before.email
  const isVerified = emailVerified ?? (before.emailVerified && !isMoved)
  return {
    ...(name !== undefined && next.name !== before.name && { name: next.name }),
    ...(isMoved && { email: next.email }),
    ...(isVerified !== before.emailVerified && { email_verified: isVerified }),
  }
}

/**
 * Changes what a person is called, which address they sign in with, and whether it is verified; what is left out stays.
 * Another address is not verified, unless the change asserts it.
 * @throws KeywrightError `not_found`, `invalid_input` (also when nothing is named), `conflict` (the address is taken), `stale`
 */
export async function saveUserDetails(
  knex: Knex,
  idOrEmail: string,
  details: UserDetails,
  actor: Actor,
  expected?: number,
): Promise<User> {
  if (Object.values(details).every((value) => value === undefined)) throw invalidInput('nothing was named to change')
  return await knex.transaction(async (trx) => {
    const before = await lockUser(trx, idOrEmail)
    expectRevision('the person', before.revision, expected)
    const columns = await columnsOf(trx, before, details)
    if (Object.keys(columns).length === 0) return before
    const key = columns.email === undefined ? {} : { email_key: emailKey(columns.email) }
    const change = { ...columns, ...key, updated_at: trx.fn.now() }
    const user = await unlessEmailTaken(columns.email, () => changeUser(trx, before.id, change))
    await recordAudit(trx, actor, userEntry('user.updated', user, columns))
    return user
  })
}

/**
 * A new one-time password in place of the present one, which ends their sessions. What applications hold in their name stays.
 * @throws KeywrightError `not_found`
 */
export async function resetPassword(knex: Knex, idOrEmail: string, actor: Actor): Promise<Invited> {
  const password = generateSecret('password')
  // Before the transaction, because hashing takes long and the transaction locks the user.
  const hash = await hashPassword(password)
  return await knex.transaction(async (trx) => {
    const { id } = await lockUser(trx, idOrEmail)
    const user = await setOneTimePassword(trx, id, hash)
    await recordAudit(trx, actor, userEntry('user.password_reset', user))
    return { user, password }
  })
}
