/** The identity providers of an account and of the instance in the console: who manages them decides who signs in. */
import { Resolver } from 'node:dns/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { addMembership } from '../../../src/accounts/membership-changes.ts'
import { openReservedId, reserveProviderId } from '../../../src/identity-providers/reserved-provider-ids.ts'
import { json, type Script, startScriptedProvider } from '../../identity-providers/scripted-provider.ts'
import { ALLOW, addProvider, signInThrough } from '../../identity-providers/upstream-environment.ts'
import { ACTOR } from '../../support/factory.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { type Browser, openBrowser, type Page } from '../../support/scriptless-browser.ts'
import { createTestUser } from '../../support/test-users.ts'
import { createService } from '../console-session-fixtures.ts'
import { createOperator, enter, wordsOf } from './console-visits.ts'
import { type Changes, sendForm } from './filled-forms.ts'

let server: Keywright
let upstream: Awaited<ReturnType<typeof startScriptedProvider>>
let account: string
let admin: Browser
let operator: Browser

beforeAll(async () => {
  server = await startKeywright({ env: ALLOW })
  upstream = await startScriptedProvider()
  account = server.firstStart.accountId
  operator = await enter(server, await createOperator(server.knex))
})
afterAll(async () => {
  const failures = server.logLines().filter((line) => (line.level as number) >= 50)
  expect(failures).toEqual([])
  upstream.stop()
  await server.stop()
})
beforeEach(async () => {
  admin = await enter(server, await createTestUser(server.knex, account, 'admin'))
})
afterEach(async () => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  upstream.script({})
  await server.knex('identity_providers').delete()
})

const idIn = ({ url }: Page): string => /identity-providers\/([0-9a-f-]{36})/.exec(url)![1]!

const rowOf = (id: string) => server.knex('identity_providers').where({ id }).first()

/** Adds the scripted provider with the form of the console. */
async function add(browser: Browser, changes: Changes = {}, at = '/identity-providers/new'): Promise<Page> {
  const { issuer, clientId, clientSecret } = upstream
  const page = await browser.visit(at)
  return await sendForm(browser, page, /\/new$/, { name: 'Acme', issuer, clientId, clientSecret, ...changes })
}

/** The message at a field of a form. */
const errorAt = ({ text }: Page, field: string): string =>
  (new RegExp(`id="field-${field}-error">([\\s\\S]*?)</p>`).exec(text)?.[1] ?? '').replace(/<[^>]*>/g, '')

test('an admin adds a provider, and copies its addresses', async () => {
  const empty = await admin.visit('/identity-providers')
  expect(wordsOf(empty)).toContain('No identity providers yet')
  const asked = await admin.visit('/identity-providers/new')
  const form = wordsOf(asked)
  expect(form).toContain('Users reach the provider by their email domain')
  expect(form).not.toContain('Shown on the button of the sign-in page')
  const redirectUri = new RegExp(`data-copy="(${server.issuer}/signin/callback/[^"]*)"`)
  const shown = redirectUri.exec(asked.text)![1]!
  const { issuer, clientId, clientSecret } = upstream
  const values = { name: 'Acme', clientId, clientSecret }
  const refused = await sendForm(admin, asked, /\/new$/, { ...values, issuer: `${issuer}/another` })
  expect([refused.status, redirectUri.exec(refused.text)![1]]).toEqual([400, shown])
  const page = await sendForm(admin, refused, /\/new$/, { ...values, issuer })
  const id = idIn(page)
  expect(shown.endsWith(id)).toBe(true)
  expect(wordsOf(page)).toContain('Identity provider added. The provider needs the addresses below.')
  const again = await sendForm(admin, asked, /\/new$/, { ...values, issuer })
  expect([again.status, wordsOf(again)]).toEqual([400, expect.stringContaining('added already')])
  expect(page.text).toContain(`data-copy="${server.issuer}/signin/callback/${id}"`)
  expect(page.text).toContain(`data-copy="${server.issuer}/oauth2/backchannel-logout/${id}"`)
  expect(wordsOf(page)).toContain('Nobody can sign in through this provider yet')
  expect(page.text).not.toContain(upstream.clientSecret)
  const row = await rowOf(id)
  expect(row).toMatchObject({ account_id: account, name: 'Acme', creates_users: false, status: 'enabled' })
  expect(wordsOf(await admin.visit('/identity-providers'))).toContain('Acme')
  expect(wordsOf(await admin.visit('/activity'))).toContain('added the identity provider Acme')
})

