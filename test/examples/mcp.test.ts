/**
 * examples/mcp: the clients of both lines of the official SDK, unmodified, at an MCP server that Keywright protects (MCP
 * authorization, revision 2026-07-28).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goOn } from '../oidc/application-fixtures.ts'
import { type DocumentHost, startDocumentHost } from '../support/document-host.ts'
import { setDynamicRegistration } from '../support/dynamic-registration.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { freePort, type Program, startProgram } from '../support/program.ts'
import { claimsOf, postForm, send } from '../support/requests.ts'
import { openBrowser } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { examplePath } from './example-environment.ts'
import { type McpProgram, type McpSession, needsUser, programOfV1, programOfV2 } from './mcp-clients.ts'

const LOCAL_PACKAGE = new URL('../support/local-package.mjs', import.meta.url).href

let server: Keywright
let notes: Program
let resource: string
let documents: DocumentHost

beforeAll(async () => {
  documents = await startDocumentHost()
  server = await startKeywright({ env: { OUTGOING_ALLOW: 'localhost' } })
  const port = await freePort()
  resource = `http://127.0.0.1:${port}/mcp`
  const api = await server.make.api({ identifier: resource, scopes: ['notes:read', 'notes:write'] })
  const command = [process.execPath, '--import', LOCAL_PACKAGE, examplePath('mcp/server.mjs')]
  notes = await startProgram(command, port, {
    ISSUER: server.issuer,
    RESOURCE: resource,
    API_ID: api.clientId,
    API_SECRET: api.clientSecret,
    PORT: String(port),
  })
})
afterAll(async () => {
  await notes?.stop()
  await server?.stop()
  documents?.stop()
})

/** Starts at a port that the system chose: the registered redirect URI has none (RFC 8252, section 7.3). */
async function registered(grants: string[]) {
  const { clientId } = await server.make.client(
    { grants, isPublic: true, redirectUris: ['http://127.0.0.1/callback'] },
    [resource],
  )
  return {
    clientInformation: { client_id: clientId, issuer: server.issuer },
    redirectUrl: `http://127.0.0.1:${await freePort()}/callback`,
  }
}

interface User {
  readonly person: Person
  readonly browser: ReturnType<typeof openBrowser>
}

async function newUser(): Promise<User> {
  const person = await createTestUser(server.knex, server.firstStart.accountId)
  return { person, browser: openBrowser(server.url) }
}

/** Sends the user to the page that the SDK opened, where they sign in and allow what it asks for. */
async function authorize(program: McpProgram, { browser, person }: User): Promise<void> {
  const left = await goOn(browser, await browser.visit(program.authorizationUrl().href), person)
  expect(left.searchParams.get('error')).toBeNull()
  expect(left.searchParams.get('state')).toBe('state-1')
  await program.finish(left.searchParams)
}

/** The error with which the SDK waits for the user. */
async function untilUserIsNeeded(action: Promise<unknown>): Promise<void> {
  const error = await action.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!needsUser(error)) throw error ?? new Error('the user was not needed')
}

async function signedIn(program: McpProgram, user: User): Promise<McpSession> {
  await untilUserIsNeeded(program.connect())
  await authorize(program, user)
  return await program.connect()
}

const post = (token: string) =>
  fetch(resource, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  })

const scopesOf = (program: McpProgram): string[] =>
  String(claimsOf(program.tokens()!.access_token).scope).split(' ').sort()

const requestedBy = (program: McpProgram): Record<string, string> =>
  Object.fromEntries(program.authorizationUrl().searchParams)

/** With the SDK 2.x: it asks for `offline_access` where the server has it. */
const OFFLINE = ['offline_access']

/** Milliseconds until the MCP server refuses the token. */
async function untilRefused(token: string): Promise<number> {
  const start = performance.now()
  await until(async () => (await post(token)).status === 401)
  return Math.round(performance.now() - start)
}

