import type { Knex } from 'knex'
import { lockAccount } from '../accounts/accounts.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { recordAudit } from '../audit/audit-log.ts'
import { checkAccess, resolveApis } from '../clients/client-apis.ts'
import {
  deleteInitialAccessToken,
  getInitialAccessToken,
  type InitialAccessToken,
  type InitialAccessTokens,
  type InitialAccessTokenValues,
  initialAccessTokenEntry,
  insertInitialAccessToken,
  listInitialAccessTokensOf,
} from '../clients/initial-access-tokens.ts'
import { INITIAL_ACCESS_TOKEN_ATTRIBUTES } from '../clients/registration-attributes.ts'
import { checkValues, normalizedValues } from '../shared/attribute-values.ts'
import { initialValues } from '../shared/attributes.ts'
import { invalidInput, KeywrightError, notFound } from '../shared/errors.ts'
import { MANAGEMENT_API } from './management-scopes.ts'
import { operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { isProgram, requireRecentSignIn } from './recent-sign-in.ts'
import { accountOfNewObject, checkTenant } from './tenant-isolation.ts'

/** Days for which an initial access token can work. */
export const INITIAL_ACCESS_TOKEN_DAYS = { least: 1, default: 7, most: 365 } as const

interface AccountSelector {
  /** Absent: the own account. */
  readonly accountId?: string | undefined
}

/** @throws KeywrightError `not_found`, `invalid_input` (an operator names no account) */
export const listInitialAccessTokens = operation<AccountSelector, InitialAccessTokens>(
  PERMISSIONS.viewInitialAccessTokens,
  async ({ knex }, principal, { accountId }) =>
    await listInitialAccessTokensOf(knex, accountOfNewObject(principal, accountId)),
)

interface TokenSelector {
  readonly initialAccessTokenId: string
}

/** @throws KeywrightError `not_found` */
async function tokenFor(db: Knex, principal: Principal, id: string): Promise<InitialAccessToken> {
  const token = await getInitialAccessToken(db, id)
  checkTenant(principal, token.accountId, 'initial access token', id)
  return token
}

/** @throws KeywrightError `not_found` */
export const readInitialAccessToken = operation<TokenSelector, InitialAccessToken>(
  PERMISSIONS.viewInitialAccessTokens,
  async ({ knex }, principal, { initialAccessTokenId }) => await tokenFor(knex, principal, initialAccessTokenId),
)

interface NewToken extends AccountSelector, Partial<InitialAccessTokenValues> {
  /** When it expires. */
  readonly days?: number | undefined
}

/** @throws KeywrightError `invalid_input` */
function checkDays(days: number): void {
  const { least, most } = INITIAL_ACCESS_TOKEN_DAYS
  if (Number.isInteger(days) && days >= least && days <= most) return
  throw invalidInput(`an initial access token works for ${least} to ${most} days`, 'days')
}

/** Nobody checks a client that registers itself before it gets a token. @throws KeywrightError `invalid_input` */
export async function checkPermittedAccess(
  trx: Knex,
  { apis, scopes }: Pick<InitialAccessTokenValues, 'apis' | 'scopes'>,
): Promise<void> {
  if (apis.includes(MANAGEMENT_API))
    throw invalidInput('an application that registers itself cannot call the management API', 'apis')
  const found = await resolveApis(trx, apis)
  if (found.some(({ identifier }) => identifier === MANAGEMENT_API))
    throw invalidInput('name an API: the default API is the management API', 'apis')
  await checkAccess(found, scopes, null)
}

/**
 * Generates a token with which clients of the account register themselves. Its text is shown once. A user must have signed in recently, and
 * an application that acts for a user may not generate one.
 * @throws KeywrightError `invalid_input`, `not_found` (the account), `conflict` (too many, or the account is disabled),
 * `insufficient_user_authentication`
 */
export const generateInitialAccessToken = operation<NewToken, { token: InitialAccessToken; secret: string }>(
  PERMISSIONS.manageInitialAccessTokens,
  async ({ knex }, principal, { accountId: named, days = INITIAL_ACCESS_TOKEN_DAYS.default, ...given }) => {
    if (!isProgram(principal) || principal.userId !== null)
      requireRecentSignIn(principal, 'generating an initial access token')
    const accountId = accountOfNewObject(principal, named)
    checkDays(days)
    const initial = initialValues(INITIAL_ACCESS_TOKEN_ATTRIBUTES) as InitialAccessTokenValues
    const values = { ...initial, ...normalizedValues(INITIAL_ACCESS_TOKEN_ATTRIBUTES, given) }
    checkValues(INITIAL_ACCESS_TOKEN_ATTRIBUTES, values)
    return await knex.transaction(async (trx) => {
      const account = await lockAccount(trx, accountId)
      if (account.status !== 'active') throw new KeywrightError('conflict', 'the account is disabled')
      await checkPermittedAccess(trx, values)
      const made = await insertInitialAccessToken(trx, accountId, values, days * 86_400)
      await recordAudit(trx, principal.actor, initialAccessTokenEntry('initial_access_token.generated', made.token))
      return made
    })
  },
)

/** No client can register with it any more. Registered clients stay. @throws KeywrightError `not_found` */
export const revokeInitialAccessToken = operation<TokenSelector, InitialAccessToken>(
  PERMISSIONS.manageInitialAccessTokens,
  async ({ knex }, principal, { initialAccessTokenId }) =>
    await knex.transaction(async (trx) => {
      await tokenFor(trx, principal, initialAccessTokenId)
      const token = await deleteInitialAccessToken(trx, initialAccessTokenId)
      if (!token) throw notFound('initial access token', initialAccessTokenId)
      await recordAudit(trx, principal.actor, initialAccessTokenEntry('initial_access_token.revoked', token))
      return token
    }),
)