test('the redirect URI of another account, and one from yesterday, is shown anew', async () => {
  const stranger = await enter(server, await createTestUser(server.knex, await server.make.account(), 'admin'))
  const reservationIn = ({ text }: Page) => /name="reservation" value="([^"]*)"/.exec(text)![1]!
  const theirs = reservationIn(await stranger.visit('/identity-providers/new'))
  const own = await admin.visit('/identity-providers/new')
  const forged = { ...own, text: own.text.replaceAll(reservationIn(own), theirs) }
  const { issuer, clientId, clientSecret } = upstream
  const refused = await sendForm(admin, forged, /\/new$/, { name: 'Acme', issuer, clientId, clientSecret })
  expect([refused.status, wordsOf(refused)]).toEqual([400, expect.stringContaining('redirect URI of this form')])
  expect(await server.knex('identity_providers')).toEqual([])
  const page = await sendForm(admin, refused, /\/new$/, { name: 'Acme', issuer, clientId, clientSecret })
  expect(wordsOf(page)).toContain('Identity provider added.')
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 25 * 3_600_000 })
  const { ticket } = reserveProviderId(server.instance.encryptionKeys, account)
  vi.useRealTimers()
  expect(openReservedId(server.instance.encryptionKeys, ticket, account)).toBeUndefined()
})

describe('a provider that cannot be used', () => {
  const metadata = (change: Record<string, unknown>): Script => ({
    discovery: (response, all) => json(response, { ...all, ...change }),
  })
  const faults: [what: string, script: Script, field: string, message: string][] = [
    ['an error of its own', { discovery: (r) => json(r, {}, 503) }, 'issuer', 'responded with an error of its own'],
    ['no configuration', { discovery: (r) => json(r, {}, 404) }, 'issuer', 'There is no OpenID configuration at http'],
    [
      'a page in place of the configuration',
      { discovery: (r) => void r.writeHead(200, { 'content-type': 'text/html' }).end('<p>') },
      'issuer',
      'There is no OpenID configuration at http',
    ],
    [
      'another issuer',
      metadata({ issuer: 'https://other.example.com/tenant' }),
      'issuer',
      'enter exactly https://other.example.com/tenant',
    ],
    [
      'no authorization code flow',
      metadata({ response_types_supported: ['id_token'] }),
      'issuer',
      'authorization code flow',
    ],
    ['no PKCE', metadata({ code_challenge_methods_supported: ['plain'] }), 'issuer', 'PKCE with S256'],
    [
      'no public-key signatures',
      metadata({ id_token_signing_alg_values_supported: ['HS256'] }),
      'issuer',
      'public-key algorithm',
    ],
    ['no keys', metadata({ jwks_uri: undefined }), 'issuer', 'no valid jwks_uri'],
    [
      'another client authentication',
      metadata({ token_endpoint_auth_methods_supported: ['client_secret_post'] }),
      'clientAuth',
      'does not support client_secret_basic',
    ],
  ]
  it.each(faults)('is not saved, and its field says why: %s', async (_, script, field, message) => {
    upstream.script(script)
    const page = await add(operator)
    expect([page.status, errorAt(page, field)]).toEqual([400, expect.stringContaining(message)])
    expect(page.text).not.toContain(upstream.clientSecret)
    expect(await server.knex('identity_providers')).toEqual([])
  })

  it.each(faults.slice(0, 4))('tells no admin of an account what an address responds: %s', async (_, script) => {
    upstream.script(script)
    const page = await add(admin)
    expect([page.status, errorAt(page, 'issuer')]).toEqual([400, expect.stringContaining('could not be read at http')])
  })

  it('is not reached at an address of the network that the operator does not allow', async () => {
    const page = await add(admin, { issuer: 'https://10.0.0.1' })
    expect([page.status, errorAt(page, 'issuer')]).toEqual([400, expect.stringContaining('not at a public address')])
  })

  it('is tested again, and the page says what is wrong', async () => {
    const id = idIn(await add(admin))
    const ask = await admin.visit(`/identity-providers/${id}/test`)
    expect(wordsOf(await admin.submit(ask, /test$/))).toContain('The provider responds, and its settings fit.')
    upstream.script(metadata({ response_types_supported: ['token'] }))
    const page = await admin.submit(ask, /test$/)
    expect([page.status, wordsOf(page)]).toEqual([400, expect.stringContaining('The provider cannot be used')])
    expect(wordsOf(page)).toContain('authorization code flow')
  })
})

