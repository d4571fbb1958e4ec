import type { Knex } from 'knex'
import { addressKeyOf } from '../database/address-keys.ts'
import { unlessExternalIdTaken } from '../database/external-ids.ts'
import { isUniqueViolation } from '../database/violations.ts'
import { checkValues } from '../shared/attribute-values.ts'
import type { ValuesOf } from '../shared/attributes.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { KeywrightError } from '../shared/errors.ts'
import { FieldErrorCollector } from '../shared/field-error-collector.ts'
import { checkNotInstanceName } from './instance-name.ts'
import { PROFILE_ATTRIBUTES, type Role } from './user-attributes.ts'

export const taken = (email: string, cause?: unknown) => {
  const message = `there is already a user ${email}`
  return new KeywrightError('conflict', message, { cause, fieldErrors: [{ field: 'email', message }] })
}

/** An address is that of one user, and an account has each address once. */
const ADDRESS_INDEXES = ['users_email_unique', 'users_account_address_unique']

/** Runs what writes an address or an external ID. @throws KeywrightError `conflict` (it is taken) */
export async function unlessProfileTaken<T>(email: string | undefined, write: () => Promise<T>): Promise<T> {
  try {
    return await unlessExternalIdTaken('users', write)
  } catch (error) {
    if (!ADDRESS_INDEXES.some((index) => isUniqueViolation(error, index))) throw error
    throw taken(email!, error)
  }
}

/** What a caller may learn of an address. */
export interface AddressRules {
  /**
   * The caller must not learn which addresses users of other accounts have: with such an address the user is pending
   * (`pending-users.ts`). Otherwise it is a conflict.
   */
  readonly mayBePending?: boolean | undefined
}

interface ProfileOwner extends AddressRules {
  /** Absent: a new user. */
  readonly id?: string
  /** Operators may have the instance's name. */
  readonly role: Role | undefined
  /** Undefined: not known yet. */
  readonly accountId?: string | null | undefined
}

interface OtherUser {
  /** In the account of the owner. */
  readonly is_here: boolean
}

const OTHER_USERS = `
  SELECT coalesce(u.account_id = CAST(:account AS uuid)
      OR EXISTS (SELECT FROM memberships m WHERE m.user_id = u.id AND m.account_id = CAST(:account AS uuid)), false) AS is_here
    FROM users u
   WHERE ${addressKeyOf('u')} = :key AND (u.email_key = :key OR u.account_id = CAST(:account AS uuid))
     AND u.id IS DISTINCT FROM CAST(:self AS uuid)`

/** @throws KeywrightError `conflict` when another user has the address, or, as the rules say, another user of the account */
async function isUsedElsewhere(db: Knex, email: string, owner: ProfileOwner): Promise<boolean> {
  const { id: self = null, accountId: account = null, mayBePending = false } = owner
  const { rows } = await db.raw(OTHER_USERS, { key: emailKey(email), self, account })
  const others = rows as OtherUser[]
  if (others.some(({ is_here }) => is_here || !mayBePending)) throw taken(email)
  return others.length > 0
}

/**
 * Checks normalized values; those that are left out are not checked. Returns whether a user elsewhere has the address, so that this one
 * is pending.
 * @throws KeywrightError `invalid_input`, with every error at its field; `conflict` (nothing but that the address is taken)
 */
export async function checkProfile(
  db: Knex,
  profile: Partial<ValuesOf<typeof PROFILE_ATTRIBUTES>>,
  owner: ProfileOwner,
): Promise<boolean> {
  const { email, name } = profile
  const fieldErrors = new FieldErrorCollector()
  await fieldErrors.collect(() => checkValues(PROFILE_ATTRIBUTES, profile))
  if (owner.role !== 'operator') await fieldErrors.collect(() => checkNotInstanceName(db, 'the name of a user', name))
  let isUsed = false
  if (email !== undefined)
    await fieldErrors.collect(async () => {
      isUsed = await isUsedElsewhere(db, email, owner)
    })
  fieldErrors.throwFieldErrors()
  return isUsed
}
