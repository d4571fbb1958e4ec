import type { Knex } from 'knex'
import { lockAccount } from '../accounts/accounts.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import {
  deleteScimToken,
  getScimToken,
  insertScimToken,
  listScimTokensOf,
  type ScimToken,
  scimTokenEntry,
} from '../accounts/scim-tokens.ts'
import type { AccountRole } from '../accounts/user-attributes.ts'
import { recordAudit } from '../audit/audit-log.ts'
import { invalidInput, KeywrightError, notFound } from '../shared/errors.ts'
import { operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { isProgram, requireRecentSignIn } from './recent-sign-in.ts'
import { accountOfNewObject, checkTenant } from './tenant-isolation.ts'

/** Days for which a SCIM token can work. */
export const SCIM_TOKEN_DAYS = { least: 1, default: 365, most: 730 } as const

interface AccountSelector {
  /** Absent: the own account. */
  readonly accountId?: string | undefined
}

/** Those of the account that work, the newest first. @throws KeywrightError `not_found`, `invalid_input` (an operator names none) */
export const listScimTokens = operation<AccountSelector, ScimToken[]>(
  PERMISSIONS.viewScimTokens,
  async ({ knex }, principal, { accountId }) => await listScimTokensOf(knex, accountOfNewObject(principal, accountId)),
)

interface TokenSelector {
  readonly tokenId: string
}

/** @throws KeywrightError `not_found` */
async function scimTokenFor(db: Knex, principal: Principal, tokenId: string): Promise<ScimToken> {
  const token = await getScimToken(db, tokenId)
  checkTenant(principal, token.accountId, 'SCIM token', tokenId)
  return token
}

/** @throws KeywrightError `not_found` */
export const readScimToken = operation<TokenSelector, ScimToken>(
  PERMISSIONS.viewScimTokens,
  async ({ knex }, principal, { tokenId }) => await scimTokenFor(knex, principal, tokenId),
)

/** The text is shown once. */
export interface ScimTokenWithSecret {
  readonly token: ScimToken
  readonly secret: string
}

interface NewScimToken extends AccountSelector {
  /** Of users whom the identity provider adds without a role. */
  readonly role?: AccountRole | undefined
  /** When it expires. */
  readonly days?: number | undefined
}

/**
 * A SCIM token manages every user of the account, so a user must have signed in recently, and an application that acts for a user may
 * not generate one.
 * @throws KeywrightError `invalid_input`, `not_found` (the account), `conflict` (two exist), `insufficient_user_authentication`
 */
export const generateScimToken = operation<NewScimToken, ScimTokenWithSecret>(
  PERMISSIONS.manageScimTokens,
  async ({ knex }, principal, { accountId: named, role = 'member', days = SCIM_TOKEN_DAYS.default }) => {
    if (!isProgram(principal) || principal.userId !== null) requireRecentSignIn(principal, 'generating a SCIM token')
    const accountId = accountOfNewObject(principal, named)
    const { least, most } = SCIM_TOKEN_DAYS
    if (!Number.isInteger(days) || days < least || days > most)
      throw invalidInput(`a SCIM token works for ${least} to ${most} days`, 'days')
    return await knex.transaction(async (trx) => {
      const account = await lockAccount(trx, accountId)
      if (account.status !== 'active') throw new KeywrightError('conflict', 'the account is disabled')
      const made = await insertScimToken(trx, accountId, { role, lifetime: days * 86_400 })
      await recordAudit(trx, principal.actor, scimTokenEntry('scim_token.generated', made.token))
      return made
    })
  },
)

/** It stops working at once. @throws KeywrightError `not_found` */
export const revokeScimToken = operation<TokenSelector, ScimToken>(
  PERMISSIONS.manageScimTokens,
  async ({ knex }, principal, { tokenId }) => {
    return await knex.transaction(async (trx) => {
      await scimTokenFor(trx, principal, tokenId)
      const token = await deleteScimToken(trx, tokenId)
      if (!token) throw notFound('SCIM token', tokenId)
      await recordAudit(trx, principal.actor, scimTokenEntry('scim_token.revoked', token))
      return token
    })
  },
)
