import type { Knex } from 'knex'
import { authenticateScimToken, type ScimToken } from '../accounts/scim-tokens.ts'
import type { Principal } from './principal.ts'

/** The identity provider of an account, with the token that it sent. */
export interface ScimCaller {
  readonly who: Principal
  readonly token: ScimToken
}

/** What a SCIM token may do, and nothing more of what an admin may. */
const SCOPES: ReadonlySet<string> = new Set(['users:read', 'users:write', 'tokens:write'])

/**
 * The principal of a SCIM token: it acts as an admin of its account, limited to users and their tokens. Undefined: the token is unknown,
 * expired or revoked, or its account is disabled.
 */
export async function authenticateScimCaller(
  db: Knex,
  secret: string,
  request: { readonly ip: string; readonly requestId: string },
): Promise<ScimCaller | undefined> {
  const token = await authenticateScimToken(db, secret)
  if (!token) return undefined
  const { accountId, id: through } = token
  const actor = { type: 'system', id: 'scim', through, ...request } as const
  return { token, who: { role: 'admin', accountId, userId: null, scopes: SCOPES, signedInAt: null, actor } }
}
