import type { Knex } from 'knex'
import type { Context } from 'koa'
import { mayOwnKeyPairs } from '../accounts/permissions.ts'
import type { Role } from '../accounts/user-attributes.ts'
import type { Actor } from '../audit/audit-log.ts'
import type { ClientKind } from '../clients/clients.ts'
import type { DpopPolicy } from '../clients/proof-attributes.ts'
import type { Database } from '../database/open-database.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import { MANAGEMENT_API } from '../management/management-scopes.ts'
import type { Principal } from '../management/principal.ts'
import { isId } from '../shared/ids.ts'
import type { AccessTokenStore } from '../tokens/access-token-store.ts'
import { readTokenClaims } from '../tokens/presented-claims.ts'
import type { SubjectToken } from '../tokens/token-recording.ts'
import { invalidToken } from './bearer-errors.ts'
import type { DpopStore } from './dpop-proofs.ts'
import { ProblemError } from './problems.ts'
import { createBindingCheck, presentedToken } from './token-bindings.ts'

export interface CallerServices {
  readonly database: Database
  readonly accessTokenStore: AccessTokenStore
  readonly keyRings: KeyRings
  readonly dpopStore: DpopStore
  /** The origin at which the proxy asks clients for certificates; undefined: at the issuer's. */
  readonly certificateOrigin: string | undefined
  issuerUrl(): string
}

/** The authenticated caller of a request. */
export interface ApiCaller {
  readonly who: Principal
  readonly clientId: string
  /** The user that the client acts for; null when the client acts for itself. */
  readonly subject: string | null
  readonly token: SubjectToken
}

/** A client, the owner of a key pair, and the user who is the token's subject, as they are now. */
interface CallerStatusRow {
  kind: ClientKind
  dpop: DpopPolicy
  fapi2: boolean
  account_id: string | null
  owner_id: string | null
  owner_role: Role | null
  owner_status: string | null
  user_role: Role | null
  user_status: string | null
  user_account: string | null
  user_account_status: string | null
}

const CALLER_STATUS = `
  SELECT c.kind, c.dpop, c.fapi2, c.account_id, c.user_id AS owner_id, ow.role AS owner_role,
         CASE WHEN o.status = 'active' THEN ow.status ELSE o.status END AS owner_status,
         coalesce(pm.role, p.role) AS user_role, pm.account_id AS user_account, a.status AS user_account_status,
         CASE WHEN p.status = 'active' THEN coalesce(pm.status, 'active') ELSE p.status END AS user_status
    FROM clients c
    LEFT JOIN users o ON o.id = c.user_id
    LEFT JOIN memberships ow ON ow.user_id = c.user_id AND ow.account_id = c.account_id
    LEFT JOIN users p ON p.id = $2::uuid
    LEFT JOIN memberships pm
      ON pm.user_id = p.id AND p.role <> 'operator' AND pm.account_id = coalesce($3::uuid, p.account_id)
    LEFT JOIN accounts a ON a.id = pm.account_id
   WHERE c.client_id = $1 AND c.status = 'active'`

const inactiveToken = () => invalidToken('the access token has expired or was revoked')

/**
 * Checks a token again inside a transaction that waited for a lock, on that transaction's connection:
 * `createCallerReader` would take a second one from the pool.
 * @throws ProblemError `invalid_token`
 */
export async function checkTokenIsActive(trx: Knex, { token: { jti, expiresAt } }: ApiCaller): Promise<void> {
  const active = trx('active_access_tokens').where({ jti }).whereRaw('expires_at = to_timestamp(?)', [expiresAt])
  if (!(await active.first('jti'))) throw inactiveToken()
}

const forbidden = (detail: string) => new ProblemError('forbidden', detail)

/**
 * A key pair acts with the role of its owner, an application of an account as an admin of it, and an application without an account
 * as an operator.
 */
