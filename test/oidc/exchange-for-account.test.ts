/** A service exchanges its own access token for one that acts for an account without a user: what is accepted, refused and recorded. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import { TOKEN_EXCHANGE_GRANT } from '../../src/clients/grant-types.ts'
import { changeAccountApi, changeAccountStatus } from '../../src/management/account-changes.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { type Answer, type Credentials, claimsOf } from '../support/requests.ts'
import { createTestUser } from '../support/test-users.ts'
import { createApplication, getTokens } from './application-fixtures.ts'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

let server: Keywright
let api: Credentials & { identifier: string }
let account: string
/** The service may not act for it. */
let foreign: string
let service: Credentials
/** The service's own. */
let token: string

const makeService = (settings: Partial<ClientSettings> = {}) =>
  server.make.client(
    { grants: ['client_credentials', TOKEN_EXCHANGE_GRANT], exchangeWithoutUser: [account], ...settings },
    [api.identifier],
    null,
  )

const tokenOf = async (client: Credentials): Promise<string> => (await server.machineToken(client)).body.access_token

const exchange = (client: Credentials, subject_token: string, form: Record<string, string> = {}): Promise<Answer> =>
  server.token(
    { grant_type: TOKEN_EXCHANGE_GRANT, subject_token, subject_token_type: ACCESS_TOKEN, ...form },
    { basic: client },
  )

/** By a service of its own. */
async function obtain(form: Record<string, string>, settings?: Partial<ClientSettings>): Promise<Answer> {
  const client = await makeService(settings)
  return await exchange(client, await tokenOf(client), form)
}

beforeAll(async () => {
  server = await startKeywright()
  api = await server.make.api()
  account = await server.make.account()
  foreign = await server.make.account()
  await server
    .knex('accounts')
    .where({ id: account })
    .update({ external_id: 'acme', metadata: { plan: 'gold' } })
  await server.knex('accounts').where({ id: foreign }).update({ external_id: 'other' })
  service = await makeService()
  token = await tokenOf(service)
})

afterAll(() => server.stop())

