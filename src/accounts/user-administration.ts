import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { pendingKey } from '../database/address-keys.ts'
import { isUniqueViolation } from '../database/violations.ts'
import { endLinks } from '../mail/mail-links.ts'
import { checkSomeGiven, differingValues } from '../shared/attribute-values.ts'
import { changesBetween } from '../shared/attributes.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { expectRevision, KeywrightError } from '../shared/errors.ts'
import { generateSecret } from '../shared/secrets.ts'
import { lockAccountShared } from './accounts.ts'
import { vouchForAddress } from './memberships.ts'
import { storeOneTimePassword } from './one-time-passwords.ts'
import { hasSignedIn } from './pending-users.ts'
import { setOneTimePassword } from './user-access.ts'
import { PROFILE_ATTRIBUTES } from './user-attributes.ts'
import { type AddressRules, checkProfile, unlessProfileTaken } from './user-checks.ts'
import {
  changeUser,
  createUser,
  createUserWithoutPassword,
  lockUser,
  type NewUser,
  type Profile,
  profileColumns,
  type User,
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

/**
 * The values that differ; only these are checked, because the instance may have got the name of the user meanwhile. Another address is not verified, unless the change
 * asserts it.
 */
function differingProfile(before: User, values: Partial<Profile>): Partial<Profile> {
  const differing = differingValues(PROFILE_ATTRIBUTES, before, values)
  const isUnproven = differing.email !== undefined && values.emailVerified === undefined
  return isUnproven && before.emailVerified ? { ...differing, emailVerified: false } : differing
}

/**
 * Only users themselves and operators change an address that a user signs in with: with a used address, a pending user could no longer
 * sign in, and any other answer would reveal the user who has it.
 * @throws KeywrightError `forbidden`
 */
async function checkMayChangeAddress(
  db: Knex,
  before: User,
  { email }: Partial<Profile>,
  { mayBePending }: AddressRules,
): Promise<void> {
  if (email === undefined || !mayBePending || !(await hasSignedIn(db, before.id))) return
  const message = `${before.email} has signed in, so only they or an operator can change the address`
  throw new KeywrightError('forbidden', message, { fieldErrors: [{ field: 'email', message }] })
}

/** Validates a change without making it. @throws KeywrightError `invalid_input`, `conflict`, with every error at its field */
export async function checkProfileChange(
  db: Knex,
  before: User,
  values: Partial<Profile>,
  rules: AddressRules = {},
): Promise<void> {
  const differing = differingProfile(before, values)
  await checkMayChangeAddress(db, before, differing, rules)
  await checkProfile(db, differing, { ...before, ...rules })
}

/** Of another address, who set it: a program must not get a way to sign in by a link that is sent to the address. */
const setterOf = ({ email }: Partial<Profile>, { type }: Actor) =>
  email === undefined ? {} : { email_set_by_program: type === 'client' || type === 'system' }

/**
 * Of an address that somebody else sets. Who had it meanwhile may have set up something, also when it is set back (`verified-emails.ts`).
 * Only who answers for the instance vouches for the new one.
 */
const endOfProof = (before: User, { email }: Partial<Profile>, { mayBePending }: AddressRules) =>
  email !== undefined &&
  emailKey(email) !== emailKey(before.email) && {
    proven_mailbox_key: null,
    vouched_email_key: mayBePending ? null : emailKey(email),
  }

/**
 * An operator, or a program of the instance, confirms the address of a user, who is locked, by naming it.
 * @throws KeywrightError `conflict` (the user has another address)
 */
export async function confirmAddress(trx: Knex, user: User, email: string, actor: Actor): Promise<void> {
  if (emailKey(email) !== emailKey(user.email)) {
    const message =
      'the user has another address: change it first, without naming another account, if this one is right'
    throw new KeywrightError('conflict', message, { fieldErrors: [{ field: 'email', message }] })
  }
  if (await vouchForAddress(trx, user.id)) await recordAudit(trx, actor, userEntry('user.address_confirmed', user))
}

interface SaveRules extends AddressRules {
  /** The revision that the caller read; undefined: any revision. */
  readonly expected?: number | undefined
}

/**
 * Changes the attributes that describe a user; those that are left out stay. Another address is not verified, unless the
 * change asserts it.
 * @throws KeywrightError `not_found`, `invalid_input` (also without values), `conflict` (the address is taken), `stale`, `forbidden` (the
 * user has signed in with the address)
 */
export async function saveProfile(
  knex: Knex,
  idOrEmail: string,
  values: Partial<Profile>,
  actor: Actor,
  rules: SaveRules = {},
): Promise<User> {
  const save = () => saveProfileOnce(knex, idOrEmail, values, actor, rules)
  return await save().catch((error) => {
    if (rules.mayBePending && isUniqueViolation(error.cause, 'users_email_unique')) return save()
    throw error
  })
}

async function saveProfileOnce(
  knex: Knex,
  idOrEmail: string,
  values: Partial<Profile>,
  actor: Actor,
  { expected, ...rules }: SaveRules,
): Promise<User> {
  checkSomeGiven(values)
  return await knex.transaction(async (trx) => {
    const before = await lockUser(trx, idOrEmail)
    expectRevision('the user', before.revision, expected)
    const differing = differingProfile(before, values)
    if (Object.keys(differing).length === 0) return before
    await checkMayChangeAddress(trx, before, differing, rules)
    const isPending = await checkProfile(trx, differing, { ...before, ...rules })
    const columns = {
      ...profileColumns(differing),
      ...(isPending && { email_key: pendingKey(emailKey(differing.email!), before.id) }),
      ...setterOf(differing, actor),
      ...endOfProof(before, differing, rules),
      updated_at: trx.fn.now(),
    }
    const user = await unlessProfileTaken(differing.email, () => changeUser(trx, before.id, columns))
    if (differing.email !== undefined) await endLinks(trx, user.id)
    const changes = changesBetween(PROFILE_ATTRIBUTES, before, user)
    await recordAudit(trx, actor, userEntry('user.updated', user, {}, { changes }))
    return user
  })
}

/**
 * A new one-time password in place of the present one, which ends their sessions. What applications hold in their name stays.
 * @param check whether the user, who is locked, may be changed
 * @throws KeywrightError `not_found`, and those of `check`
 */
export async function resetPassword(
  knex: Knex,
  idOrEmail: string,
  actor: Actor,
  check: (trx: Knex, id: string) => Promise<unknown> = async () => {},
): Promise<Invited> {
  const password = generateSecret('password')
  // Before the transaction, because hashing takes long and the transaction locks the user.
  const stored = await storeOneTimePassword(password)
  return await knex.transaction(async (trx) => {
    const { id } = await lockUser(trx, idOrEmail)
    await check(trx, id)
    const user = await setOneTimePassword(trx, id, stored)
    await recordAudit(trx, actor, userEntry('user.password_reset', user))
    return { user, password }
  })
}
