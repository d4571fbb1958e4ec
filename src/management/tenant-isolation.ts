import type { Knex } from 'knex'
import type { AddressRules } from '../accounts/user-checks.ts'
import { type AccountOfUser, findUserById, lockUser, type User } from '../accounts/users.ts'
import { findApis } from '../apis/apis.ts'
import { type Client, getClient } from '../clients/clients.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { checkMayChange, checkMayRevoke } from './developer-limits.ts'
import { isCommandLine, type Principal } from './principal.ts'

/** Whether the principal may manage objects of the account. Objects of no account belong to operators. */
const mayManage = (principal: Principal, accountId: string | null): boolean =>
  principal.role === 'operator' || (accountId !== null && accountId === principal.accountId)

/** The same as SQL, for a statement that must do no work for other objects. @param column of the account's ID */
export const ownCondition = (principal: Principal, column: string) =>
  principal.role === 'operator'
    ? { isOwn: 'true', bindings: {} }
    : { isOwn: `${column} = CAST(:ownAccountId AS uuid)`, bindings: { ownAccountId: principal.accountId } }

/** @throws KeywrightError `not_found`: another account's object looks like one that does not exist (guarantee 6) */
export function checkTenant(principal: Principal, accountId: string | null, what: string, id: string): void {
  if (!mayManage(principal, accountId)) throw notFound(what, id)
}

/** Only operators learn which addresses have users in all accounts. */
export const addressRulesOf = ({ role }: Principal): AddressRules => ({ mayBePending: role !== 'operator' })

/**
 * The account whose objects are listed: the principal's own; for an operator the named one, or undefined for all.
 * @throws KeywrightError `not_found`
 */
export function accountInScope(principal: Principal, named: string | undefined): string | undefined {
  const isAllowed = named === undefined || (principal.role === 'operator' ? isId(named) : named === principal.accountId)
  if (!isAllowed) throw notFound('account', named)
  if (principal.role === 'operator') return named
  return principal.accountId!
}

/** The account of a new object. @throws KeywrightError `invalid_input`, `not_found` */
export function accountOfNewObject(principal: Principal, named: string | undefined): string {
  const account = accountInScope(principal, named)
  if (account === undefined) {
    const message = 'an operator belongs to no account, so the account must be named'
    throw new KeywrightError('invalid_input', message, { fieldErrors: [{ field: 'accountId', message }] })
  }
  return account
}

/** An application or key pair that the principal may manage. The clients of APIs are excluded. @throws KeywrightError `not_found` */
export async function clientFor(db: Knex, principal: Principal, clientId: string): Promise<Client> {
  const client = await getClient(db, clientId)
  if (client.kind === 'api') throw notFound('client', clientId)
  checkTenant(principal, client.accountId, 'client', clientId)
  return client
}

/**
 * The client whose registration the principal changes: an application. The command line also changes key pairs and the
 * clients of APIs.
 * @throws KeywrightError `not_found`; `forbidden` (only admins may change it)
 */
export async function applicationFor(db: Knex, principal: Principal, clientId: string): Promise<Client> {
  if (isCommandLine(principal)) return await getClient(db, clientId)
  const client = await clientFor(db, principal, clientId)
  if (client.kind !== 'application') throw notFound('client', clientId)
  await checkMayChange(db, principal, client)
  return client
}

/** The application or key pair whose tokens the principal revokes. @throws KeywrightError `not_found`, `forbidden` */
export async function clientToRevoke(db: Knex, principal: Principal, clientId: string): Promise<Client> {
  const client = await clientFor(db, principal, clientId)
  checkMayRevoke(principal, client)
  return client
}

/** The client by which an API introspects. @throws KeywrightError `not_found`: also for the management API, which has none */
export async function clientIdOfApi(db: Knex, identifier: string): Promise<string> {
  const [api] = await findApis(db, [identifier])
  const client = await db('clients').where({ api_id: api!.id, kind: 'api' }).first('client_id')
  if (!client) throw notFound('client of the API', identifier)
  return client.client_id
}

/**
 * A user as they are in the account of the principal; for an operator, in the named one, else in their first account.
 * @throws KeywrightError `not_found`
 */
export async function userFor(
  db: Knex,
  principal: Principal,
  userId: string,
  accountId?: string,
): Promise<User & AccountOfUser> {
  const user = await findUserById(db, userId, accountId ?? principal.accountId ?? undefined)
  if (!user) throw notFound('user', userId)
  checkTenant(principal, user.accountId, 'user', userId)
  return user
}

/**
 * Whether the principal may read and change what a user has in all accounts, such as their password. An admin of one account, or who
 * answers for a session of the user in one account, would else decide for the others.
 */
export const mayManagePerson = (
  { role, userId, signedInAt, isAccountFixed = false }: Principal,
  { id, hasOtherAccounts }: { readonly id: string; readonly hasOtherAccounts: boolean },
): boolean => role === 'operator' || !hasOtherAccounts || (userId === id && signedInAt !== null && !isAccountFixed)

/**
 * A user whose profile, credentials or sessions the principal changes.
 * @throws KeywrightError `not_found`; `forbidden` (the user belongs to another account as well)
 */
export async function personFor(db: Knex, principal: Principal, userId: string): Promise<User & AccountOfUser> {
  const user = await userFor(db, principal, userId)
  checkMayManagePerson(principal, user)
  return user
}

/** As `personFor`, for a change: the user joins no other account until the transaction ends. */
export async function lockPerson(trx: Knex, principal: Principal, userId: string): Promise<User & AccountOfUser> {
  await personFor(trx, principal, userId)
  await lockUser(trx, userId)
  return await personFor(trx, principal, userId)
}

/** @throws KeywrightError `forbidden` */
function checkMayManagePerson(principal: Principal, user: User & AccountOfUser): void {
  if (mayManagePerson(principal, user)) return
  const message = `${user.email} belongs to another account as well, so only the user and operators may change this`
  throw new KeywrightError('forbidden', message)
}
