import type { Knex } from 'knex'
import { isUniqueViolation } from '../database/violations.ts'
import { KeywrightError } from '../shared/errors.ts'

/** What the identity provider of an account says of a user, beside the profile. */
export interface ScimNames {
  /** Unique in the account, without regard to case. */
  readonly userName: string
  readonly externalId: string | null
  readonly givenName: string | null
  readonly familyName: string | null
}

/** By this two user names are the same. */
export const userNameKey = (userName: string): string => userName.toLowerCase().normalize('NFC')

const UNIQUE = [
  { constraint: 'scim_users_user_name_unique', field: 'userName' },
  { constraint: 'scim_users_external_id_unique', field: 'externalId' },
]

/** Adds or replaces the names of a user in an account. @throws KeywrightError `conflict` (the user name or external ID is taken) */
export async function saveScimNames(trx: Knex, accountId: string, userId: string, names: ScimNames): Promise<void> {
  const columns = {
    user_name: names.userName,
    user_name_key: userNameKey(names.userName),
    external_id: names.externalId,
    given_name: names.givenName,
    family_name: names.familyName,
    updated_at: trx.fn.now(),
  }
  try {
    await trx('scim_users')
      .insert({ account_id: accountId, user_id: userId, ...columns })
      .onConflict(['user_id', 'account_id'])
      .merge(columns)
  } catch (error) {
    const field = UNIQUE.find(({ constraint }) => isUniqueViolation(error, constraint))?.field
    if (!field) throw error
    const message = `another user of the account has this ${field}`
    throw new KeywrightError('conflict', message, { cause: error, fieldErrors: [{ field, message }] })
  }
}
