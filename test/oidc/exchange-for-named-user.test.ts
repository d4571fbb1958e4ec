/** A service exchanges its own access token for one of a user whom it names: what is accepted, what is refused, what is recorded. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addMembership } from '../../src/accounts/membership-changes.ts'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import { TOKEN_EXCHANGE_GRANT } from '../../src/clients/grant-types.ts'
import type { Registration } from '../../src/clients/registration.ts'
import { TokenExchange } from '../../src/exchange/token-exchange.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { KeywrightError } from '../../src/shared/errors.ts'
import type { Issuer } from '../../src/tokens/issuance.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, type Credentials, claimsOf } from '../support/requests.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { createApplication, getTokens } from './application-fixtures.ts'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

let server: Keywright
let api: Credentials & { identifier: string }
let account: string
/** The service may not act for its users. */
let foreign: string
/** A member of both; the first account is `account`. */
let person: Person
let stranger: Person
let service: Credentials
/** The service's own. */
let token: string

const makeService = (settings: Partial<ClientSettings> = {}, scopes: string[] | null = null) =>
  server.make.client(
    { grants: ['client_credentials', TOKEN_EXCHANGE_GRANT], exchangeAccounts: [account], ...settings },
    [api.identifier],
    scopes,
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
  person = await createTestUser(server.knex, account)
  stranger = await createTestUser(server.knex, foreign)
  await server.knex.transaction((trx) =>
    addMembership(trx, { userId: person.id, accountId: foreign, role: 'member' }, ACTOR),
  )
  await server.knex('users').where({ id: person.id }).update({ external_id: 'customer-7' })
  await server.knex('accounts').where({ id: account }).update({ external_id: 'acme' })
  await server.knex('accounts').where({ id: foreign }).update({ external_id: 'other' })
  service = await makeService()
  token = await tokenOf(service)
})

afterAll(() => server.stop())

describe('a service obtains a token for a user', () => {
  test('whom it names by ID or external ID, and the token names both and the account', async () => {
    const forms: Record<string, string>[] = [
      { requested_subject: person.id },
      { requested_subject: 'customer-7' },
      { requested_subject: 'customer-7', requested_account: 'acme' },
      { requested_subject: person.id, requested_account: account },
    ]
    for (const form of forms) {
      const { status, body } = await exchange(service, token, { scope: 'read', ...form })
      expect([status, body.scope]).toEqual([200, 'read'])
      expect(body).not.toHaveProperty('refresh_token')
      const claims = claimsOf(body.access_token)
      expect(claims).toMatchObject({
        sub: person.id,
        account_id: account,
        client_id: service.clientId,
        aud: api.identifier,
        act: { sub: service.clientId },
      })
      expect(claims.exp).toBeLessThanOrEqual(claimsOf(token).exp as number)
      expect((await server.introspect(body.access_token, api)).body).toMatchObject({ active: true, sub: person.id })
    }
  })

  test('in the account that it names', async () => {
    const form = { requested_subject: person.id, requested_account: 'other' }
    const { body } = await obtain(form, { exchangeAccounts: ['any'] })
    expect(claimsOf(body.access_token)).toMatchObject({ sub: person.id, account_id: foreign })
  })

  test('with the scopes that its own token, its registration and its policy have in common', async () => {
    const form = { requested_subject: person.id }
    expect((await obtain(form)).body.scope).toBe('read write')
    expect((await obtain(form, { exchangeScopes: ['read'] })).body.scope).toBe('read')
    const narrow = (await server.machineToken(service, { scope: 'read' })).body.access_token
    expect((await exchange(service, narrow, form)).body.scope).toBe('read')
    expect((await exchange(service, narrow, { ...form, scope: 'write' })).body.error).toBe('invalid_scope')
  })

  test('for at most the lifetime of its policy', async () => {
    expect((await obtain({ requested_subject: person.id }, { exchangeTtl: 60 })).body.expires_in).toBe(60)
  })

  test('and an agent exchanges that for a narrower one', async () => {
    const { body } = await exchange(service, token, { requested_subject: person.id })
    const agent = await makeService({ exchangeAccounts: null, exchangeFrom: [service.clientId!] })
    const narrower = await exchange(agent, body.access_token, { scope: 'read' })
    expect(claimsOf(narrower.body.access_token)).toMatchObject({
      sub: person.id,
      act: { sub: agent.clientId, act: { sub: service.clientId } },
    })
  })

  test('and each is an event of the account, with both identities', async () => {
    const client = await makeService()
    await exchange(client, await tokenOf(client), { requested_subject: 'customer-7', scope: 'read' })
    const events = await server
      .knex('audit_log')
      .where({ action: 'token.obtained_for_user', actor_id: client.clientId })
      .select('target_type', 'target_id', 'account_id', 'detail')
    const detail = {
      client_id: client.clientId,
      subject_client_id: client.clientId,
      audience: api.identifier,
      scope: 'read',
    }
    expect(events).toEqual([{ target_type: 'user', target_id: person.id, account_id: account, detail }])
  })

  test('under the token policy single beside its own token, and the next one for the user replaces it', async () => {
    const client = await makeService({ policy: 'single' })
    const own = await tokenOf(client)
    const obtained: string[] = []
    for (let n = 0; n < 2; n++)
      obtained.push((await exchange(client, own, { requested_subject: person.id })).body.access_token)
    const active = [own, ...obtained].map(async (one) => (await server.introspect(one, api)).body.active)
    expect(await Promise.all(active)).toEqual([true, false, true])
  })
})

