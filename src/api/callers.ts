import type { Knex } from 'knex'
import type { Context } from 'koa'
import type { Role } from '../accounts/users.ts'
import type { Actor } from '../audit/audit-log.ts'
import type { ClientKind } from '../clients/clients.ts'
import type { Database } from '../database/open-database.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import { MANAGEMENT_API } from '../management/management-scopes.ts'
import type { Principal } from '../management/principal.ts'
import { isId } from '../shared/ids.ts'
import { hashSecret } from '../shared/secrets.ts'
import type { AccessTokenStore } from '../tokens/access-token-store.ts'
import { readTokenClaims } from '../tokens/presented-claims.ts'
import { invalidToken, missingToken } from './bearer-errors.ts'
import { ProblemError } from './problems.ts'

export interface CallerServices {
  readonly database: Database
  readonly accessTokenStore: AccessTokenStore
  readonly keyRings: KeyRings
  issuerUrl(): string
}

/** Who calls, as whom, and with what. */
export interface ApiCaller {
  readonly who: Principal
  readonly clientId: string
  /** The person in whose name it calls; null for the client itself. */
  readonly subject: string | null
  readonly token: PresentedToken
}

/** What the ledger knows a token by. */
interface PresentedToken {
  readonly jti: string
  /** Seconds since 1970. */
  readonly expiresAt: number
}

/** A client and the people behind it: its owner, if it is a key pair, and the person who is the token's subject. */
interface StandingRow {
  kind: ClientKind
  account_id: string | null
  owner_id: string | null
  owner_role: Role | null
  owner_status: string | null
  user_role: Role | null
  user_status: string | null
  user_account: string | null
  user_account_status: string | null
}

const STANDING = `
  SELECT c.kind, c.account_id, c.user_id AS owner_id, o.role AS owner_role, o.status AS owner_status,
         p.role AS user_role, p.status AS user_status, p.account_id AS user_account,
         a.status AS user_account_status
    FROM clients c
    LEFT JOIN users o ON o.id = c.user_id
    LEFT JOIN users p ON p.id = $2::uuid
    LEFT JOIN accounts a ON a.id = p.account_id
   WHERE c.client_id = $1 AND c.status = 'active'`

const endedToken = () => invalidToken('it has expired or was revoked')

/**
 * For a caller who waited inside a transaction, on its connection: the reader below would take another one.
 * @throws ProblemError `invalid_token`
 */
export async function checkStillLives(trx: Knex, { token: { jti, expiresAt } }: ApiCaller): Promise<void> {
  const live = trx('active_access_tokens').where({ jti }).whereRaw('expires_at = to_timestamp(?)', [expiresAt])
  if (!(await live.first('jti'))) throw endedToken()
}

const forbidden = (detail: string) => new ProblemError('forbidden', detail)

/** RFC 6750, section 2.1; the two other ways to send a token leak it, and are not taken. */
function bearerToken(ctx: Context): string {
  const header = ctx.get('authorization')
  const [, token] = /^bearer +([\w~+/.-]+=*) *$/i.exec(header) ?? []
  if (token) return token
  throw /^(bearer|dpop)\b/i.test(header) ? invalidToken('this is no bearer token') : missingToken()
}

/** A token that is bound to something must come with it (RFC 7800): a binding that is not understood is not met. */
function checkBinding(ctx: Context, { cnf }: Record<string, unknown>): void {
  if (cnf === undefined) return
  const { 'x-api-key#S256': keyHash, ...others } = cnf as Record<string, unknown>
  if (Object.keys(others).length > 0)
    throw invalidToken('a token that is bound to a key of its client is not taken here')
  const sent = hashSecret(ctx.get('x-api-key')).toString('base64url')
  if (sent !== keyHash) throw invalidToken('this token comes with the API key of its client, in x-api-key')
}

/** An account's application acts within its account; one of no account is the instance's, and acts for its operators. */
function clientItself(
  row: StandingRow,
  clientId: string,
  base: Pick<Principal, 'scopes' | 'signedInAt'>,
  actor: Actor,
): Principal {
  const by: Actor = { ...actor, type: 'client', id: clientId }
  if (row.kind === 'api') throw forbidden("an API's own client manages nothing")
  if (row.account_id === null) return { ...base, role: 'operator', accountId: null, userId: null, actor: by }
  if (row.kind === 'key_pair' && (row.owner_role !== 'admin' || row.owner_status !== 'active')) {
    throw forbidden('this key pair speaks for an admin, and its owner is none')
  }
  return { ...base, role: 'admin', accountId: row.account_id, userId: row.owner_id, actor: by }
}

/** A person may do through an application what their own role may, and an account's application reaches its account only. */
function userThrough(
  row: StandingRow,
  userId: string,
  clientId: string,
  base: Pick<Principal, 'scopes' | 'signedInAt'>,
  actor: Actor,
): Principal {
  if (row.kind === 'api') throw forbidden("an API's own client manages nothing")
  if (row.user_status !== 'active' || row.user_account_status === 'disabled') {
    throw invalidToken('the person it speaks for may not act')
  }
  if (row.account_id !== null && row.account_id !== row.user_account) {
    throw forbidden("an account's application acts for the people of that account alone")
  }
  const by: Actor = { ...actor, type: 'user', id: userId, through: clientId }
  return { ...base, role: row.user_role!, accountId: row.user_account, userId, actor: by }
}

/**
 * Finds who calls by an access token of Keywright's own. The ledger is asked at every request, so that a token that was
 * revoked anywhere is dead here too (promise 7), and beside it how its client and person stand by now.
 */
export function createCallerReader({ database, accessTokenStore, keyRings, issuerUrl }: CallerServices) {
  async function userStatusBadge(clientId: string, subject: string | null): Promise<StandingRow | undefined> {
    const values = [clientId, subject]
    const [row] = await database.query<StandingRow>({ name: 'management-caller', text: STANDING, values })
    return row
  }

  /** @throws ProblemError `missing_token`, `invalid_token`, `forbidden` */
  return async (ctx: Context): Promise<ApiCaller> => {
    const claims = await readTokenClaims(keyRings, issuerUrl(), bearerToken(ctx))
    if (claims?.aud !== MANAGEMENT_API)
      throw invalidToken(`it is none of ours that lives, or not for ${MANAGEMENT_API}`)
    const clientId = String(claims.client_id)
    const subject = claims.sub === clientId ? null : String(claims.sub)
    if (subject !== null && !isId(subject)) throw invalidToken('it speaks for nobody we know')
    const token = { jti: String(claims.jti), expiresAt: Number(claims.exp) }
    const [{ token: active }, row] = await Promise.all([
      accessTokenStore.introspect({ callerKey: 0, callerVersion: 0, token }),
      userStatusBadge(clientId, subject),
    ])
    if (!active || !row) throw endedToken()
    checkBinding(ctx, claims)
    const base = { scopes: new Set(active.scope.split(' ')), signedInAt: null }
    const actor: Actor = { type: 'client', ip: ctx.ip, requestId: ctx.state.requestId }
    const who =
      subject === null ? clientItself(row, clientId, base, actor) : userThrough(row, subject, clientId, base, actor)
    return { who, clientId, subject, token }
  }
}
