import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEVICE_CODE_GRANT } from '../../../src/clients/grant-types.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { until } from '../../support/load.ts'
import { type Credentials, claimsOf } from '../../support/requests.ts'
import type { Browser, Page } from '../../support/scriptless-browser.ts'
import { codeOf, openSignedInBrowser, redemptionOf, type SignedInBrowser } from '../../support/signed-in-browsers.ts'
import { createTestUser, type Person } from '../../support/test-users.ts'
import { commandsOf, copyableOf } from './admin-session.ts'
import { createOperator, enter, wordsOf } from './console-visits.ts'
import { type Changes, sendForm } from './filled-forms.ts'

const CALLBACK = 'https://app.example.com/callback'
const DAY = 86_400

let server: Keywright
let account: string
let api: { identifier: string; clientId: string; clientSecret: string }
let admin: Person
let asAdmin: Browser
let asOperator: Browser
let visitor: SignedInBrowser

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  api = await server.make.api()
  admin = await createTestUser(server.knex, account, 'admin')
  asAdmin = await enter(server, admin)
  asOperator = await enter(server, await createOperator(server.knex))
  visitor = await openSignedInBrowser(server, await createTestUser(server.knex, account))
})
afterAll(() => server.stop())

const MACHINE: Changes = { name: 'Nightly export', 'grants.client_credentials': 'on' }
const WITH_USERS: Changes = {
  name: 'Calendar Sync',
  'grants.authorization_code': 'on',
  'grants.refresh_token': 'on',
  redirectUris: CALLBACK,
}

/** Ticks the tests' own API in place of the instance's default. */
const ofApi = (): Changes => ({ 'apis.https://api.keywright.example': undefined, [`apis.${api.identifier}`]: 'on' })

async function add(changes: Changes, browser = asAdmin): Promise<Page> {
  return await sendForm(browser, await browser.visit('/applications/new'), /\/applications\/new$/, {
    ...ofApi(),
    ...changes,
  })
}

const credentialsOf = (page: Page): Required<Credentials> => ({
  clientId: copyableOf(page, 'Client ID'),
  clientSecret: copyableOf(page, 'Client secret'),
})

const addMachine = async (changes: Changes = {}) => credentialsOf(await add({ ...MACHINE, ...changes }))
const addForUsers = async (changes: Changes = {}) => credentialsOf(await add({ ...WITH_USERS, ...changes }))

async function edit(clientId: string, changes: Changes, browser = asAdmin): Promise<Page> {
  const page = await browser.visit(`/applications/${clientId}/edit`)
  return await sendForm(browser, page, /\/edit$/, changes)
}

const settingsOf = async (clientId: string) => await server.knex('clients').where({ client_id: clientId }).first()

const isActive = async (token: string) => (await server.introspect(token, api)).body.active

/** Tokens for the visitor, who allows what is asked where they are asked. */
async function tokensFor(client: Credentials, who = visitor) {
  const { verifier, page } = await who.follow(client)
  const allowed = page.left ? page : await who.submit(page, /allow$/)
  return (await server.token(redemptionOf({ code: codeOf(allowed), verifier }), { basic: client })).body
}

describe('editing an application', () => {
  it('states what a change would revoke before it saves; then it saves and revokes that', async () => {
    const client = await addMachine()
    const write = (await server.machineToken(client, { scope: 'write' })).body.access_token
    const read = (await server.machineToken(client, { scope: 'read' })).body.access_token
    const narrower = { narrowing: 'some', 'scopes.read': 'on' }
    const asked = await edit(client.clientId, narrower)
    expect(wordsOf(asked)).toContain('revoke 1 access token that exceed the new permissions, at once')
    expect(await isActive(write)).toBe(true)
    const saved = await sendForm(asAdmin, asked, /\/edit$/, {})
    expect(saved.url).toMatch(/notice=saved$/)
    expect([await isActive(write), await isActive(read)]).toEqual([false, true])
  })

  it('saves at once what revokes nothing', async () => {
    const client = await addMachine()
    await server.machineToken(client, { scope: 'read' })
    const saved = await edit(client.clientId, { narrowing: 'some', 'scopes.read': 'on' })
    expect(saved.url).toMatch(/notice=saved$/)
  })
})