describe('is refused with one error, which does not tell whether the user exists:', () => {
  const REFUSED = 'there is no such active user, or this client may not obtain tokens for them'

  test.each<[string, () => Record<string, string>]>([
    ['an unknown ID', () => ({ requested_subject: '00000000-0000-4000-8000-000000000000' })],
    ['an unknown external ID', () => ({ requested_subject: 'nobody' })],
    ['an email address', () => ({ requested_subject: person.email })],
    ['a very long text', () => ({ requested_subject: 'x'.repeat(5000) })],
    ['a text with a control character', () => ({ requested_subject: 'a\u0001b' })],
    ['a user of another account', () => ({ requested_subject: stranger.id })],
    ['another account of the user', () => ({ requested_subject: person.id, requested_account: 'other' })],
    ['an unknown account', () => ({ requested_subject: person.id, requested_account: 'nowhere' })],
    ['an account without that member', () => ({ requested_subject: stranger.id, requested_account: account })],
  ])('%s', async (_what, form) => {
    const { status, body } = await exchange(service, token, form())
    expect([status, body]).toEqual([400, { error: 'invalid_request', error_description: REFUSED }])
  })

  test('a disabled user', async () => {
    const disabled = await createTestUser(server.knex, account)
    await changeUserStatus(server.knex, disabled.id, 'disabled', ACTOR)
    const { body } = await exchange(service, token, { requested_subject: disabled.id })
    expect(body.error_description).toBe(REFUSED)
  })

  test('an operator, also where every account is allowed, and with an account', async () => {
    const operator = await server.knex('users').where({ role: 'operator' }).first('id')
    const forms: Record<string, string>[] = [{}, { requested_account: account }]
    for (const more of forms) {
      const { body } = await obtain({ requested_subject: operator.id, ...more }, { exchangeAccounts: ['any'] })
      expect(body).toMatchObject({ error: 'invalid_request', error_description: REFUSED })
    }
  })

  test('any user, without the policy of an operator', async () => {
    const own = { exchangeAccounts: null, exchangeFrom: ['kwa_00000000000000000000'] }
    expect((await obtain({ requested_subject: person.id }, own)).body.error_description).toBe(REFUSED)
  })
})

describe('is refused:', () => {
  const form = () => ({ requested_subject: person.id })

  test('a token of another client, and of a user', async () => {
    const other = await makeService()
    const member = await createTestUser(server.knex, account)
    const application = await createApplication(server, {}, { apis: [api.identifier] })
    const ofUser = await getTokens(server, application, member, { params: { scope: 'read' } })
    const grants = ['authorization_code', TOKEN_EXCHANGE_GRANT]
    const both = await createApplication(server, { grants }, { apis: [api.identifier] })
    await server
      .knex('clients')
      .where({ client_id: both.clientId })
      .update({ exchange_accounts: ['any'] })
    const own = await getTokens(server, both, member, { params: { scope: 'read' } })
    const answers = [
      await exchange(service, await tokenOf(other), form()),
      await exchange(service, ofUser.access_token, form()),
      await exchange(both, own.access_token, form()),
    ]
    for (const { status, body } of answers) expect([status, body.error]).toEqual([400, 'invalid_request'])
  })

  test('a token that was obtained so already', async () => {
    const { body } = await exchange(service, token, form())
    expect((await exchange(service, body.access_token, form())).body.error).toBe('invalid_request')
  })

  test('a revoked token', async () => {
    const client = await makeService()
    const revoked = await tokenOf(client)
    await server.revoke(revoked, client)
    expect((await exchange(client, revoked, form())).body.error).toBe('invalid_request')
  })

  test('a client that is deleted after it authenticated', async () => {
    const renew = () => Promise.reject(new KeywrightError('invalid_client', 'the client was deleted'))
    const registration = { key: 2 ** 40 } as Registration
    const request = {
      client: { registration, authentication: null, renew },
      claims: claimsOf(token),
      named: { user: person.id, account: undefined },
      resource: undefined,
      scope: undefined,
      jkt: undefined,
      actor: ACTOR,
    }
    const issuer = { prepare: () => Promise.resolve() } as unknown as Issuer
    await expect(new TokenExchange(server.knex, issuer, Date).exchange(request)).rejects.toMatchObject({
      code: 'invalid_client',
    })
  })

  test('an account without a user, with the policy for users alone', async () => {
    const { status, body } = await exchange(service, token, { requested_account: account })
    expect([status, body.error]).toEqual([400, 'invalid_request'])
  })

  test('the management API as the target', async () => {
    const { body } = await exchange(service, token, { ...form(), resource: 'urn:keywright:management' })
    expect(body.error).toBe('invalid_target')
  })

  test('a scope of OpenID Connect', async () => {
    expect((await exchange(service, token, { ...form(), scope: 'openid' })).body.error).toBe('invalid_scope')
  })
})