describe('a service obtains a token for an account', () => {
  test('that it names by ID or external ID, and the token names both', async () => {
    for (const requested_account of [account, 'acme']) {
      const form = { requested_account, requested_subject: '', scope: 'read' }
      const { status, body } = await exchange(service, token, form)
      expect([status, body.scope]).toEqual([200, 'read'])
      expect(body).not.toHaveProperty('refresh_token')
      const claims = claimsOf(body.access_token)
      expect(claims).toMatchObject({
        sub: account,
        account_id: account,
        client_id: service.clientId,
        aud: api.identifier,
        act: { sub: service.clientId },
      })
      expect(claims.exp).toBeLessThanOrEqual(claimsOf(token).exp as number)
      const introspected = (await server.introspect(body.access_token, api)).body
      expect(introspected).toMatchObject({ active: true, sub: account, account_id: account })
    }
  })

  test('with the scopes that its own token, its registration and its policy have in common, and for a short time', async () => {
    const form = { requested_account: account }
    expect((await obtain(form)).body.scope).toBe('read write')
    expect((await obtain(form, { exchangeScopes: ['read'] })).body.scope).toBe('read')
    expect((await obtain(form, { exchangeTtl: 60 })).body.expires_in).toBe(60)
    const narrow = (await server.machineToken(service, { scope: 'read' })).body.access_token
    expect((await exchange(service, narrow, form)).body.scope).toBe('read')
    expect((await exchange(service, narrow, { ...form, scope: 'write' })).body.error).toBe('invalid_scope')
  })

  test('with the metadata of the account that its API declares', async () => {
    const claims = [{ name: 'plan', from: 'account', key: 'plan' }]
    await server
      .knex('apis')
      .where({ identifier: api.identifier })
      .update({ claims: JSON.stringify(claims) })
    const { body } = await obtain({ requested_account: account })
    await server.knex('apis').where({ identifier: api.identifier }).update({ claims: '[]' })
    expect(claimsOf(body.access_token)).toMatchObject({ plan: 'gold' })
  })

  test('and an agent exchanges that for a narrower one, while the account is active', async () => {
    const closing = await server.make.account()
    const broad = await makeService({ exchangeWithoutUser: ['any'] })
    const { body } = await exchange(broad, await tokenOf(broad), { requested_account: closing })
    const agent = await makeService({ exchangeWithoutUser: null, exchangeFrom: [broad.clientId!] })
    const narrower = await exchange(agent, body.access_token, { scope: 'read' })
    expect(claimsOf(narrower.body.access_token)).toMatchObject({
      sub: closing,
      account_id: closing,
      act: { sub: agent.clientId, act: { sub: broad.clientId } },
    })
    await changeAccountStatus(server.knex, closing, 'disabled', ACTOR)
    expect((await exchange(agent, body.access_token)).body.error).toBe('invalid_request')
  })

  test('and each is an event of the account, with both identities', async () => {
    const client = await makeService()
    const agent = await makeService({ exchangeWithoutUser: null, exchangeFrom: [client.clientId!] })
    const { body } = await exchange(client, await tokenOf(client), { requested_account: 'acme', scope: 'read' })
    await exchange(agent, body.access_token)
    const events = await server
      .knex('audit_log')
      .whereIn('actor_id', [client.clientId!, agent.clientId!])
      .whereLike('action', 'token.%')
      .orderBy('action', 'desc')
      .select('action', 'target_type', 'target_id', 'account_id', 'detail')
    const of = { target_type: 'account', target_id: account, account_id: account }
    const detail = { subject_client_id: client.clientId, audience: api.identifier, scope: 'read' }
    expect(events).toEqual([
      { action: 'token.obtained_for_account', ...of, detail: { ...detail, client_id: client.clientId } },
      { action: 'token.exchanged', ...of, detail: { ...detail, client_id: agent.clientId } },
    ])
  })

  test('under the token policy single beside its own token, and the next one for the account replaces it', async () => {
    const client = await makeService({ policy: 'single' })
    const own = await tokenOf(client)
    const obtained: string[] = []
    for (let n = 0; n < 2; n++)
      obtained.push((await exchange(client, own, { requested_account: account })).body.access_token)
    const active = [own, ...obtained].map(async (one) => (await server.introspect(one, api)).body.active)
    expect(await Promise.all(active)).toEqual([true, false, true])
  })

  test('and it is listed and inspected as one of the account, and counted before the account is disabled', async () => {
    const counted = await server.make.account()
    const client = await makeService({ exchangeWithoutUser: ['any'] })
    const own = await tokenOf(client)
    const { body } = await exchange(client, own, { requested_account: counted })
    const operator = await managementToken(server, await managingApplication(server, null))
    const management = rawManagement(server.url, operator)
    const { items } = (await management.send('GET', `/applications/${client.clientId}/tokens`)).body
    const subjects = items.map(({ user_id, account_id }: Record<string, unknown>) => [user_id, account_id])
    expect(subjects).toEqual([
      [null, counted],
      [null, null],
    ])
    const found = await management.json('POST', '/inspect', { text: body.access_token })
    expect(found.text).toContain(`"user_id":null,"account_id":"${counted}"`)
    for (const path of ['disable', 'api/disable']) {
      const dry = await management.send('POST', `/accounts/${counted}/${path}?dry_run=true`)
      expect([path, dry.status, dry.text]).toEqual([path, 200, expect.stringMatching(/"access_tokens":\{"count":1\b/)])
    }
  })
})

describe('is refused with one error, which does not tell whether the account exists:', () => {
  const REFUSED = 'there is no such active account, or this client may not obtain tokens for it'
  const refused = [400, { error: 'invalid_request', error_description: REFUSED }]

  test.each<[string, () => string]>([
    ['an unknown ID', () => '00000000-0000-4000-8000-000000000000'],
    ['an unknown external ID', () => 'nobody'],
    ['a very long text', () => 'x'.repeat(5000)],
    ['a text with a control character', () => 'a\u0001b'],
    ['another account by its ID', () => foreign],
    ['another account by its external ID', () => 'other'],
  ])('%s', async (_what, requested) => {
    const { status, body } = await exchange(service, token, { requested_account: requested() })
    expect([status, body]).toEqual(refused)
  })

  test('an account that is disabled, or whose API is, also where every account is allowed', async () => {
    const [disabled, withoutApi] = [await server.make.account(), await server.make.account()]
    await changeAccountStatus(server.knex, disabled, 'disabled', ACTOR)
    await changeAccountApi(server.knex, withoutApi, false, ACTOR)
    for (const requested_account of [disabled, withoutApi]) {
      const { status, body } = await obtain({ requested_account }, { exchangeWithoutUser: ['any'] })
      expect([status, body]).toEqual(refused)
    }
  })

  test('every account, with the policy for users alone', async () => {
    const { status, body } = await obtain(
      { requested_account: account },
      { exchangeWithoutUser: null, exchangeAccounts: ['any'] },
    )
    expect([status, body]).toEqual(refused)
  })
})

describe('is refused:', () => {
  const form = () => ({ requested_account: account })

  test('a user of the account, with the policy for accounts alone', async () => {
    const member = await createTestUser(server.knex, account)
    const { body } = await exchange(service, token, { ...form(), requested_subject: member.id })
    expect(body.error).toBe('invalid_request')
  })

  test('a token of another client, of a user, and one that was obtained so already', async () => {
    const other = await makeService()
    const member = await createTestUser(server.knex, account)
    const application = await createApplication(server, {}, { apis: [api.identifier] })
    const ofUser = await getTokens(server, application, member, { params: { scope: 'read' } })
    const { body } = await exchange(service, token, form())
    for (const subject of [await tokenOf(other), ofUser.access_token, body.access_token]) {
      const answer = await exchange(service, subject, form())
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request'])
    }
  })

  test('the management API as the target, and a scope of OpenID Connect', async () => {
    const { body } = await exchange(service, token, { ...form(), resource: 'urn:keywright:management' })
    expect(body.error).toBe('invalid_target')
    expect((await exchange(service, token, { ...form(), scope: 'openid' })).body.error).toBe('invalid_scope')
  })
})