test('all fields with bad input say why at once', async () => {
  const page = await add(admin, {
    name: '',
    issuer: 'http://login.example.com',
    clientSecret: '',
    scopes: 'profile',
    roleClaim: 'a b',
    roleValues: 'engineers=emperor',
  })
  expect(page.status).toBe(400)
  expect(errorAt(page, 'name')).toBe('This field is required.')
  expect(errorAt(page, 'clientSecret')).toBe('This field is required.')
  expect(errorAt(page, 'issuer')).toContain('must begin with https://')
  expect(errorAt(page, 'scopes')).toContain('The scopes must include openid')
  expect(errorAt(page, 'roleClaim')).toContain('The name of a claim')
  expect(errorAt(page, 'roleValues')).toMatch(/engineers=emperor is not a value and a role/i)
})

test('an admin sets what new users become, and only what operators leave to admins', async () => {
  const id = idIn(await add(admin))
  const path = `/identity-providers/${id}/edit`
  const page = await admin.visit(path)
  expect(page.text).not.toMatch(/name="(issuer|accountClaim|trustsSecondFactor|trustedAcr|clientSecret)"/)
  const saved = await sendForm(admin, page, /edit$/, {
    createsUsers: 'on',
    roleClaim: 'groups',
    roleValues: 'Domain Admins=admin\nengineers=developer',
    trustsSecondFactor: 'on',
    accountClaim: 'tenant',
    issuer: 'https://other.example.com',
  })
  expect(wordsOf(saved)).toContain('Changes saved.')
  expect(await rowOf(id)).toMatchObject({
    creates_users: true,
    role_claim: 'groups',
    role_values: ['Domain Admins=admin', 'engineers=developer'],
    trusts_second_factor: false,
    account_claim: null,
    issuer: upstream.issuer,
  })
  expect((await admin.visit(path)).text).toContain('Domain Admins=admin\nengineers=developer')
  const stale = await sendForm(admin, page, /edit$/, { name: 'Late' })
  expect([stale.status, (await rowOf(id)).name]).toEqual([412, 'Acme'])
})

test('a changed client authentication is checked with the provider', async () => {
  const id = idIn(await add(admin))
  upstream.script({
    discovery: (response, all) =>
      json(response, { ...all, token_endpoint_auth_methods_supported: ['client_secret_basic'] }),
  })
  const page = await admin.visit(`/identity-providers/${id}/edit`)
  const refused = await sendForm(admin, page, /edit$/, { clientAuth: 'client_secret_post' })
  expect([refused.status, errorAt(refused, 'clientAuth')]).toEqual([400, expect.stringContaining('does not support')])
  expect((await sendForm(admin, page, /edit$/, { name: 'Renamed' })).status).toBe(200)
})

