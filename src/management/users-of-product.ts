import type { Knex } from 'knex'
import { findAccountByIdOrExternalId } from '../accounts/accounts.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import type { AccountRole } from '../accounts/user-attributes.ts'
import { findUserById, mayAct, type User } from '../accounts/users.ts'
import { findUserByExternalId } from '../accounts/users-by-external-id.ts'
import { invalidInput, KeywrightError } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import type { Management } from './operation.ts'
import type { Principal } from './principal.ts'
import { upsertUser } from './user-upsert.ts'

/** A user of the product: one that exists here, or one to create or update by the external ID. */
export interface UserOfProduct {
  readonly id?: string | undefined
  readonly externalId?: string | undefined
  /** With an address, the user is created or updated. */
  readonly email?: string | undefined
  readonly name?: string | null | undefined
  readonly role?: AccountRole | undefined
}

/** @throws KeywrightError `invalid_input` */
async function accountIdOf(knex: Knex, idOrExternalId: string): Promise<string> {
  const account = await findAccountByIdOrExternalId(knex, idOrExternalId)
  if (!account) throw invalidInput('no account has this ID or external ID', 'account')
  return account.id
}

/** An acceptance includes the creation of its user. */
const creatorOf = (principal: Principal): Principal => ({
  ...principal,
  scopes: new Set([...(principal.scopes ?? []), PERMISSIONS.upsertUsers.scope, PERMISSIONS.manageUsers.scope]),
})

/** The field errors of the user are below `user`. */
function ofUser(error: unknown): unknown {
  if (!(error instanceof KeywrightError) || error.fieldErrors.length === 0) return error
  const fieldErrors = error.fieldErrors.map(({ field, message }) => ({
    field: field === 'accountId' ? 'account' : `user.${field}`,
    message,
  }))
  return new KeywrightError(error.code, error.message, { fieldErrors, cause: error })
}

/** @throws KeywrightError `conflict` */
function checkIsNoOperator({ role }: User): void {
  if (role === 'operator')
    throw new KeywrightError('conflict', 'operators sign in with a password or passkey of their own')
}

/** @throws KeywrightError `invalid_input`, `conflict` */
async function userIdOf(
  management: Management,
  principal: Principal,
  { id, externalId, email, ...profile }: UserOfProduct,
  accountId: string | undefined,
): Promise<string> {
  if (id !== undefined) return id
  if (externalId === undefined) throw invalidInput('name the user by id or external_id', 'user.externalId')
  const known = await findUserByExternalId(management.knex, externalId)
  // Before anything of them is changed.
  if (known) checkIsNoOperator(known)
  if (email === undefined) {
    if (!known) throw invalidInput('no user has this external ID; send an email address to create one', 'user.email')
    return known.id
  }
  const user = { ...profile, externalId, email, ...(accountId !== undefined && { accountId }) }
  const upserted = await upsertUser(management, creatorOf(principal), user).catch((error: unknown) => {
    throw ofUser(error)
  })
  return upserted.object.id
}

/**
 * The user that the product names, in the account that it names.
 * @throws KeywrightError `invalid_input`, `conflict`: also for an operator, so that the product cannot become one
 */
export async function memberOf(
  management: Management,
  principal: Principal,
  { user, account }: { readonly user: UserOfProduct; readonly account?: string | undefined },
): Promise<{ member: User; accountId: string | undefined }> {
  const { knex } = management
  const accountId = account === undefined ? undefined : await accountIdOf(knex, account)
  const userId = await userIdOf(management, principal, user, accountId)
  const member = isId(userId) ? await findUserById(knex, userId, accountId) : undefined
  if (!member) throw invalidInput('the user does not exist, or does not belong to the account', 'user')
  checkIsNoOperator(member)
  if (!mayAct(member)) throw new KeywrightError('conflict', 'the user, or the account, is disabled')
  return { member, accountId }
}
