import type { Knex } from 'knex'
import { unlessExternalIdTaken } from '../database/external-ids.ts'
import { isUniqueViolation } from '../database/violations.ts'
import { checkValues } from '../shared/attribute-values.ts'
import type { ValuesOf } from '../shared/attributes.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { KeywrightError } from '../shared/errors.ts'
import { FieldErrorCollector } from '../shared/field-error-collector.ts'
import { checkNotInstanceName } from './instance-name.ts'
import { PROFILE_ATTRIBUTES, type Role } from './user-attributes.ts'

const taken = (email: string, cause?: unknown) => {
  const message = `there is already a user ${email}`
  return new KeywrightError('conflict', message, { cause, fieldErrors: [{ field: 'email', message }] })
}

/** Runs what writes an address or an external ID. @throws KeywrightError `conflict` (it is taken) */
export async function unlessProfileTaken<T>(email: string | undefined, write: () => Promise<T>): Promise<T> {
  try {
    return await unlessExternalIdTaken('users', write)
  } catch (error) {
    if (!isUniqueViolation(error, 'users_email_unique')) throw error
    throw taken(email!, error)
  }
}

/** @throws KeywrightError `conflict` when another user than `self` has the address */
async function checkNotTaken(db: Knex, email: string, self: string | undefined): Promise<void> {
  const row = await db<{ id: string; email_key: string }>('users')
    .where({ email_key: emailKey(email) })
    .first('id')
  if (row && row.id !== self) throw taken(email)
}

interface ProfileOwner {
  /** Absent: a new user. */
  readonly id?: string
  /** Operators may have the instance's name. */
  readonly role: Role | undefined
}

/**
 * Checks normalized values; those that are left out are not checked.
 * @throws KeywrightError `invalid_input`, with every error at its field; `conflict` (nothing but that the address is taken)
 */
export async function checkProfile(
  db: Knex,
  profile: Partial<ValuesOf<typeof PROFILE_ATTRIBUTES>>,
  { id, role }: ProfileOwner,
): Promise<void> {
  const { email, name } = profile
  const fieldErrors = new FieldErrorCollector()
  await fieldErrors.collect(() => checkValues(PROFILE_ATTRIBUTES, profile))
  if (role !== 'operator') await fieldErrors.collect(() => checkNotInstanceName(db, 'the name of a user', name))
  if (email !== undefined) await fieldErrors.collect(() => checkNotTaken(db, email, id))
  fieldErrors.throwFieldErrors()
}
