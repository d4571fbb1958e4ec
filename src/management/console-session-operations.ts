import { randomUUID } from 'node:crypto'
import type { Knex } from 'knex'
import { type Account, findAccountByIdOrExternalId } from '../accounts/accounts.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import type { AccountRole } from '../accounts/user-attributes.ts'
import { findUserById, mayAct, type User, userEntry } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { getClient } from '../clients/clients.ts'
import {
  CONSOLE_SESSION_PAGES,
  type ConsoleSessionPage,
  type ConsoleSessionService,
  type ConsoleSessionTicket,
  sealConsoleSession,
} from '../clients/console-session-tickets.ts'
import { getInstanceSettings } from '../clients/instance-settings.ts'
import { invalidInput, KeywrightError, notFound } from '../shared/errors.ts'
import { FieldErrorCollector } from '../shared/field-error-collector.ts'
import { urlOfOriginsError } from '../shared/web-origins.ts'
import { MANAGEMENT_API, type ManagementScope } from './management-scopes.ts'
import { type Management, operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { isProgram } from './recent-sign-in.ts'
import { upsertUser } from './user-upsert.ts'

/** The user as the service knows them. What is left out stays, or gets its initial value in a new user. */
interface UserOfService {
  readonly externalId: string
  readonly email: string
  readonly name?: string | null | undefined
  readonly role?: AccountRole | undefined
}

export interface ConsoleSessionRequest {
  /** An account ID or an external ID. */
  readonly account: string
  readonly user: UserOfService
  readonly pages: readonly ConsoleSessionPage[]
  readonly returnUrl: string
  /** The origin of the product whose pages frame those of the session. Absent: none. */
  readonly embedOrigin?: string | undefined
}

export interface CreatedConsoleSession {
  /** Opens the session once. */
  readonly url: string
  readonly expiresAt: Date
}

/** The path that opens a console session. */
export const CONSOLE_SESSION_PATH = '/console-sessions/open'

/** @throws KeywrightError `forbidden` */
async function serviceOf(knex: Knex, principal: Principal): Promise<ConsoleSessionService> {
  const { actor, userId } = principal
  if (!isProgram(principal) || userId !== null || actor.type !== 'client' || actor.id === undefined)
    throw new KeywrightError('forbidden', 'only a service that acts for itself creates console sessions')
  const { clientId, revocationEpoch } = await getClient(knex, actor.id)
  return { clientId, clientEpoch: revocationEpoch }
}

/** @throws KeywrightError `not_found` */
async function accountOf(knex: Knex, idOrExternalId: string): Promise<Account> {
  const account = await findAccountByIdOrExternalId(knex, idOrExternalId)
  if (!account) throw notFound('account', idOrExternalId)
  return account
}

async function checkRequest(knex: Knex, { pages, returnUrl, embedOrigin }: ConsoleSessionRequest): Promise<void> {
  const { productOrigins } = await getInstanceSettings(knex)
  const errors = new FieldErrorCollector()
  const unknown = pages.find((page) => !CONSOLE_SESSION_PAGES.includes(page))
  await errors.collect(() => {
    if (pages.length === 0 || unknown !== undefined)
      throw invalidInput(`name at least one of the pages ${CONSOLE_SESSION_PAGES.join(', ')}`, 'pages')
  })
  await errors.collect(() => {
    const error = urlOfOriginsError('return_url', returnUrl, productOrigins)
    if (error) throw invalidInput(error, 'returnUrl')
  })
  await errors.collect(() => {
    if (embedOrigin !== undefined && !productOrigins.includes(embedOrigin))
      throw invalidInput('embed_origin must be one of the origins of your product (product_origins)', 'embedOrigin')
  })
  errors.throwFieldErrors()
}

/** The permission to create console sessions includes the creation of their users. */
const creatorOf = (principal: Principal): Principal => ({
  ...principal,
  scopes: new Set([...(principal.scopes ?? []), PERMISSIONS.upsertUsers.scope]),
})

/** @throws KeywrightError `conflict` */
async function memberOf(
  management: Management,
  principal: Principal,
  accountId: string,
  user: UserOfService,
): Promise<User> {
  const { object } = await upsertUser(management, creatorOf(principal), { ...user, accountId })
  const member = await findUserById(management.knex, object.id, accountId)
  if (!member || !mayAct(member)) throw new KeywrightError('conflict', 'the user, or the account, is disabled')
  return member
}

/**
 * Creates a URL that opens the console once, for a user of an account and limited to some pages, within five minutes. The service
 * answers for who opens it. Creates the user, or updates them, as `upsertUser` does.
 * @throws KeywrightError `invalid_input`, `forbidden`, `not_found` (the account), `conflict`
 */
export const createConsoleSession = operation<ConsoleSessionRequest, CreatedConsoleSession>(
  PERMISSIONS.createConsoleSessions,
  async (management, principal, request) => {
    const { knex, encryptionKeys, issuerUrl } = management
    const service = await serviceOf(knex, principal)
    await checkRequest(knex, request)
    const account = await accountOf(knex, request.account)
    const member = await memberOf(management, principal, account.id, request.user)
    const pages = [...new Set(request.pages)]
    const { returnUrl, embedOrigin = null } = request
    const session = { ...service, id: randomUUID(), pages, returnUrl, embedOrigin }
    const since = Number(member.sessionsValidFrom)
    const of = { userId: member.id, accountId: account.id, since }
    const { ticket, expiresAt } = sealConsoleSession(encryptionKeys, { ...session, ...of }, Date.now())
    await recordAudit(knex, principal.actor, {
      ...userEntry('user.console_session_created', member, { console_session: session.id, pages }),
      accountId: account.id,
    })
    return { url: `${issuerUrl!()}${CONSOLE_SESSION_PATH}?ticket=${ticket}`, expiresAt }
  },
)

/** The scopes of the management API that a service can pass on: those of the pages that a console session can have. */
export const DELEGATED_SCOPES = [
  'key_pairs:read',
  'key_pairs:write',
  'applications:read',
  'applications:write',
  'tokens:read',
  'tokens:write',
  'activity:read',
  'webhooks:read',
  'webhooks:write',
] as const satisfies readonly ManagementScope[]

/** Seconds. */
const TOKEN_LIFETIME = 600

/**
 * Issues a token for the management API with which a service acts for a user, in one account, for ten minutes, but no longer than
 * the token of the service is active. Creates the user, or updates them, as `createConsoleSession` does.
 * @throws KeywrightError `invalid_input`, `forbidden`, `not_found` (the account), `conflict`
 */
export const createDelegatedToken = operation<
  Pick<ConsoleSessionRequest, 'account' | 'user'> & { readonly scopes: readonly (typeof DELEGATED_SCOPES)[number][] },
  { readonly accessToken: string; readonly expiresIn: number; readonly scope: string; readonly userId: string }
>(PERMISSIONS.createConsoleSessions, async (management, principal, request) => {
  const { knex } = management
  const { clientId } = await serviceOf(knex, principal)
  const missing = request.scopes.find((scope) => !principal.scopes?.has(scope))
  if (missing) throw new KeywrightError('forbidden', `the service has no access token with the scope ${missing}`)
  const account = await accountOf(knex, request.account)
  const member = await memberOf(management, principal, account.id, request.user)
  const scope = request.scopes.join(' ')
  const serviceToken = principal.accessToken!
  const of = { clientId, serviceToken, userId: member.id, accountId: account.id, resource: MANAGEMENT_API }
  const issued = await management.delegatedTokens!.issue({ ...of, scope, lifetime: TOKEN_LIFETIME })
  await recordAudit(knex, principal.actor, {
    ...userEntry('user.token_delegated', member, { jti: issued.jti, scope }),
    accountId: account.id,
  })
  return { accessToken: issued.accessToken, expiresIn: issued.expiresIn, scope: issued.scope, userId: member.id }
})

/** Records that the URL was opened: by the user, for whom the service answers. */
export async function recordConsoleSessionOpening(
  knex: Knex,
  { id, userId, accountId, clientId, pages }: ConsoleSessionTicket,
  actor: Actor,
): Promise<void> {
  await recordAudit(
    knex,
    { ...actor, through: clientId },
    {
      action: 'user.console_session_opened',
      target: { type: 'user', id: userId },
      accountId,
      detail: { console_session: id, pages },
    },
  )
}
