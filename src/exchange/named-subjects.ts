import type { Knex } from 'knex'
import { ANY_ACCOUNT, type ExchangePolicy } from '../clients/exchange-attributes.ts'
import { KeywrightError } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'

/** For whom a client wants a token, as the request names them: a user, or an account without a user. IDs or external IDs. */
export type NamedSubject =
  | {
      readonly user: string
      /** Undefined: the first account of the user. */
      readonly account: string | undefined
    }
  | { readonly user: undefined; readonly account: string }

/** For whom a token acts: a user, in an account unless they are an operator, or an account without a user. */
export type ExchangeSubject =
  | { readonly userId: string; readonly accountId: string | null }
  | { readonly userId: null; readonly accountId: string }

/** One error for all of a kind: it does not tell whether a user or an account exists that the client may not name. */
export function namedSubjectRefused({ userId }: { readonly userId: unknown }): KeywrightError {
  const what = userId === null ? 'active account' : 'active user'
  const whom = userId === null ? 'it' : 'them'
  return new KeywrightError(
    'invalid_input',
    `there is no such ${what}, or this client may not obtain tokens for ${whom}`,
    {
      reason: 'exchange_not_allowed',
    },
  )
}

/** External IDs have at most 200 characters, none of them a control character. */
const NAME = /^[^\p{Cc}]{1,200}$/u

/** By the ID first: nobody can choose one. */
async function find(trx: Knex, table: string, name: string, columns: readonly string[]) {
  if (!NAME.test(name)) return undefined
  const byId = isId(name) ? await trx(table).where({ id: name }).first(columns) : undefined
  return byId ?? (await trx(table).where({ external_id: name }).first(columns))
}

const findAccountId = async (trx: Knex, name: string): Promise<string | null> =>
  (await find(trx, 'accounts', name, ['id']))?.id ?? null

/** Whether the policy of a client allows tokens for users of an account, or for the account alone. */
export function allowsSubject(
  { exchangeAccounts, exchangeWithoutUser }: ExchangePolicy,
  { userId, accountId }: ExchangeSubject,
): boolean {
  const allowed = userId === null ? exchangeWithoutUser : exchangeAccounts
  return accountId !== null && (allowed?.some((one) => one === ANY_ACCOUNT || one === accountId) ?? false)
}

async function resolve(trx: Knex, { user, account }: NamedSubject): Promise<ExchangeSubject | undefined> {
  if (user === undefined) {
    const accountId = await findAccountId(trx, account)
    return accountId === null ? undefined : { userId: null, accountId }
  }
  const found = await find(trx, 'users', user, ['id', 'account_id'])
  // Operators belong to no account.
  if (!found || found.account_id === null) return undefined
  const accountId = account === undefined ? found.account_id : await findAccountId(trx, account)
  return accountId === null ? undefined : { userId: found.id, accountId }
}

/**
 * Finds whom a request names. Whether the user and the account are active, and the user belongs to the account, is decided when they
 * are locked.
 * @throws KeywrightError `invalid_input`, the same error whether there is no such user or account, or the policy does not allow it
 */
export async function findNamedSubject(
  trx: Knex,
  named: NamedSubject,
  policy: ExchangePolicy,
): Promise<ExchangeSubject> {
  const subject = await resolve(trx, named)
  if (!subject || !allowsSubject(policy, subject)) throw namedSubjectRefused({ userId: named.user ?? null })
  return subject
}
