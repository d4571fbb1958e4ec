import type { Knex } from 'knex'
import { type Client, type ClientRow, toClient } from '../clients/clients.ts'
import { revokeRefreshToken } from '../refresh/refresh-token-revocation.ts'
import { searchedEmails } from '../shared/email-addresses.ts'
import { notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { revokeToken, revokeTokensOfClient, revokeTokensOfUser } from '../tokens/revocation.ts'
import { idKey, momentKey } from './list-order.ts'
import { operation } from './operation.ts'
import { cursorOf, type PagedRow, type PageOf, type PageRequest, pageOf, readingOrder, selectPage } from './paging.ts'
import type { Principal } from './principal.ts'
import { narrowBySearch } from './search.ts'
import { checkTenant, clientFor, userFor } from './tenant-isolation.ts'

/** Whom a token or grant is for: a person, or null the client itself. */
interface ForWhom {
  readonly userId: string | null
  /** Null too for somebody of another account, whose address is nobody's business here (promise 6). */
  readonly email: string | null
}

/** An access token that works. */
export interface LiveToken extends ForWhom {
  readonly jti: string
  readonly api: string
  readonly scope: string
  readonly issuedAt: Date
  readonly expiresAt: Date
}

/** A refresh token that works, however often it was rotated. */
export interface LiveGrant extends ForWhom {
  readonly id: string
  readonly api: string
  readonly scope: string
  readonly createdAt: Date
  readonly rotatedAt: Date | null
  readonly expiresAt: Date
}

interface OfClient {
  readonly clientId: string
}

interface ListOf extends OfClient, PageRequest {
  /** Beginnings of words of a person's name or address, or a whole id: the token's, the grant's or the person's. */
  readonly search?: string | undefined
}

/** A part of what a client holds, with the client. */
type PageOfClient<Item> = PageOf<Item> & { readonly client: Client }

/** What both kinds have in common; moments are ISO 8601, as JSON has them. */
interface HeldRow extends PagedRow {
  id: string
  audience: string
  scope: string
  /** When it was made. */
  at: string
  expires_at: string
  subject: string
  email: string | null
}

interface GrantRow extends HeldRow {
  rotated_at: string | null
}

const toHeld = (row: HeldRow) => ({
  api: row.audience,
  scope: row.scope,
  expiresAt: new Date(row.expires_at),
  userId: row.subject || null,
  email: row.email,
})

const toToken = (row: HeldRow): LiveToken => ({ jti: row.id, issuedAt: new Date(row.at), ...toHeld(row) })

const toGrant = (row: GrantRow): LiveGrant => ({
  id: row.id,
  createdAt: new Date(row.at),
  rotatedAt: row.rotated_at === null ? null : new Date(row.rotated_at),
  ...toHeld(row),
})

function idOf(value: string | number, what: string): string {
  if (!isId(String(value))) throw notFound(what, String(value))
  return String(value)
}

/** SQL: whether people `p` are known to who asks about client `c`. */
const known = (p: string, who: Principal): string =>
  who.role === 'operator' ? 'true' : `${p}.account_id = c.account_id`

/** What is searched for: an id, or people by the beginnings of words of their name and address. */
function searchOf(knex: Knex, who: Principal, { id }: Held, search: string | undefined): Knex.Raw[] {
  const typed = search?.trim()
  if (!typed) return []
  if (isId(typed)) return [knex.raw(`(${id} = ? OR h.subject = ?)`, [typed, typed.toLowerCase()])]
  const people = knex('users AS p').whereRaw(known('p', who)).select(knex.raw('p.id::text'))
  narrowBySearch(people, "coalesce(p.name, '') || ' ' || p.email", searchedEmails(typed))
  return [knex.raw('h.subject IN (?)', [people])]
}

interface Held {
  readonly view: string
  /** The view's columns: of the item's id, of its client, when it was made, and those beside. */
  readonly id: string
  readonly client: string
  readonly at: string
  readonly columns: readonly string[]
}

/** One statement for the client and what it holds, newest first; the ids of grants say nothing of when they began. */
async function listHeld<Row extends HeldRow, Item>(
  knex: Knex,
  who: Principal,
  kind: Held,
  toItem: (row: Row) => Item,
  { clientId, search, ...request }: ListOf,
): Promise<PageOfClient<Item>> {
  const { view, id, client, at, columns } = kind
  const base = knex(`${view} AS h`).whereRaw('?? = c.id', [client])
  const list = { base, filters: searchOf(knex, who, kind, search) }
  const order = { keys: [momentKey(at), idKey(id)], isDescending: true }
  const cursor = cursorOf(order, request)
  const held = selectPage(knex, list, order, cursor, request).select(
    ...[`${id} AS id`, 'h.audience', 'h.scope', 'h.expires_at', 'h.subject', `${at} AS at`, ...columns],
  )
  const { isDescending } = readingOrder(order, cursor)
  const direction = isDescending ? 'DESC' : 'ASC'
  const rows = `json_agg(to_jsonb(x) || jsonb_build_object('email', u.email) ORDER BY x.at ${direction}, x.id ${direction})`
  // People are looked up for what is shown alone.
  const items = knex
    .from(held.as('x'))
    .joinRaw(`LEFT JOIN users u ON u.id = nullif(x.subject, '')::uuid AND ${known('u', who)}`)
    .select(knex.raw(`coalesce(${rows}, '[]')`))
  const row: (ClientRow & { items: Row[] }) | undefined = await knex('clients AS c')
    .where('c.client_id', clientId)
    .whereNot('c.kind', 'api')
    .first('c.*', items.as('items'))
  if (!row) throw notFound('client', clientId)
  checkTenant(who, row.account_id, 'client', clientId)
  return { client: toClient(row), ...pageOf(row.items, request, cursor, toItem) }
}

const TOKENS: Held = {
  view: 'active_access_tokens',
  id: 'h.jti',
  client: 'h.client_key',
  at: 'h.issued_at',
  columns: [],
}

const GRANTS: Held = {
  view: 'active_refresh_tokens',
  id: 'h.grant_id',
  client: 'h.client_id',
  at: 'h.created_at',
  columns: ['h.rotated_at'],
}

export const listTokens = operation<ListOf, PageOfClient<LiveToken>>(
  { role: 'admin', scope: 'tokens:read' },
  async ({ knex }, who, request) => await listHeld(knex, who, TOKENS, toToken, request),
)

export const listGrants = operation<ListOf, PageOfClient<LiveGrant>>(
  { role: 'admin', scope: 'tokens:read' },
  async ({ knex }, who, request) => await listHeld(knex, who, GRANTS, toGrant, request),
)

/** @throws KeywrightError `not_found`: the client has no such live token */
export const revokeOneToken = operation<OfClient & { jti: string }, void>(
  { role: 'admin', scope: 'tokens:write' },
  async ({ knex }, who, { clientId, jti }) => {
    const client = await clientFor(knex, who, clientId)
    const key = { client_key: client.key, jti: idOf(jti, 'token') }
    if (!(await knex('active_access_tokens').where(key).first('jti'))) throw notFound('token', jti)
    await revokeToken(knex, jti, who.actor)
  },
)

/** Revokes an access token of any client, by its `jti`. An unknown or revoked token is no error: nothing is revoked. */
export const revokeTokenByJti = operation<{ jti: string }, Revoked>(
  { role: 'operator', scope: 'tokens:write' },
  async ({ knex }, who, { jti }) => ({ revoked: await revokeToken(knex, jti, who.actor) }),
)

/** Ends a refresh token with every access token that came of it. @throws KeywrightError `not_found` */
export const revokeOneGrant = operation<OfClient & { grantId: string }, void>(
  { role: 'admin', scope: 'tokens:write' },
  async ({ knex }, who, { clientId, grantId }) => {
    const client = await clientFor(knex, who, clientId)
    const key = { client_id: client.key, grant_id: idOf(grantId, 'grant') }
    if (!(await knex('active_refresh_tokens').where(key).first('grant_id'))) throw notFound('grant', grantId)
    await revokeRefreshToken(knex, grantId, who.actor)
  },
)

interface Revoked {
  /** How many live access tokens that ended; null: too many to be counted. */
  readonly revoked: number | null
}

/** Every access and refresh token of an application or key pair; it may go on to get new ones. */
export const revokeAllOfClient = operation<OfClient, Revoked>(
  { role: 'admin', scope: 'tokens:write' },
  async ({ knex }, who, { clientId }) => {
    await clientFor(knex, who, clientId)
    return { revoked: await revokeTokensOfClient(knex, clientId, who.actor) }
  },
)

/** Every token in a person's name, those of their key pair, and their sessions. */
export const revokeAllOfUser = operation<{ userId: string }, Revoked>(
  { role: 'admin', scope: 'tokens:write' },
  async ({ knex }, who, { userId }) => {
    await userFor(knex, who, userId)
    return { revoked: await revokeTokensOfUser(knex, userId, who.actor) }
  },
)
