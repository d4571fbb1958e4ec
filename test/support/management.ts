import createClient from 'openapi-fetch'
import type { Actor } from '../../src/audit/audit-log.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { createClient as registerClient } from '../../src/management/client-registration.ts'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { CALLBACK } from './factory.ts'
import type { Keywright } from './keywright.ts'
import type { paths } from './management-api.d.ts'
import { type Credentials, send } from './requests.ts'
import { codeOf, openSignedInBrowser, redemptionOf } from './signed-in-browsers.ts'
import type { Person } from './test-users.ts'

const ACTOR: Actor = { type: 'system', id: 'tests' }

/** A client that was generated from the API document, with a token. */
export const openManagement = (url: string, token: string) =>
  createClient<paths>({ baseUrl: url, headers: { authorization: `Bearer ${token}` } })

type Node = Pick<Keywright, 'url' | 'machineToken'>

/** A token for the management API. `scope` absent: all that the client has. */
export async function managementToken(node: Node, client: Credentials, scope?: string): Promise<string> {
  const answer = await node.machineToken(client, { resource: MANAGEMENT_API, ...(scope !== undefined && { scope }) })
  if (answer.status !== 200) throw new Error(`no token for the management API: ${answer.status} ${answer.text}`)
  return answer.body.access_token
}

/** An application for the management API: of an account, or of none (null), which is the instance's own. */
export async function managingApplication(
  server: Pick<Keywright, 'knex'>,
  accountId: string | null,
  more: Partial<ClientSettings> = {},
): Promise<Required<Credentials>> {
  const settings = { ...DEFAULT_SETTINGS, name: 'Automation', grants: ['client_credentials'], ...more }
  const request = { accountId, settings, apis: [MANAGEMENT_API], scopes: null }
  const { client, clientSecret } = await registerClient(server.knex, request, ACTOR)
  return { clientId: client.clientId, clientSecret: clientSecret! }
}

/** One that acts for people. */
export const managingForUsers = (server: Pick<Keywright, 'knex'>, accountId: string | null) =>
  managingApplication(server, accountId, {
    grants: ['authorization_code', 'refresh_token'],
    redirectUris: [CALLBACK],
    consent: 'skip',
  })

/** A token in a person's name, as an application gets it for them. */
export async function tokenOfUser(server: Keywright, client: Credentials, person: Person): Promise<string> {
  const visitor = await openSignedInBrowser(server, person)
  const { verifier, page } = await visitor.follow(client, {
    scope: 'openid users:read users:write',
    resource: MANAGEMENT_API,
  })
  const allowed = page.left ? page : await visitor.submit(page, /allow$/)
  const answer = await server.token(redemptionOf({ code: codeOf(allowed), verifier }), { basic: client })
  if (answer.status !== 200) throw new Error(`no token for ${person.email}: ${answer.status} ${answer.text}`)
  return answer.body.access_token
}

/** A request as it stands, for what no typed client would send. */
export const rawManagement = (url: string, token?: string) => ({
  send: (method: string, path: string, init: RequestInit = {}) =>
    send(`${url}/api/v1${path}`, {
      method,
      ...init,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...init.headers },
    }),
  json: (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
    send(`${url}/api/v1${path}`, {
      method,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { ...(token && { authorization: `Bearer ${token}` }), 'content-type': 'application/json', ...headers },
    }),
})
