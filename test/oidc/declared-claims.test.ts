/** Claims that an API declares, from the metadata of the account, the client and the user, on every way to a token. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createUser } from '../../src/accounts/users.ts'
import type { DeclaredClaim } from '../../src/shared/declared-claims.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { type Credentials, claimsOf, postForm, send } from '../support/requests.ts'
import { choosePassword, createTestUser, PASSWORD, type Person } from '../support/test-users.ts'
import { createApplication, getTokens, isAllow, openBrowserOn } from './application-fixtures.ts'

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

const CLAIMS: readonly DeclaredClaim[] = [
  { name: 'plan', from: 'account', key: 'plan' },
  { name: 'https://example.com/limits', from: 'account', key: 'limits' },
  { name: 'tier', from: 'client', key: 'tier' },
  { name: 'employee', from: 'user', key: 'number' },
]

let server: Keywright
let operator: string
let api: Credentials & { identifier: string }
let plain: Credentials & { identifier: string }
let customer: string
let person: Person

const change = async (path: string, metadata: unknown) => {
  const sent = rawManagement(server.url, operator).json('PATCH', path, { metadata }, { 'if-match': '*' })
  expect((await sent).status).toBe(200)
}

beforeAll(async () => {
  server = await startKeywright()
  operator = await managementToken(server, await managingApplication(server, null))
  api = await server.make.api({ claims: CLAIMS })
  plain = await server.make.api()
  customer = await server.make.account()
  person = await createTestUser(server.knex, customer)
  await change(`/accounts/${server.firstStart.accountId}`, { plan: 'own', limits: { seats: [1, null] }, secret: 'x' })
  await change(`/accounts/${customer}`, { plan: 'customer', limits: 7 })
  await change(`/users/${person.id}`, { number: 17, plan: 'of the user' })
})

afterAll(() => server.stop())

/** The declared claims of a token. */
const declaredIn = (token: string) => {
  const claims = claimsOf(token)
  return Object.fromEntries(CLAIMS.flatMap(({ name }) => (name in claims ? [[name, claims[name]]] : [])))
}

const OWN = { plan: 'own', 'https://example.com/limits': { seats: [1, null] }, tier: 'fast' }
const FOR_PERSON = { plan: 'customer', 'https://example.com/limits': 7, tier: 'fast', employee: 17 }

/** Of the own account, with metadata. */
async function newClient(settings = {}, apis = [api.identifier, plain.identifier]) {
  const client = await server.make.client(settings, apis)
  await change(`/applications/${client.clientId}`, { tier: 'fast', number: 1 })
  return client
}

const machineToken = async (client: Credentials, form = {}): Promise<string> =>
  (await server.machineToken(client, form)).body.access_token

describe('a client that acts for itself gets the values of its account and its own', () => {
  test.each([
    ['on the fast path', {}],
    ['through the engine', { unknown: 'parameter' }],
  ])('%s, and the current ones after a change', async (_path, form) => {
    const client = await newClient()
    const token = await machineToken(client, form)
    expect(declaredIn(token)).toEqual(OWN)
    expect(token).not.toContain(Buffer.from('secret').toString('base64url'))
    await change(`/applications/${client.clientId}`, { tier: 'slow' })
    const next = await machineToken(client, form)
    expect(declaredIn(next)).toEqual({ ...OWN, tier: 'slow' })
    await change(`/applications/${client.clientId}`, {})
    expect(declaredIn(await machineToken(client, form))).not.toHaveProperty('tier')
    // Introspection answers what the token carries.
    expect((await server.introspect(token, api)).body).toMatchObject({ active: true, ...OWN })
  })

  test('with a refresh token, and the current ones when it redeems it', async () => {
    const grants = ['client_credentials', 'refresh_token']
    const client = await newClient({ grants, clientCredentialsRefresh: true })
    const { body } = await server.machineToken(client)
    expect(declaredIn(body.access_token)).toEqual(OWN)
    await change(`/applications/${client.clientId}`, { tier: 'slow' })
    const form = { grant_type: 'refresh_token', refresh_token: body.refresh_token }
    const next = (await server.token(form, { basic: client })).body.access_token
    expect(declaredIn(next)).toEqual({ ...OWN, tier: 'slow' })
  })

  test('and the same token again only until they change', async () => {
    const client = await newClient({ reuseWindow: 600 })
    const first = await machineToken(client)
    expect(await machineToken(client)).toBe(first)
    await change(`/applications/${client.clientId}`, { tier: 'slow' })
    expect(declaredIn(await machineToken(client))).toEqual({ ...OWN, tier: 'slow' })
  })

  test('under the token policy single', async () => {
    const client = await newClient({ policy: 'single' })
    const [first, second] = [await machineToken(client), await machineToken(client)]
    expect([declaredIn(first), declaredIn(second)]).toEqual([OWN, OWN])
    expect((await server.introspect(first, api)).body).toEqual({ active: false })
    expect((await server.introspect(second, api)).body).toMatchObject({ active: true, ...OWN })
  })

  test('as a key pair, without those of its owner', async () => {
    const user = await server.make.user('admin', customer)
    await change(`/users/${user.id}`, { number: 18 })
    const pair = await server.make.keyPair(user.id, [api.identifier])
    expect(declaredIn(await machineToken(pair))).toEqual({ plan: 'customer', 'https://example.com/limits': 7 })
  })

  test('in tokens for the API that declares them, and no other', async () => {
    const client = await newClient()
    expect(declaredIn(await machineToken(client, { resource: plain.identifier }))).toEqual({})
    expect(declaredIn(await machineToken(await newClient({}, [plain.identifier])))).toEqual({})
  })
})