function principalOfClient(
  row: CallerStatusRow,
  clientId: string,
  base: Pick<Principal, 'scopes' | 'accessToken' | 'signedInAt'>,
  actor: Actor,
): Principal {
  const by: Actor = { ...actor, type: 'client', id: clientId }
  if (row.kind === 'api') throw forbidden('the client of an API cannot use the management API')
  if (row.account_id === null) return { ...base, role: 'operator', accountId: null, userId: null, actor: by }
  if (row.kind !== 'key_pair') return { ...base, role: 'admin', accountId: row.account_id, userId: null, actor: by }
  const role = row.owner_status === 'active' ? row.owner_role : null
  if (role === null || !mayOwnKeyPairs(role))
    throw forbidden('the owner of this key pair may not own key pairs any more')
  return { ...base, role, accountId: row.account_id, userId: row.owner_id, actor: by }
}

/** A user has the permissions of their own role; an application of an account acts only for users of that account. */
function principalOfUser(
  row: CallerStatusRow,
  userId: string,
  clientId: string,
  base: Pick<Principal, 'scopes' | 'accessToken' | 'signedInAt'>,
  actor: Actor,
): Principal {
  if (row.kind === 'api') throw forbidden('the client of an API cannot use the management API')
  if (row.user_status !== 'active' || (row.user_account_status ?? 'active') !== 'active') {
    throw invalidToken('the user of this access token, or their account, is disabled')
  }
  if (row.account_id !== null && row.account_id !== row.user_account) {
    throw forbidden('this application acts only for users of its own account')
  }
  // A token acts in one account, and its user may be no member of it any more.
  if (row.user_account === null && row.user_role !== 'operator')
    throw invalidToken('the user of this access token is no member of its account')
  const by: Actor = { ...actor, type: 'user', id: userId, through: clientId }
  return { ...base, role: row.user_role!, accountId: row.user_account, userId, actor: by }
}

/**
 * Authenticates a caller by an access token that Keywright issued. Each request looks the token up in the access-token
 * store, so that a token revoked on any node is invalid here at once, and reads the present state of its client and user.
 */
export function createCallerReader(services: CallerServices) {
  const { database, accessTokenStore, keyRings, issuerUrl } = services
  const checkBinding = createBindingCheck(services)

  async function readCallerStatus(
    clientId: string,
    subject: string | null,
    account: string | null,
  ): Promise<CallerStatusRow | undefined> {
    const values = [clientId, subject, account]
    const [row] = await database.query<CallerStatusRow>({ name: 'management-caller', text: CALLER_STATUS, values })
    return row
  }

  /** @throws ProblemError `missing_token`, `invalid_token`, `invalid_dpop_proof`, `use_dpop_nonce`, `forbidden` */
  return async (ctx: Context): Promise<ApiCaller> => {
    const presented = presentedToken(ctx)
    const claims = await readTokenClaims(keyRings, issuerUrl(), presented.token)
    if (claims?.aud !== MANAGEMENT_API)
      throw invalidToken(`the access token is invalid, expired, or issued for an API other than ${MANAGEMENT_API}`)
    const clientId = String(claims.client_id)
    const subject = claims.sub === clientId ? null : String(claims.sub)
    if (subject !== null && !isId(subject)) throw invalidToken('the subject of the access token is unknown')
    const account = typeof claims.account_id === 'string' ? claims.account_id : null
    if (account !== null && !isId(account)) throw invalidToken('the account of the access token is unknown')
    const token = { jti: String(claims.jti), expiresAt: Number(claims.exp) }
    const [{ token: active }, row] = await Promise.all([
      accessTokenStore.introspect({ callerKey: 0, callerVersion: 0, token }),
      readCallerStatus(clientId, subject, account),
    ])
    if (!active || !row) throw inactiveToken()
    await checkBinding(ctx, presented, claims, { clientId, ...row })
    const base = { scopes: new Set(active.scope.split(' ')), accessToken: token, signedInAt: null }
    const actor: Actor = { type: 'client', ip: ctx.ip, requestId: ctx.state.requestId }
    const who =
      subject === null
        ? principalOfClient(row, clientId, base, actor)
        : principalOfUser(row, subject, clientId, base, actor)
    return { who, clientId, subject, token }
  }
}