test('a replaced client secret is used by the next sign-in, and shown nowhere', async () => {
  const id = idIn(await add(operator, { clientSecret: 'wrong' }))
  await server.knex('user_identities').insert({
    id: crypto.randomUUID(),
    provider_id: id,
    subject: 'ada',
    user_id: (await createTestUser(server.knex, account, 'member')).id,
  })
  const isSignedIn = async () =>
    (await signInThrough({ server, provider: upstream }, id, { sub: 'ada' })).page.url.endsWith('/account/security')
  expect(await isSignedIn()).toBe(false)
  const path = `/identity-providers/${id}/secret`
  const empty = await sendForm(operator, await operator.visit(path), /secret$/)
  expect([empty.status, errorAt(empty, 'clientSecret')]).toEqual([400, 'This field is required.'])
  const wrong = await sendForm(operator, await operator.visit(path), /secret$/, { clientSecret: 'sécret' })
  expect([wrong.status, wrong.text.includes('sécret')]).toEqual([400, false])
  const page = await sendForm(operator, await operator.visit(path), /secret$/, { clientSecret: upstream.clientSecret })
  expect([wordsOf(page).includes('Client secret replaced.'), page.text.includes(upstream.clientSecret)]).toEqual([
    true,
    false,
  ])
  expect(await isSignedIn()).toBe(true)
})

test('disabling ends the sessions that began with the provider, and so does deleting', async () => {
  const person = await createTestUser(server.knex, account, 'member')
  const id = idIn(await add(operator))
  const connect = () =>
    server
      .knex('user_identities')
      .insert({ id: crypto.randomUUID(), provider_id: id, subject: 'x', user_id: person.id })
  await connect()
  const openSession = async () => (await signInThrough({ server, provider: upstream }, id, { sub: 'x' })).browser
  const isOpen = async (browser: Browser) =>
    (await browser.visit('/account/applications')).url.endsWith('/applications')

  const first = await openSession()
  expect(await isOpen(first)).toBe(true)
  const ask = await operator.visit(`/identity-providers/${id}/status`)
  expect(wordsOf(ask)).toContain('Connected users 1 user')
  expect(wordsOf(await operator.submit(ask, /status$/))).toContain('Identity provider disabled.')
  expect(await isOpen(first)).toBe(false)
  const enabled = await operator.submit(await operator.visit(`/identity-providers/${id}/status`), /status$/)
  expect(wordsOf(enabled)).toContain('Identity provider enabled.')
  expect(await isOpen(first)).toBe(false)

  const second = await openSession()
  expect(await isOpen(second)).toBe(true)
  const list = await operator.submit(await operator.visit(`/identity-providers/${id}/delete`), /delete$/)
  expect(wordsOf(list)).toContain('Identity provider deleted.')
  expect([await isOpen(second), await rowOf(id)]).toEqual([false, undefined])
  expect(await server.knex('users').where({ id: person.id })).toHaveLength(1)
})

