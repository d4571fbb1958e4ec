import type { Knex } from 'knex'
import { isUniqueViolation } from '../database/violations.ts'
import { emailError, emailKey, normalizedEmail } from '../shared/email-addresses.ts'
import { invalidInput, KeywrightError } from '../shared/errors.ts'
import { FieldErrorCollector } from '../shared/field-error-collector.ts'
import { nameError } from '../shared/names.ts'
import { checkNotInstanceName } from './instance-name.ts'

/** @throws KeywrightError `invalid_input` */
function checkedEmail(typed: string): string {
  const fieldError = emailError(typed)
  if (fieldError) throw invalidInput(fieldError, 'email')
  return normalizedEmail(typed)!
}

/** Null for nobody's name: only blanks. @throws KeywrightError `invalid_input` */
function checkedUserName(name: string | null | undefined): string | null {
  const trimmed = name?.trim() ?? ''
  if ([...trimmed].length > 200) throw invalidInput("a person's name has at most 200 characters", 'name')
  const fieldError = trimmed && nameError("a person's name", trimmed, 200)
  if (fieldError) throw invalidInput(fieldError, 'name')
  return trimmed || null
}

const taken = (email: string, cause?: unknown) => {
  const message = `there is already a user ${email}`
  return new KeywrightError('conflict', message, { cause, fieldErrors: [{ field: 'email', message }] })
}

/** Runs what writes an address. @throws KeywrightError `conflict` (the address is taken) */
export async function unlessEmailTaken<T>(email: string | undefined, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
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

interface DescribedUser {
  readonly email?: string | undefined
  readonly name?: string | null | undefined
  /** Operators may have the instance's name. */
  readonly role: 'operator' | 'admin' | 'member' | undefined
}

/**
 * The address and the name as they are stored; what is left out of them is not checked.
 * @param self who is changed; absent: a new user
 * @throws KeywrightError `invalid_input`, with every fault at its field; `conflict` (nothing but that the address is taken)
 */
export async function checkUser(db: Knex, { email, name, role }: DescribedUser, self?: string) {
  const fieldErrors = new FieldErrorCollector()
  const known = await fieldErrors.collect(() => checkedUserName(name))
  if (role !== 'operator') await fieldErrors.collect(() => checkNotInstanceName(db, "a person's name", name))
  const address = email === undefined ? undefined : await fieldErrors.collect(() => checkedEmail(email))
  if (address) await fieldErrors.collect(() => checkNotTaken(db, address, self))
  fieldErrors.throwFieldErrors()
  return { name: known ?? null, email: address }
}