describe('adding an application', () => {
  it('shows the secret once, and the command that it prints gets a token', async () => {
    const page = await add(MACHINE)
    expect([page.status, page.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const { clientId, clientSecret } = credentialsOf(page)
    expect(commandsOf(page)[0]).toContain(`client_id=${clientId}&client_secret=${clientSecret}`)
    expect((await server.machineToken({ clientId, clientSecret })).body.scope).toBe('read write')
    expect((await asAdmin.visit(`/applications/${clientId}`)).text).not.toContain(clientSecret)
    expect(await settingsOf(clientId)).toMatchObject({ account_id: account, name: 'Nightly export', status: 'active' })
  })

  it('runs the token request at one press, and shows the token without the secret', async () => {
    const page = await add(MACHINE)
    // The page with the secret stays open: it cannot be shown again.
    expect(page.text).toMatch(/<form [^>]*action="[^"]*\/try" target="_blank" rel="noopener">/)
    const tried = await sendForm(asAdmin, page, /\/try$/)
    expect(wordsOf(tried)).toContain('Token issued with the scope read write')
    const secret = copyableOf(page, 'Client secret')
    expect(commandsOf(tried)[0]).toContain(`client_secret=********${secret.slice(-4)}`)
    expect(commandsOf(tried).join()).not.toContain(secret)
  })

  it('gives a public one no secret, and shows how its program gets tokens', async () => {
    const page = await add({
      ...WITH_USERS,
      isPublic: 'public',
      redirectUris: 'http://127.0.0.1/cb\ncom.example.app:/cb',
    })
    expect(page.url).toMatch(/\/applications\/kwc_\w+\?notice=added$/)
    expect(wordsOf(page)).toContain('Application added.')
    expect(page.text).toContain(`${server.issuer}/.well-known/openid-configuration`)
    const clientId = /kwc_\w+/.exec(page.url)![0]
    expect((await asAdmin.visit(`/applications/${clientId}/key`)).status).toBe(409)
    expect(await settingsOf(clientId)).toMatchObject({
      is_public: true,
      redirect_uris: ['http://127.0.0.1/cb', 'com.example.app:/cb'],
    })
  })

  it("begins with the instance's defaults", async () => {
    const [before] = await server.knex('instance_settings').select('default_access_token_ttl', 'default_consent')
    await server
      .knex('instance_settings')
      .update({ default_access_token_ttl: 7200, default_consent: 'skip_own_account' })
    const { clientId } = await addForUsers()
    await server.knex('instance_settings').update(before)
    expect(await settingsOf(clientId)).toMatchObject({ access_token_ttl: 7200, consent: 'skip_own_account' })
  })
})

describe('every field of the form is in effect at the endpoints', () => {
  it('how long tokens live: access tokens up to 30 days, refresh tokens up to 366', async () => {
    const lives = {
      accessTokenTtl: '30',
      'accessTokenTtl.unit': 'days',
      refreshTokenTtl: '366',
      'refreshTokenTtl.unit': 'days',
    }
    const { expires_in, refresh_token_expires_in } = await tokensFor(await addForUsers(lives))
    expect([expires_in, refresh_token_expires_in]).toEqual([30 * DAY, 366 * DAY])
  })

  it('the allow/deny screen: shown, or skipped for people of the own account', async () => {
    const shown = await addForUsers({ consent: 'show' })
    const { page } = await visitor.follow(shown)
    expect(page.text).toContain('Calendar Sync')
    expect(page.left).toBeUndefined()
    const skipping = await addForUsers({ consent: 'skip_own_account' })
    expect((await visitor.follow(skipping)).page.left?.searchParams.has('code')).toBe(true)
    const other = await openSignedInBrowser(server, await createTestUser(server.knex, server.firstStart.accountId))
    expect((await other.follow(skipping)).page.left).toBeUndefined()
  })

  it('redirect URLs: only those, exactly', async () => {
    const client = await addForUsers({
      consent: 'skip_own_account',
      redirectUris: `${CALLBACK}\nhttps://app.example.com/two`,
    })
    expect((await visitor.follow(client, { redirect_uri: 'https://app.example.com/two' })).page.left?.pathname).toBe(
      '/two',
    )
    const { page } = await visitor.follow(client, { redirect_uri: 'https://app.example.com/three' })
    expect([page.status, page.left]).toEqual([400, undefined])
  })

  it('which APIs, and only which scopes of them', async () => {
    const second = await server.make.api({ scopes: ['reports'] })
    const client = await addMachine({
      [`apis.${second.identifier}`]: 'on',
      defaultApi: second.identifier,
      narrowing: 'some',
      'scopes.reports': 'on',
      'scopes.read': 'on',
    })
    const token = await server.machineToken(client)
    expect([claimsOf(token.body.access_token).aud, token.body.scope]).toEqual([second.identifier, 'reports'])
    expect((await server.machineToken(client, { resource: api.identifier })).body.scope).toBe('read')
    expect((await server.machineToken(client, { resource: 'https://api.keywright.example' })).body.error).toBe(
      'invalid_target',
    )
  })

  it('what people are asked for when it names no scope', async () => {
    const client = await addForUsers({ consent: 'skip_own_account', defaultScopes: 'read' })
    const code = await visitor.code(client, { scope: '' })
    expect((await server.token(redemptionOf(code), { basic: client })).body.scope).toBe('read')
  })

  it('the policy: a new token ends the earlier one', async () => {
    const client = await addMachine({ policy: 'single' })
    const first = (await server.machineToken(client)).body.access_token
    await server.machineToken(client)
    expect(await isActive(first)).toBe(false)
  })

  it('what older programs need: the query, an API key, refresh tokens without a person', async () => {
    const page = await add({ ...MACHINE, queryCredentials: 'on', clientCredentialsRefresh: 'on', apiKeyRequired: 'on' })
    const client = credentialsOf(page)
    const headers = { 'x-api-key': copyableOf(page, 'API key') }
    expect((await server.machineToken(client)).status).toBe(401)
    const query = { grant_type: 'client_credentials', client_id: client.clientId, client_secret: client.clientSecret }
    const answer = await server.token({}, { query, headers })
    expect([answer.status, typeof answer.body.refresh_token]).toEqual([200, 'string'])
  })

  it('codes without PKCE, refresh tokens that stay, an end that use does not move', async () => {
    const client = await addForUsers({
      consent: 'skip_own_account',
      pkceRequired: 'on',
      refreshTokenRotation: 'on',
      refreshTokenMaxAge: '2',
      'refreshTokenMaxAge.unit': 'days',
    })
    const request = { client_id: client.clientId, response_type: 'code', redirect_uri: CALLBACK, scope: 'read' }
    const code = codeOf(await visitor.visit(`/oauth2/authorize?${new URLSearchParams(request)}`))
    const tokens = await server.token(
      { grant_type: 'authorization_code', redirect_uri: CALLBACK, code },
      { basic: client },
    )
    expect(tokens.body.refresh_token_expires_in).toBeLessThanOrEqual(2 * DAY)
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.body.refresh_token }
    const again = await server.token(refresh, { basic: client })
    expect([again.status, again.body.refresh_token]).toEqual([200, tokens.body.refresh_token])
  })

  it('signing in and out: refresh tokens on request alone, ID tokens by ES256, where people go and the back-channel logout URI', async () => {
    const client = await addForUsers({
      consent: 'skip_own_account',
      refreshTokens: 'offline_access',
      idTokenAlg: 'ES256',
      postLogoutRedirectUris: 'https://app.example.com/bye',
      backchannelLogoutUri: 'https://app.example.com/logout',
    })
    expect(await tokensFor(client)).not.toHaveProperty('refresh_token')
    const code = await visitor.code(client, { scope: 'openid' })
    const { id_token: idToken } = (await server.token(redemptionOf(code), { basic: client })).body
    expect(JSON.parse(Buffer.from(idToken.split('.')[0], 'base64url').toString()).alg).toBe('ES256')
    expect(await settingsOf(client.clientId)).toMatchObject({
      post_logout_redirect_uris: ['https://app.example.com/bye'],
      backchannel_logout_uri: 'https://app.example.com/logout',
    })
  })

  it('devices without a keyboard', async () => {
    const client = await addMachine({ 'grants.client_credentials': undefined, [`grants.${DEVICE_CODE_GRANT}`]: 'on' })
    const answer = await server.token({}, { path: '/oauth2/device', basic: client })
    expect([answer.status, typeof answer.body.user_code]).toEqual([200, 'string'])
  })
})

describe("the operator's fields", () => {
  const ofAccount = (): Changes => ({ owner: 'account', accountId: account })

  it('are neither seen nor set by an admin', async () => {
    const page = await asAdmin.visit('/applications/new')
    for (const name of ['rateLimit', 'accessType', 'owner', 'accountId'])
      expect(page.text).not.toContain(`name="${name}"`)
    expect(page.text).not.toContain('value="skip"')
    const client = await addMachine({
      rateLimit: '1',
      'rateLimit.unit': 'per hour',
      accessType: 'user',
      accountId: 'x',
    })
    expect(await settingsOf(client.clientId)).toMatchObject({
      rate_limit_count: null,
      access_type: 'both',
      account_id: account,
    })
    const shown = wordsOf(await asAdmin.visit(`/applications/${client.clientId}`))
    expect(shown).not.toContain('Access type')
    const forced = await add({ ...WITH_USERS, consent: 'skip' })
    expect([forced.status, forced.text.includes('Choose an option')]).toEqual([400, true])
  })

  it('limit how often it asks, and for whom it acts', async () => {
    const page = await add({ ...MACHINE, ...ofAccount(), rateLimit: '1', 'rateLimit.unit': 'per hour' }, asOperator)
    const client = credentialsOf(page)
    expect((await server.machineToken(client)).status).toBe(200)
    expect((await server.machineToken(client)).status).toBe(429)

    const narrowed = await edit(client.clientId, { accessType: 'user' }, asOperator)
    expect(narrowed.status).toBe(400)
    expect(narrowed.text).toMatch(/id="field-grants-error"[^>]*>This client acts for users only/)
  })

  it('stay as they are when an admin saves the form', async () => {
    const page = await add(
      { ...MACHINE, ...ofAccount(), consent: 'skip', rateLimit: '9', accessType: 'client' },
      asOperator,
    )
    const { clientId } = credentialsOf(page)
    expect((await edit(clientId, { name: 'Renamed' })).url).toMatch(/notice=saved$/)
    const row = await settingsOf(clientId)
    expect(row).toMatchObject({ name: 'Renamed', consent: 'skip', rate_limit_count: 9, access_type: 'client' })
  })

  it("make an application for an account by its name, or the instance's own", async () => {
    const { name } = await server.knex('accounts').where({ id: account }).first()
    const named = credentialsOf(await add({ ...MACHINE, owner: 'account', accountId: name }, asOperator))
    expect((await settingsOf(named.clientId)).account_id).toBe(account)
    const own = credentialsOf(await add({ ...MACHINE, owner: 'instance' }, asOperator))
    expect((await settingsOf(own.clientId)).account_id).toBeNull()
    expect((await asAdmin.visit(`/applications/${own.clientId}`)).status).toBe(404)
    for (const accountId of ['', 'Nobody & Sons', '00000000-0000-7000-8000-000000000000']) {
      const refused = await add({ ...MACHINE, owner: 'account', accountId }, asOperator)
      expect([refused.status, /id="field-accountId-error"/.test(refused.text)]).toEqual([400, true])
    }
  })
})

describe('a new key', () => {
  const generate = async (clientId: string, changes: Changes) =>
    await sendForm(asAdmin, await asAdmin.visit(`/applications/${clientId}/key`), /\/key$/, changes)

  it('ends the former one at once, with every token that it obtained', async () => {
    const former = await addMachine()
    const { access_token: token } = (await server.machineToken(former)).body
    expect(wordsOf(await asAdmin.visit(`/applications/${former.clientId}/key`))).toContain('revoke 1 access token')
    const page = await generate(former.clientId, { when: 'now' })
    expect((await server.machineToken(former)).status).toBe(401)
    expect(await isActive(token)).toBe(false)
    expect((await server.machineToken(credentialsOf(page))).status).toBe(200)
  })

  it('lets the former one work on for a while', async () => {
    const former = await addMachine()
    const page = await generate(former.clientId, { when: 'own', overlap: '90', 'overlap.unit': 'minutes' })
    expect(wordsOf(page)).toContain('The previous client secret is valid for another 90 minutes.')
    expect((await server.machineToken(former)).status).toBe(200)
    expect((await server.machineToken(credentialsOf(page))).status).toBe(200)
    const retiring = await server.knex('client_secrets').whereNotNull('retires_at').orderBy('id', 'desc').first()
    expect(retiring.retires_at.getTime() - Date.now()).toBeGreaterThan(85 * 60_000)
  })

  it('is not generated again by loading the page anew, which would end the key that is shown', async () => {
    const { clientId } = await addMachine()
    const asked = await asAdmin.visit(`/applications/${clientId}/key`)
    const shown = await sendForm(asAdmin, asked, /\/key$/, { when: 'now' })
    const again = await sendForm(asAdmin, asked, /\/key$/, { when: 'now' })
    expect([again.status, wordsOf(again).includes('no client secret was generated')]).toEqual([412, true])
    expect((await server.machineToken(credentialsOf(shown))).status).toBe(200)
  })

  it.each([
    [{ when: 'never' }, 'when'],
    [{ when: 'own' }, 'overlap'],
    [{ when: 'own', overlap: '400', 'overlap.unit': 'days' }, 'overlap'],
    [{ when: 'own', overlap: 'x' }, 'overlap'],
  ])('says at the field what is wrong with %o', async (changes, field) => {
    const { clientId } = await addMachine()
    const page = await generate(clientId, changes)
    expect([page.status, page.text.includes(`id="field-${field}-error"`)]).toEqual([400, true])
  })
})

describe('a previous secret', () => {
  it('is retired alone, with the tokens that it obtained', async () => {
    const client = await addMachine()
    const before = (await server.machineToken(client)).body.access_token
    const another = async () => {
      const keyPage = await asAdmin.visit(`/applications/${client.clientId}/key`)
      return credentialsOf(await sendForm(asAdmin, keyPage, /\/key$/, { when: '86400' }))
    }
    const [second, newestOfAll] = [await another(), await another()]
    const kept = (await server.machineToken(second)).body.access_token
    const { text } = await asAdmin.visit(`/applications/${client.clientId}/secrets`)
    const paths = [...text.matchAll(/\/applications\/\w+\/secrets\/(\d+)\/retire/g)]
    const [path] = paths.sort((a, b) => Number(a[1]) - Number(b[1]))[0]!
    const done = await sendForm(asAdmin, await asAdmin.visit(path), /\/retire$/)
    expect(wordsOf(done)).toContain('Retired. Tokens obtained with it are revoked.')
    expect((await server.machineToken(client)).status).toBe(401)
    expect(await isActive(before)).toBe(false)
    // The other previous secret and the newest one work on.
    expect(await isActive(kept)).toBe(true)
    for (const one of [second, newestOfAll]) expect((await server.machineToken(one)).status).toBe(200)
    // It is gone, and the newest one cannot be retired.
    expect((await asAdmin.visit(path)).status).toBe(404)
    const newest = await server.knex('client_secrets').max('id').where({ retires_at: null }).first()
    expect((await asAdmin.visit(path.replace(/\d+(?=\/retire)/, newest!.max))).status).toBe(404)
  })
})

describe('a page that asks before it stops an application', () => {
  it.each(['archive', 'key'])('lists the callers of the last 24 hours: %s', async (page) => {
    const client = await addMachine()
    const path = `/applications/${client.clientId}/${page}`
    expect(wordsOf(await asAdmin.visit(path))).not.toContain('Callers in the last 24 hours')
    await server.machineToken(client)
    await until(async () => wordsOf(await asAdmin.visit(path)).includes('Callers in the last 24 hours'))
    expect(wordsOf(await asAdmin.visit(path))).toContain('127.0.0.1')
  })
})

describe('a previous secret that is retired when it is unused', () => {
  async function rotatedClient() {
    const client = await addMachine()
    const asked = await asAdmin.visit(`/applications/${client.clientId}/key`)
    const shown = await sendForm(asAdmin, asked, /\/key$/, { when: 'unused' })
    expect(wordsOf(shown)).toContain('or until it is unused for 1 day')
    const { text } = await asAdmin.visit(`/applications/${client.clientId}/secrets`)
    return { ...client, path: /\/applications\/\w+\/secrets\/\d+\/retire-unused/.exec(text)![0] }
  }

  it('keeps its callers in view, and the hours can be changed', async () => {
    const { clientId, path } = await rotatedClient()
    const done = await sendForm(asAdmin, await asAdmin.visit(path), /\/retire-unused$/, {
      unusedHours: '3',
      'unusedHours.unit': 'hours',
      latestAt: '2',
      'latestAt.unit': 'days',
    })
    expect(wordsOf(done)).toContain('or until it is unused for 3 hours')
    const { text } = await asAdmin.visit(`/applications/${clientId}/secrets`)
    expect(text).toContain('As of ')
  })

  it('is not changed by a second page that was open before', async () => {
    const { path } = await rotatedClient()
    const [one, other] = [await asAdmin.visit(path), await asAdmin.visit(path)]
    await sendForm(asAdmin, one, /\/retire-unused$/, { unusedHours: '3', 'unusedHours.unit': 'hours' })
    const refused = await sendForm(asAdmin, other, /\/retire-unused$/, {
      unusedHours: '5',
      'unusedHours.unit': 'hours',
    })
    expect([refused.status, wordsOf(refused).includes('nothing was saved')]).toEqual([412, true])
    expect(wordsOf(refused)).toContain('or until it is unused for 3 hours')
  })

  it('is not retired twice by two pages: the second one says that it is retired', async () => {
    const { path } = await rotatedClient()
    const retirement = path.replace('-unused', '')
    const [one, other] = [await asAdmin.visit(retirement), await asAdmin.visit(retirement)]
    await sendForm(asAdmin, one, /\/retire$/)
    const refused = await sendForm(asAdmin, other, /\/retire$/)
    expect([refused.status, wordsOf(refused).includes('already retired')]).toEqual([409, true])
  })

  it.each([
    [{ unusedHours: '' }, 'unusedHours'],
    [{ unusedHours: '90', 'unusedHours.unit': 'minutes' }, 'unusedHours'],
    [{ latestAt: '0', 'latestAt.unit': 'days' }, 'latestAt'],
    [{ latestAt: '30', 'latestAt.unit': 'days' }, 'latestAt'],
  ])('says at the field what is wrong with %o', async (changes, field) => {
    const { path } = await rotatedClient()
    const page = await sendForm(asAdmin, await asAdmin.visit(path), /\/retire-unused$/, changes)
    expect([page.status, page.text.includes(`id="field-${field}-error"`)]).toEqual([400, true])
  })
})

describe('archive and restore', () => {
  it('restored, the archived secret works again only where that is chosen', async () => {
    const client = await addMachine()
    const path = `/applications/${client.clientId}`
    await sendForm(asAdmin, await asAdmin.visit(`${path}/archive`), /\/archive$/)
    const restored = await sendForm(asAdmin, await asAdmin.visit(`${path}/restore`), /\/restore$/, { secret: 'keep' })
    expect(wordsOf(restored)).toContain('Application restored')
    expect((await server.machineToken(client)).status).toBe(200)
  })

  it('archived, nothing of it works; restored, it begins anew', async () => {
    const client = await addMachine()
    const { access_token: token } = (await server.machineToken(client)).body
    const asked = await asAdmin.visit(`/applications/${client.clientId}/archive`)
    expect(wordsOf(asked)).toContain('revoke 1 access token immediately')
    const archived = await sendForm(asAdmin, asked, /\/archive$/)
    expect(wordsOf(archived)).toContain('Application archived')
    expect((await server.machineToken(client)).status).toBe(401)
    expect(await isActive(token)).toBe(false)

    const restoring = await asAdmin.visit(`/applications/${client.clientId}/restore`)
    const restored = credentialsOf(await sendForm(asAdmin, restoring, /\/restore$/))
    expect((await server.machineToken(client)).status).toBe(401)
    expect((await server.machineToken(restored)).status).toBe(200)
    expect(await isActive(token)).toBe(false)
    const acts = await server.knex('audit_log').where({ target_id: client.clientId }).orderBy('at').pluck('action')
    expect(acts).toEqual(['client.created', 'client.archived', 'client.restored'])
  })
})
