import type { Knex } from 'knex'
import { findAccountByIdOrExternalId } from '../accounts/accounts.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { accountNamedIn, assertionError, type IdentityAssertion } from '../identity-providers/identity-assertions.ts'

interface Asserted {
  readonly client: AuthenticatedClient
  readonly assertion: IdentityAssertion
  readonly userId: string
}

// One text, so that it does not say whether an account exists.
const otherAccount = () => assertionError('aud_tenant names no account of the user', 'identity_assertion_not_allowed')

/** The account that the claim `aud_tenant` names. Undefined: it is absent. @throws KeywrightError `invalid_grant` */
async function namedAccount(trx: Knex, { claims }: IdentityAssertion): Promise<string | undefined> {
  const named = accountNamedIn(claims)
  if (named === undefined) return undefined
  const account = await findAccountByIdOrExternalId(trx, named)
  if (!account) throw otherAccount()
  return account.id
}

/**
 * The account for which a token by an assertion acts: that of the provider, of the client, or the one that the assertion names, or else
 * the first account of the user. Whether the user belongs to it is decided when they are locked.
 * @throws KeywrightError `invalid_grant`
 */
export async function accountOfAssertion(trx: Knex, { client, assertion, userId }: Asserted): Promise<string | null> {
  const named = await namedAccount(trx, assertion)
  const decided = assertion.provider.accountId ?? client.registration.accountId ?? undefined
  if (decided !== undefined && named !== undefined && named !== decided) throw otherAccount()
  const accountId = decided ?? named
  if (accountId !== undefined) return accountId
  return (await trx('users').where({ id: userId }).first('account_id'))?.account_id ?? null
}
