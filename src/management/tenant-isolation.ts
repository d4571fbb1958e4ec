import type { Knex } from 'knex'
import { findUserById, type User } from '../accounts/users.ts'
import { type Client, getClient } from '../clients/clients.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { isCommandLine, type Principal } from './principal.ts'

/** Whether something of that account is within reach. What belongs to no account is an operator's. */
const reaches = (who: Principal, accountId: string | null): boolean =>
  who.role === 'operator' || (accountId !== null && accountId === who.accountId)

/** @throws KeywrightError `not_found`, for another account's as for none, so that nothing is told (promise 6) */
export function checkTenant(who: Principal, accountId: string | null, what: string, id: string): void {
  if (!reaches(who, accountId)) throw notFound(what, id)
}

/**
 * The accounts whose things are listed: one's own, or for an operator the one that is named, or all.
 * @throws KeywrightError `not_found`
 */
export function accountInScope(who: Principal, named: string | undefined): string | undefined {
  const isReached = named === undefined || (who.role === 'operator' ? isId(named) : named === who.accountId)
  if (!isReached) throw notFound('account', named)
  if (who.role === 'operator') return named
  return who.accountId!
}

/** The account that something new belongs to. @throws KeywrightError `invalid_input`, `not_found` */
export function accountOfNewObject(who: Principal, named: string | undefined): string {
  const account = accountInScope(who, named)
  if (account === undefined) {
    const message = 'an operator belongs to no account, so the account must be named'
    throw new KeywrightError('invalid_input', message, { fieldErrors: [{ field: 'accountId', message }] })
  }
  return account
}

/** An application or key pair within reach; the clients of APIs are not managed here. @throws KeywrightError `not_found` */
export async function clientFor(db: Knex, who: Principal, clientId: string): Promise<Client> {
  const client = await getClient(db, clientId)
  if (client.kind === 'api') throw notFound('client', clientId)
  checkTenant(who, client.accountId, 'client', clientId)
  return client
}

/**
 * The client whose registration the principal changes: an application. The command line also changes key pairs and the
 * clients of APIs.
 * @throws KeywrightError `not_found`
 */
export async function applicationFor(db: Knex, who: Principal, clientId: string): Promise<Client> {
  if (isCommandLine(who)) return await getClient(db, clientId)
  const client = await clientFor(db, who, clientId)
  if (client.kind !== 'application') throw notFound('client', clientId)
  return client
}

/** @throws KeywrightError `not_found` */
export async function userFor(db: Knex, who: Principal, userId: string): Promise<User> {
  const user = await findUserById(db, userId)
  if (!user) throw notFound('user', userId)
  checkTenant(who, user.accountId, 'user', userId)
  return user
}