describe('an email domain', () => {
  const addDomain = async (browser: Browser, id: string, domain: string) =>
    await sendForm(browser, await browser.visit(`/identity-providers/${id}/domains/new`), /new$/, { domain })

  /** What DNS says of every name. */
  const publish = (...records: string[]) =>
    vi.spyOn(Resolver.prototype, 'resolveTxt').mockImplementation(async () => records.map((one) => [one]))

  const verify = async (browser: Browser, page: Page) => await browser.submit(page, /verify$/)

  it('is verified by its TXT record, and then removed', async () => {
    const id = idIn(await add(admin))
    const bad = await addDomain(admin, id, 'not a domain')
    expect([bad.status, errorAt(bad, 'domain')]).toEqual([400, expect.stringContaining('has the form example.com')])
    const page = await addDomain(admin, id, 'ACME.example')
    expect(new URL(page.url).pathname).toBe(`/identity-providers/${id}/domains/acme.example`)
    expect(page.text).toContain('data-copy="_keywright.acme.example"')
    expect(page.text).toContain(`data-copy="keywright-identity-provider=${id}"`)
    expect(wordsOf(page)).toContain('Waiting for verification')

    publish('v=spf1 -all')
    const waiting = await verify(admin, page)
    expect([waiting.status, wordsOf(waiting)]).toEqual([400, expect.stringContaining('The domain is not verified')])
    publish('v=spf1 -all', `keywright-identity-provider=${id}`)
    const done = await verify(admin, page)
    expect(wordsOf(done)).toContain('Email domain verified. Its addresses lead to the provider.')
    expect(wordsOf(await admin.visit(`/identity-providers/${id}`))).not.toContain('Nobody can sign in')
    const removed = await admin.submit(
      await admin.visit(`/identity-providers/${id}/domains/acme.example/remove`),
      /remove$/,
    )
    expect(wordsOf(removed)).toContain('Email domain removed.')
    expect(await server.knex('identity_provider_domains')).toEqual([])
  })

  it('that another account has verified is not said to be, until DNS shows who owns it', async () => {
    const other = await addProvider(server, upstream, { accountId: await server.make.account(), name: 'Secret rival' })
    const domain = { domain: 'acme.example', verified_at: new Date() }
    await server.knex('identity_provider_domains').insert({ provider_id: other, ...domain })
    const id = idIn(await add(admin))
    const page = await addDomain(admin, id, domain.domain)
    expect(wordsOf(page)).toContain('Waiting for verification')
    publish()
    const unproven = await verify(admin, page)
    expect(wordsOf(unproven)).not.toMatch(/another/)
    publish(`keywright-identity-provider=${id}`)
    const refused = await verify(admin, page)
    expect([refused.status, wordsOf(refused)]).toEqual([400, expect.stringContaining('is verified for another')])
    expect(refused.text).not.toMatch(/Secret rival/)
    // Operators see all providers.
    expect(wordsOf(await operator.visit(`/identity-providers/${id}`))).toContain('Verified for another provider')
  })

  it('that another provider of the account has verified is said to be', async () => {
    const first = await addProvider(server, upstream, { accountId: account })
    const domain = { domain: 'acme.example', verified_at: new Date() }
    await server.knex('identity_provider_domains').insert({ provider_id: first, ...domain })
    const page = await addDomain(admin, idIn(await add(admin)), domain.domain)
    expect(wordsOf(page)).toContain('Verified for another provider')
    expect(wordsOf(page)).toContain('Remove it there first.')
  })

  it('is verified by an operator without a record', async () => {
    const id = await addProvider(server, upstream, { accountId: account })
    publish()
    const page = await addDomain(operator, id, 'acme.example')
    expect(wordsOf(page)).toContain('As an operator, you can verify it without the record')
    expect(wordsOf(await verify(operator, page))).toContain('Email domain verified.')
  })
})

describe('an operator', () => {
  it('adds a provider of the instance, with what only operators set', async () => {
    const page = await add(operator, {
      createsUsers: 'on',
      accountClaim: 'tenant',
      trustsSecondFactor: 'on',
      trustedAcr: 'phr phrh',
    })
    expect(await rowOf(idIn(page))).toMatchObject({
      account_id: null,
      account_claim: 'tenant',
      trusts_second_factor: true,
      trusted_acr: ['phr', 'phrh'],
    })
    expect((await openBrowser(server.url).visit('/signin')).text).toContain('Continue with Acme')
    const bad = await add(operator, { createsUsers: 'on' })
    expect([bad.status, errorAt(bad, 'accountClaim')]).toEqual([400, expect.stringContaining('Name the claim')])
  })

  it('adds a provider of an account from the page of the account', async () => {
    const name = (await server.knex('accounts').where({ id: account }).first('name')).name
    const path = `/identity-providers?account=${account}`
    expect((await operator.visit(`/accounts/${account}`)).text).toContain(`href="${path}"`)
    expect((await operator.visit(path)).text).toContain(`href="/identity-providers/new?account=${account}"`)
    const form = await operator.visit(`/identity-providers/new?account=${account}`)
    expect(wordsOf(form)).toContain(`Only users of the account ${name} sign in through it.`)
    expect(form.text).not.toContain('name="accountClaim"')
    const page = await add(operator, {}, `/identity-providers/new?account=${account}`)
    expect(await rowOf(idIn(page))).toMatchObject({ account_id: account })
    expect(wordsOf(await operator.visit(path))).toContain('Acme')
    expect((await operator.visit(`/accounts/${account}`)).text).toContain('1 identity provider')
  })
})

