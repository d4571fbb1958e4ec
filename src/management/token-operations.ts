import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { type Client, type ClientRow, toClient } from '../clients/clients.ts'
import { revokeRefreshToken } from '../refresh/refresh-token-revocation.ts'
import { searchedEmails } from '../shared/email-addresses.ts'
import { notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { revokeToken, revokeTokensOfClient, revokeTokensOfUser } from '../tokens/revocation.ts'
import { NOTHING_AFFECTED, readAffected } from './dry-run.ts'
import { userTarget } from './dry-run-owner-targets.ts'
import { accessTokenTarget, applicationOrPairTarget, clientTarget, grantTarget } from './dry-run-targets.ts'
import { idKey, momentKey } from './list-order.ts'
import { destructiveOperation, operation } from './operation.ts'
import { cursorOf, type PagedRow, type PageOf, type PageRequest, pageOf, readingOrder, selectPage } from './paging.ts'
import type { Principal } from './principal.ts'
import { narrowBySearch } from './search.ts'
import { checkTenant, clientToRevoke, personFor } from './tenant-isolation.ts'

/** For whom a token acts: a user, an account without a user, or the client itself. */
interface TokenSubject {
  /** Null for an account, and for the client itself. */
  readonly userId: string | null
  /** Of a token that acts for an account without a user; null for others. */
  readonly accountId: string | null
  /** Null also for a user of another account, whose email address an admin does not see (guarantee 6). */
  readonly email: string | null
}

/** An active access token. */
export interface ActiveToken extends TokenSubject {
  readonly jti: string
  readonly api: string
  readonly scope: string
  readonly issuedAt: Date
  readonly expiresAt: Date
}

/** An active refresh token with all its rotations. */
export interface ActiveGrant extends TokenSubject {
  readonly id: string
  readonly api: string
  readonly scope: string
  readonly createdAt: Date
  readonly rotatedAt: Date | null
  readonly expiresAt: Date
}

interface ClientSelector {
  readonly clientId: string
}

interface TokenQuery extends ClientSelector, PageRequest {
  /** Prefixes of words of the user's name or email address, or a whole ID of a token, grant or user. */
  readonly search?: string | undefined
}

/** A page of the tokens of a client, with the client. */
type PageOfClient<Item> = PageOf<Item> & { readonly client: Client }

/** What access and refresh tokens have in common. Times are ISO 8601. */
interface TokenRow extends PagedRow {
  id: string
  audience: string
  scope: string
  /** When it was issued. */
  at: string
  expires_at: string
  subject: string
  email: string | null
  /** The subject is an account. */
  account: string | null
}

interface GrantRow extends TokenRow {
  rotated_at: string | null
}

const toCommon = (row: TokenRow) => ({
  api: row.audience,
  scope: row.scope,
  expiresAt: new Date(row.expires_at),
  userId: row.account === null ? row.subject || null : null,
  accountId: row.account,
  email: row.email,
})

const toToken = (row: TokenRow): ActiveToken => ({ jti: row.id, issuedAt: new Date(row.at), ...toCommon(row) })

const toGrant = (row: GrantRow): ActiveGrant => ({
  id: row.id,
  createdAt: new Date(row.at),
  rotatedAt: row.rotated_at === null ? null : new Date(row.rotated_at),
  ...toCommon(row),
})

function idOf(value: string | number, what: string): string {
  if (!isId(String(value))) throw notFound(what, String(value))
  return String(value)
}

/** SQL: whether the principal may see the users `p` who use the client `c`. */
const isVisible = (p: string, principal: Principal): string =>
  principal.role === 'operator' ? 'true' : `${p}.account_id = c.account_id`

/** Conditions of a search: an ID, or prefixes of words of the user's name and email address. */
function searchOf(knex: Knex, principal: Principal, { id }: TokenSource, search: string | undefined): Knex.Raw[] {
  const typed = search?.trim()
  if (!typed) return []
  if (isId(typed)) return [knex.raw(`(${id} = ? OR h.subject = ?)`, [typed, typed.toLowerCase()])]
  const users = knex('users AS p').whereRaw(isVisible('p', principal)).select(knex.raw('p.id::text'))
  narrowBySearch(users, "coalesce(p.name, '') || ' ' || p.email", searchedEmails(typed))
  return [knex.raw('h.subject IN (?)', [users])]
}

/** A view of tokens. */
interface TokenSource {
  readonly view: string
  /** Columns of the view: the ID of the token, its client, its time of issue, and further ones. */
  readonly id: string
  readonly client: string
  readonly at: string
  readonly columns: readonly string[]
}

/** Reads the client and a page of its tokens in one statement, newest first. The IDs of grants are not in order of time. */
async function listTokensOfClient<Row extends TokenRow, Item>(
  knex: Knex,
  principal: Principal,
  source: TokenSource,
  toItem: (row: Row) => Item,
  { clientId, search, ...request }: TokenQuery,
): Promise<PageOfClient<Item>> {
  const { view, id, client, at, columns } = source
  const base = knex(`${view} AS h`).whereRaw('?? = c.id', [client])
  const list = { base, filters: searchOf(knex, principal, source, search) }
  const order = { keys: [momentKey(at), idKey(id)], isDescending: true }
  const cursor = cursorOf(order, request)
  const page = selectPage(knex, list, order, cursor, request).select(
    ...[`${id} AS id`, 'h.audience', 'h.scope', 'h.expires_at', 'h.subject', `${at} AS at`, ...columns],
  )
  const { isDescending } = readingOrder(order, cursor)
  const direction = isDescending ? 'DESC' : 'ASC'
  const rows = `json_agg(to_jsonb(x) || jsonb_build_object('email', u.email, 'account', a.id) ORDER BY x.at ${direction}, x.id ${direction})`
  // Users and accounts are joined only for the rows of the page.
  const items = knex
    .from(page.as('x'))
    .joinRaw(`LEFT JOIN users u ON u.id = nullif(x.subject, '')::uuid AND ${isVisible('u', principal)}`)
    .joinRaw("LEFT JOIN accounts a ON a.id = nullif(x.subject, '')::uuid")
    .select(knex.raw(`coalesce(${rows}, '[]')`))
  const row: (ClientRow & { items: Row[] }) | undefined = await knex('clients AS c')
    .where('c.client_id', clientId)
    .whereNot('c.kind', 'api')
    .first('c.*', items.as('items'))
  if (!row) throw notFound('client', clientId)
  checkTenant(principal, row.account_id, 'client', clientId)
  return { client: toClient(row), ...pageOf(row.items, request, cursor, toItem) }
}

const TOKENS: TokenSource = {
  view: 'active_access_tokens',
  id: 'h.jti',
  client: 'h.client_key',
  at: 'h.issued_at',
  columns: [],
}

const GRANTS: TokenSource = {
  view: 'active_refresh_tokens',
  id: 'h.grant_id',
  client: 'h.client_id',
  at: 'h.created_at',
  columns: ['h.rotated_at'],
}

export const listTokens = operation<TokenQuery, PageOfClient<ActiveToken>>(
  PERMISSIONS.viewTokens,
  async ({ knex }, principal, request) => await listTokensOfClient(knex, principal, TOKENS, toToken, request),
)

export const listGrants = operation<TokenQuery, PageOfClient<ActiveGrant>>(
  PERMISSIONS.viewTokens,
  async ({ knex }, principal, request) => await listTokensOfClient(knex, principal, GRANTS, toGrant, request),
)

/** @throws KeywrightError `not_found`: the client has no such active token */
export const revokeOneToken = destructiveOperation<ClientSelector & { jti: string }, void>(PERMISSIONS.revokeTokens, {
  async run({ knex }, principal, { clientId, jti }) {
    const client = await clientToRevoke(knex, principal, clientId)
    const key = { client_key: client.key, jti: idOf(jti, 'token') }
    if (!(await knex('active_access_tokens').where(key).first('jti'))) throw notFound('token', jti)
    await revokeToken(knex, jti, principal.actor)
  },
  async affected({ knex }, principal, { clientId, jti }) {
    await clientToRevoke(knex, principal, clientId)
    return await readAffected(knex, principal, accessTokenTarget(applicationOrPairTarget(clientId), jti))
  },
})

/** Revokes an access token of any client, by its `jti`. An unknown or revoked token is no error: nothing is revoked. */
export const revokeTokenByJti = destructiveOperation<{ jti: string }, Revoked>(PERMISSIONS.revokeAnyToken, {
  run: async ({ knex }, principal, { jti }) => ({ revoked: await revokeToken(knex, jti, principal.actor) }),
  async affected({ knex }, principal, { jti }) {
    const token = isId(jti) ? await knex('active_access_tokens').where({ jti }).first('client_id') : undefined
    if (!token) return NOTHING_AFFECTED
    return await readAffected(knex, principal, accessTokenTarget(clientTarget(token.client_id), jti))
  },
})

/** Revokes a refresh token with every access token that it issued. @throws KeywrightError `not_found` */
export const revokeOneGrant = destructiveOperation<ClientSelector & { grantId: string }, void>(
  PERMISSIONS.revokeTokens,
  {
    async run({ knex }, principal, { clientId, grantId }) {
      const client = await clientToRevoke(knex, principal, clientId)
      const key = { client_id: client.key, grant_id: idOf(grantId, 'grant') }
      if (!(await knex('active_refresh_tokens').where(key).first('grant_id'))) throw notFound('grant', grantId)
      await revokeRefreshToken(knex, grantId, principal.actor)
    },
    async affected({ knex }, principal, { clientId, grantId }) {
      await clientToRevoke(knex, principal, clientId)
      return await readAffected(knex, principal, grantTarget(applicationOrPairTarget(clientId), grantId))
    },
  },
)

interface Revoked {
  /** Number of active access tokens that were revoked; null: too many to count. */
  readonly revoked: number | null
}

/** Revokes all access and refresh tokens of an application or key pair, which can obtain new ones. */
export const revokeAllOfClient = destructiveOperation<ClientSelector, Revoked>(PERMISSIONS.revokeTokens, {
  async run({ knex }, principal, { clientId }) {
    await clientToRevoke(knex, principal, clientId)
    return { revoked: await revokeTokensOfClient(knex, clientId, principal.actor) }
  },
  async affected({ knex }, principal, { clientId }) {
    await clientToRevoke(knex, principal, clientId)
    return await readAffected(knex, principal, applicationOrPairTarget(clientId))
  },
})

/** Revokes all tokens that applications hold for a user, those of the user's key pair, and the user's sessions. */
export const revokeAllOfUser = destructiveOperation<{ userId: string }, Revoked>(PERMISSIONS.revokeTokensOfUsers, {
  async run({ knex }, principal, { userId }) {
    await personFor(knex, principal, userId)
    return { revoked: await revokeTokensOfUser(knex, userId, principal.actor) }
  },
  affected: ({ knex }, principal, { userId }) => readAffected(knex, principal, userTarget(principal, userId)),
})
