import type { Knex } from 'knex'
import { ANY_ACCOUNT } from '../clients/exchange-attributes.ts'
import { KeywrightError } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'

/** A user for whom a client wants a token, as the request names them. */
export interface NamedUser {
  /** The user's ID or external ID. */
  readonly user: string
  /** The account's ID or external ID. Undefined: the first account of the user. */
  readonly account: string | undefined
}

/** One error for all: it does not tell whether a user exists whom the client may not name. */
export const namedUserRefused = (): KeywrightError =>
  new KeywrightError('invalid_input', 'there is no such active user, or this client may not obtain tokens for them', {
    reason: 'exchange_not_allowed',
  })

/** External IDs have at most 200 characters, none of them a control character. */
const NAME = /^[^\p{Cc}]{1,200}$/u

/** By the ID first: nobody can choose one. */
async function find<Row>(trx: Knex, table: string, name: string, columns: readonly string[]): Promise<Row> {
  if (!NAME.test(name)) throw namedUserRefused()
  const row =
    (isId(name) && (await trx(table).where({ id: name }).first(columns))) ||
    (await trx(table).where({ external_id: name }).first(columns))
  if (!row) throw namedUserRefused()
  return row
}

/** Whether the policy of a client allows tokens for users of an account. */
export const allowsAccount = (exchangeAccounts: readonly string[] | null, accountId: string): boolean =>
  exchangeAccounts?.some((one) => one === ANY_ACCOUNT || one === accountId) ?? false

/**
 * Finds the user whom a request names, and the account in which the token shall act. Whether both are active, and the user belongs to
 * the account, is decided when they are locked.
 * @param exchangeAccounts of the policy of the client
 * @throws KeywrightError `invalid_input`, the same error whether there is no such user, or the policy does not allow it
 */
export async function findNamedUser(
  trx: Knex,
  { user, account }: NamedUser,
  exchangeAccounts: readonly string[] | null,
): Promise<{ readonly userId: string; readonly accountId: string }> {
  if (exchangeAccounts === null) throw namedUserRefused()
  const found = await find<{ id: string; account_id: string | null }>(trx, 'users', user, ['id', 'account_id'])
  const accountId =
    account === undefined ? found.account_id : (await find<{ id: string }>(trx, 'accounts', account, ['id'])).id
  // Operators belong to no account.
  if (found.account_id === null || accountId === null || !allowsAccount(exchangeAccounts, accountId))
    throw namedUserRefused()
  return { userId: found.id, accountId }
}