describe('who decides how others sign in', () => {
  it('has signed in recently', async () => {
    const id = await addProvider(server, upstream, { accountId: account })
    const form = await admin.visit(`/identity-providers/${id}/edit`)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 })
    for (const step of ['new', `${id}/edit`, `${id}/secret`, `${id}/status`, `${id}/delete`, `${id}/domains/new`])
      expect([step, wordsOf(await admin.visit(`/identity-providers/${step}`))]).toEqual([
        step,
        expect.stringContaining('Confirm your password'),
      ])
    const asked = await sendForm(admin, form, /edit$/, { name: 'Other' })
    expect(wordsOf(asked)).toContain('Confirm your password')
    expect((await rowOf(id)).name).toBe('Acme')
    // Reading needs no second sign-in.
    expect(wordsOf(await admin.visit(`/identity-providers/${id}`))).toContain('Copy into the provider')
  })

  it('manages the account alone in a session by its provider', async () => {
    const other = await server.make.account()
    const person = await createTestUser(server.knex, other, 'admin')
    const membership = { userId: person.id, accountId: account, role: 'admin' } as const
    await server.knex.transaction((trx) => addMembership(trx, membership, ACTOR))
    const id = await addProvider(server, upstream, { accountId: account })
    const elsewhere = await addProvider(server, upstream, { accountId: other, name: 'Elsewhere' })
    const identity = { id: crypto.randomUUID(), provider_id: id, subject: 'fixed', user_id: person.id }
    await server.knex('user_identities').insert(identity)
    const { browser } = await signInThrough({ server, provider: upstream }, id, {
      sub: 'fixed',
      auth_time: Math.floor(Date.now() / 1000),
    })
    const list = await browser.visit('/identity-providers')
    expect([list.text.includes(id), list.text.includes('Elsewhere')]).toEqual([true, false])
    expect(idIn(await add(browser, { name: 'Second' }))).toEqual(expect.any(String))
    for (const step of ['', '/edit', '/delete'])
      expect((await browser.visit(`/identity-providers/${elsewhere}${step}`)).status).toBe(404)
  })

  it('is nobody in a console session', async () => {
    const service = await createService(server)
    const pages = ['keys', 'applications', 'usage', 'activity', 'webhooks', 'inspect']
    const browser = openBrowser(server.url)
    expect((await browser.visit(await service.create({ pages }))).status).toBe(200)
    const id = await addProvider(server, upstream, { accountId: account })
    for (const path of ['', '/new', `/${id}`, `/${id}/edit`, `/${id}/domains/new`])
      expect((await browser.visit(`/identity-providers${path}`)).status).toBe(403)
    expect((await browser.visit('/applications')).text).not.toContain('identity-providers')
  })
})

test('an account has at most 20 providers', async () => {
  const { issuer, clientId } = upstream
  const values = { account_id: account, name: 'One', issuer, client_id: clientId, scopes: ['openid'] }
  const rows = Array.from({ length: 20 }, () => ({
    ...values,
    id: crypto.randomUUID(),
    sealed_client_secret: Buffer.alloc(1),
  }))
  await server.knex('identity_providers').insert(rows)
  const page = await add(admin)
  expect([page.status, wordsOf(page)]).toEqual([400, expect.stringContaining('at most 20 identity providers')])
})