describe.each([
  ['2.x', programOfV2, ['authorization_code', 'refresh_token']],
  // With a refresh token it refreshes instead of asking for more (modelcontextprotocol/typescript-sdk, issue 2255).
  ['1.x', programOfV1, ['authorization_code']],
] as const)('the SDK %s', (version, programOf, grants) => {
  test('finds the server, signs the user in, calls a tool, and asks for the scope of another', async () => {
    const program = programOf(resource, await registered([...grants]), [...grants])
    const user = await newUser()
    const session = await signedIn(program, user)
    const more = version === '2.x' ? OFFLINE : []
    expect(requestedBy(program)).toMatchObject({
      resource,
      code_challenge_method: 'S256',
      scope: ['notes:read', ...more].join(' '),
    })
    expect(scopesOf(program)).toEqual(['notes:read', ...more].sort())
    expect(claimsOf(program.tokens()!.access_token).aud).toBe(resource)
    expect(await session.call('list_notes')).toBe('')

    await untilUserIsNeeded(session.call('add_note', { note: 'milk' }))
    const scopes = ['notes:read', 'notes:write', ...more].sort()
    expect(requestedBy(program).scope!.split(' ').sort()).toEqual(scopes)
    await authorize(program, user)
    expect(scopesOf(program)).toEqual(scopes)
    expect(await session.call('add_note', { note: 'milk' })).toBe('1 notes')
    expect(await session.call('list_notes')).toBe('milk')
    await session.close()
  })
})

describe.each([
  ['2.x', programOfV2],
  ['1.x', programOfV1],
] as const)('the SDK %s with a refresh token', (_version, programOf) => {
  test('goes on after its access token was revoked, and asks the user after the sign-in was', async () => {
    const grants = ['authorization_code', 'refresh_token']
    const registration = await registered(grants)
    const program = programOf(resource, registration)
    const session = await signedIn(program, await newUser())
    const revoke = (token: string) =>
      postForm(`${server.url}/oauth2/revoke`, { token, client_id: registration.clientInformation.client_id })

    const before = program.tokens()!
    expect((await revoke(before.access_token)).status).toBe(200)
    const delays = [await untilRefused(before.access_token)]
    expect(await session.call('list_notes')).toBe('')
    const after = program.tokens()!
    expect(after.access_token).not.toBe(before.access_token)
    expect(claimsOf(after.access_token).aud).toBe(resource)
    expect(scopesOf(program)).toContain('notes:read')

    expect((await revoke(after.refresh_token!)).status).toBe(200)
    delays.push(await untilRefused(after.access_token))
    await untilUserIsNeeded(session.call('list_notes'))
    process.stdout.write(`the MCP server refused revoked tokens after ${delays.join(' and ')} ms\n`)
    await session.close()
  })
})

/** How a program registers itself with an initial access token, which the SDK cannot send by itself. */
async function registeringByToken() {
  await setDynamicRegistration(server, 'initial_access_token')
  const service = await managingApplication(server, server.firstStart.accountId)
  const management = rawManagement(server.url, await managementToken(server, service))
  const { body } = await management.json('POST', '/initial-access-tokens', { apis: [resource] })
  const fetchWithToken: typeof fetch = (input, init) => {
    if (!String(input).endsWith('/oauth2/register')) return fetch(input, init)
    return fetch(input, { ...init, headers: { ...(init?.headers as object), authorization: `Bearer ${body.token}` } })
  }
  return { redirectUrl: `http://127.0.0.1:${await freePort()}/callback`, fetch: fetchWithToken }
}

/** How the SDK registers its program where the operator has opened registration. */
async function registeringOpenly() {
  const settings = {
    open_registration_account: server.firstStart.accountId,
    open_registration_apis: [resource],
    open_registration_scopes: null,
  }
  await server.knex('instance_settings').update(settings)
  await setDynamicRegistration(server, 'open')
  return { redirectUrl: `http://127.0.0.1:${await freePort()}/callback` }
}