describe('an application that acts for a user gets the values of the user and the account of the user, and its own', () => {
  const scope = { params: { scope: 'openid offline_access read' } }

  test('for an authorization code and a refresh token', async () => {
    const application = await createApplication(server, {}, { apis: [api.identifier] })
    await change(`/applications/${application.clientId}`, { tier: 'fast' })
    const tokens = await getTokens(server, application, person, scope)
    expect(declaredIn(tokens.access_token)).toEqual(FOR_PERSON)
    await change(`/users/${person.id}`, { number: 18 })
    await change(`/accounts/${customer}`, { plan: 'gold' })
    const { body } = await application.refresh(tokens.refresh_token)
    expect(declaredIn(body.access_token)).toEqual({ plan: 'gold', tier: 'fast', employee: 18 })
    await change(`/users/${person.id}`, { number: 17 })
    await change(`/accounts/${customer}`, { plan: 'customer', limits: 7 })
    // A retry within the grace period gets the same response.
    expect((await application.refresh(tokens.refresh_token)).body.access_token).toBe(body.access_token)
    const userinfo = await send(`${server.url}/oauth2/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    expect(userinfo.body).toEqual({ sub: person.id, account_id: customer })
    expect(declaredIn(tokens.id_token)).toEqual({})
  })

  test('for a device code', async () => {
    const settings = { grants: [DEVICE_GRANT], redirectUris: [], isPublic: true }
    const device = await createApplication(server, settings, { apis: [api.identifier] })
    await change(`/applications/${device.clientId}`, { tier: 'fast' })
    const started = await postForm(`${server.url}/oauth2/device`, { client_id: device.clientId, scope: 'openid read' })
    const { device_code, user_code } = started.body
    const browser = openBrowserOn(server)
    const shown = await browser.submit(await browser.visit('/device'), /\/device$/, { user_code })
    const signIn = await browser.submit(shown, /\/device$/, { confirm: 'yes' })
    const asked = await browser.submit(signIn, /sign-in$/, { email: person.email, password: person.password })
    expect(isAllow(asked)).toBe(true)
    await browser.submit(asked, /allow$/)
    const { body } = await server.token({ grant_type: DEVICE_GRANT, device_code, client_id: device.clientId })
    expect(declaredIn(body.access_token)).toEqual(FOR_PERSON)
  })

  test('and none of an account for an operator, although the application belongs to one', async () => {
    const address = { email: 'operator-3@example.com', role: 'operator', accountId: null } as const
    const { user } = await createUser(server.knex, address)
    await choosePassword(server.knex, user.id)
    await change(`/users/${user.id}`, { number: 1 })
    const application = await createApplication(server, {}, { apis: [api.identifier] })
    const { access_token } = await getTokens(server, application, { ...user, password: PASSWORD }, scope)
    expect(declaredIn(access_token)).toEqual({ employee: 1 })
  })
})
