import { insertScimToken } from '../../src/accounts/scim-tokens.ts'
import type { AccountRole } from '../../src/accounts/user-attributes.ts'
import type { Keywright } from '../support/keywright.ts'
import { type Answer, send } from '../support/requests.ts'

/** The identity provider of an account. */
export interface IdentityProvider {
  readonly token: string
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
}

type Server = Pick<Keywright, 'knex'>

/** @param role of users whom it adds without a role */
export async function identityProviderOf(
  server: Server,
  url: string,
  account: string,
  role: AccountRole = 'member',
): Promise<IdentityProvider> {
  const added = await server.knex.transaction((trx) => insertScimToken(trx, account, { role, lifetime: 3600 }))
  return {
    token: added.secret,
    request: (method, path, body, headers = {}) =>
      send(`${url}/scim/v2${path}`, {
        method,
        headers: { authorization: `Bearer ${added.secret}`, 'content-type': 'application/scim+json', ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
  }
}

export const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User'

export const patchOf = (...operations: unknown[]) => ({ schemas: [PATCH_SCHEMA], Operations: operations })
