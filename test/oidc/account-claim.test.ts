/** The claim `account_id`: the account that an access token acts for, on every way to a token. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createUser } from '../../src/accounts/users.ts'
import { DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { createClient } from '../../src/management/client-registration.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Credentials, claimsOf, postForm, send } from '../support/requests.ts'
import { choosePassword, createTestUser, PASSWORD, type Person } from '../support/test-users.ts'
import { createApplication, getTokens, isAllow, openBrowserOn } from './application-fixtures.ts'

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const SCOPE = { params: { scope: 'openid offline_access all' } }

let server: Keywright
let own: string
let customer: string
let person: Person

beforeAll(async () => {
  server = await startKeywright()
  own = server.firstStart.accountId
  customer = await server.make.account()
  person = await createTestUser(server.knex, customer)
})

afterAll(() => server.stop())

const accountOf = (token: string) => claimsOf(token).account_id

const machineToken = async (client: Credentials, form = {}): Promise<string> =>
  (await server.machineToken(client, form)).body.access_token

describe('a client that acts for itself gets tokens of its own account', () => {
  test('on the fast path and through the engine', async () => {
    const client = await server.make.client()
    expect(accountOf(await machineToken(client))).toBe(own)
    expect(accountOf(await machineToken(client, { unknown: 'parameter' }))).toBe(own)
  })

  test('with a refresh token, and when it redeems it', async () => {
    const client = await server.make.client({
      grants: ['client_credentials', 'refresh_token'],
      clientCredentialsRefresh: true,
    })
    const { body } = await server.machineToken(client)
    expect(accountOf(body.access_token)).toBe(own)
    const form = { grant_type: 'refresh_token', refresh_token: body.refresh_token }
    expect(accountOf((await server.token(form, { basic: client })).body.access_token)).toBe(own)
  })

  test('with a token that it receives again', async () => {
    const client = await server.make.client({ reuseWindow: 600 })
    const tokens = [await machineToken(client), await machineToken(client)]
    expect(tokens[1]).toBe(tokens[0])
    expect(accountOf(tokens[0]!)).toBe(own)
  })

  test('as a key pair', async () => {
    const user = await server.make.user('admin', customer)
    expect(accountOf(await machineToken(await server.make.keyPair(user.id)))).toBe(customer)
  })

  test('and without the claim if it belongs to the instance', async () => {
    const settings = { ...DEFAULT_SETTINGS, name: 'Of the instance', grants: ['client_credentials'] }
    const request = { accountId: null, settings, apis: [], scopes: null }
    const { client, clientSecret } = await createClient(server.knex, request, ACTOR)
    const token = await machineToken({ clientId: client.clientId, clientSecret: clientSecret! })
    expect(claimsOf(token)).not.toHaveProperty('account_id')
  })
})

describe("an application of another account gets tokens of the user's account", () => {
  test('for an authorization code and a refresh token', async () => {
    const application = await createApplication(server)
    const tokens = await getTokens(server, application, person, SCOPE)
    expect(accountOf(tokens.access_token)).toBe(customer)
    const { body } = await application.refresh(tokens.refresh_token)
    expect(accountOf(body.access_token)).toBe(customer)
    // A retry within the grace period.
    expect((await application.refresh(tokens.refresh_token)).body.access_token).toBe(body.access_token)
  })

  test('for a device code', async () => {
    const grants = [DEVICE_GRANT]
    const device = await createApplication(server, { grants, redirectUris: [], isPublic: true })
    const started = await postForm(`${server.url}/oauth2/device`, { client_id: device.clientId, scope: 'openid all' })
    const { device_code, user_code } = started.body
    const browser = openBrowserOn(server)
    const shown = await browser.submit(await browser.visit('/device'), /\/device$/, { user_code })
    const signIn = await browser.submit(shown, /\/device$/, { confirm: 'yes' })
    const asked = await browser.submit(signIn, /sign-in$/, { email: person.email, password: person.password })
    expect(isAllow(asked)).toBe(true)
    await browser.submit(asked, /allow$/)
    const { body } = await server.token({ grant_type: DEVICE_GRANT, device_code, client_id: device.clientId })
    expect(accountOf(body.access_token)).toBe(customer)
  })

  test('which userinfo and introspection report', async () => {
    const api = await server.make.api()
    const application = await createApplication(server, {}, { apis: [api.identifier] })
    const { access_token, id_token } = await getTokens(server, application, person, {
      params: { scope: 'openid read' },
    })
    const userinfo = await send(`${server.url}/oauth2/userinfo`, {
      headers: { authorization: `Bearer ${access_token}` },
    })
    expect(userinfo.body).toEqual({ sub: person.id, account_id: customer })
    expect((await server.introspect(access_token, api)).body.account_id).toBe(customer)
    expect(claimsOf(id_token)).not.toHaveProperty('account_id')
  })
})

test('a token that acts for an operator has no account, although the application belongs to one', async () => {
  const { user } = await createUser(server.knex, { email: 'operator-2@example.com', role: 'operator', accountId: null })
  await choosePassword(server.knex, user.id)
  const application = await createApplication(server)
  const { access_token } = await getTokens(server, application, { ...user, password: PASSWORD }, SCOPE)
  expect(claimsOf(access_token)).toMatchObject({ sub: user.id })
  expect(claimsOf(access_token)).not.toHaveProperty('account_id')
  const userinfo = await send(`${server.url}/oauth2/userinfo`, { headers: { authorization: `Bearer ${access_token}` } })
  expect(userinfo.body).toEqual({ sub: user.id })
})
