import type { Knex } from 'knex'
import { pendingKey } from '../database/address-keys.ts'
import type { AttributeRow } from '../shared/attribute-columns.ts'
import { oneTimePasswordColumns, storeOneTimePassword } from './one-time-passwords.ts'
import { type AddressRules, taken, unlessProfileTaken } from './user-checks.ts'

/** How a user is added. */
export interface HowAdded extends AddressRules {
  /** The user who adds this one; absent: a program or the command line. */
  readonly invitedBy?: string | null | undefined
}

interface NewRow extends AttributeRow {
  id: string
}

/** Undefined: another user has just got the address. @throws KeywrightError `conflict` */
async function insertOnce(db: Knex, row: NewRow, isPending: boolean): Promise<object | undefined> {
  const stored = isPending ? { ...row, email_key: pendingKey(row.email_key as string, row.id) } : row
  const insert = async (): Promise<object[]> =>
    await db('users').insert(stored).onConflict('email_key').ignore().returning('*')
  return (await unlessProfileTaken(row.email as string, insert))[0]
}

/**
 * Inserts a user. The statements are the same for an ordinary and a pending user, unless another user gets the address meanwhile.
 * @param password a one-time password; null: none
 * @param check whether the user is pending; it throws what is wrong with the user
 * @throws KeywrightError as `check`; `conflict`
 */
export async function insertUserRow<Row>(
  db: Knex,
  values: NewRow,
  password: string | null,
  check: () => Promise<boolean>,
): Promise<Row> {
  const isPending = await check()
  const row: NewRow = {
    ...values,
    ...oneTimePasswordColumns(password === null ? null : await storeOneTimePassword(password)),
  }
  const created = (await insertOnce(db, row, isPending)) ?? (await insertOnce(db, row, await check()))
  if (created === undefined) throw taken(row.email as string)
  return created as Row
}