/** How the SDK names its program by a document, where the operator permits the host of it: nobody registers it. */
async function describedBy(grants: string[]) {
  const redirectUrl = `http://127.0.0.1:${await freePort()}/callback`
  const redirectUris = ['http://127.0.0.1/callback', 'http://localhost/callback']
  const { url } = documents.publish({ client_name: 'Notebook', redirect_uris: redirectUris, grant_types: grants })
  const settings = {
    open_registration_account: server.firstStart.accountId,
    open_registration_apis: [resource],
    open_registration_scopes: null,
    client_id_documents: 'allowed_hosts',
    client_id_document_hosts: [documents.host],
  }
  await server.knex('instance_settings').update(settings)
  await setDynamicRegistration(server, 'off')
  await until(async () => (await isCimdSupported()) === true)
  return { clientMetadataUrl: url, redirectUrl }
}

const isCimdSupported = async () =>
  (await send(`${server.url}/.well-known/oauth-authorization-server`)).body.client_id_metadata_document_supported

test.each([
  ['2.x', programOfV2, ['authorization_code', 'refresh_token']],
  ['1.x', programOfV1, ['authorization_code']],
] as const)(
  'the SDK %s uses the URL of a metadata document as its client ID, and asks for further scopes later',
  async (_version, programOf, grants) => {
    const registration = await describedBy([...grants])
    const program = programOf(resource, registration, [...grants])
    const user = await newUser()
    const session = await signedIn(program, user)
    expect(requestedBy(program).client_id).toBe(registration.clientMetadataUrl)
    expect(await session.call('list_notes')).toBe('')
    expect(claimsOf(program.tokens()!.access_token).client_id).toBe(registration.clientMetadataUrl)
    await untilUserIsNeeded(session.call('add_note', { note: 'milk' }))
    await authorize(program, user)
    expect(await session.call('add_note', { note: 'milk' })).toBe('1 notes')
    await session.close()
  },
)

test.each([
  ['2.x', 'with an initial access token', programOfV2, registeringByToken, ['authorization_code', 'refresh_token']],
  ['2.x', 'where everybody may', programOfV2, registeringOpenly, ['authorization_code', 'refresh_token']],
  ['1.x', 'where everybody may', programOfV1, registeringOpenly, ['authorization_code']],
] as const)(
  'the SDK %s registers its program %s, which asks for further scopes later',
  async (_version, _how, programOf, registering, grants) => {
    const program = programOf(resource, await registering(), [...grants])
    const user = await newUser()
    const session = await signedIn(program, user)
    expect(await session.call('list_notes')).toBe('')
    await untilUserIsNeeded(session.call('add_note', { note: 'milk' }))
    await authorize(program, user)
    expect(await session.call('add_note', { note: 'milk' })).toBe('1 notes')
    await session.close()
  },
)

test('the MCP server refuses a token for another API, and one without its scope', async () => {
  const other = await server.make.api()
  const client = await server.make.client({}, [resource, other.identifier])
  const tokenFor = async (form: Record<string, string>) => (await server.machineToken(client, form)).body.access_token
  const foreign = await post(await tokenFor({ resource: other.identifier }))
  expect([foreign.status, await foreign.json()]).toMatchObject([401, { code: 'wrong_audience' }])
  const narrow = await post(await tokenFor({ resource, scope: 'notes:write' }))
  expect(narrow.status).toBe(403)
  expect(narrow.headers.get('www-authenticate')).toContain('scope="notes:read", error="insufficient_scope"')
})

test('a client in a browser can ask the MCP server and read its challenge', async () => {
  const headers = {
    origin: 'http://localhost:6274',
    'access-control-request-headers': 'authorization,mcp-protocol-version',
  }
  const preflight = await fetch(resource, { method: 'OPTIONS', headers })
  expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
  // `*` would not include Authorization.
  expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization')
  const challenged = await post('x.y.z')
  expect([challenged.status, challenged.headers.get('access-control-allow-origin')]).toEqual([401, '*'])
  expect(challenged.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate')
})
