/** Sessions in the console that a service of the company opens for its users. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createSealedTickets } from '../../src/shared/sealed-tickets.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { send } from '../support/requests.ts'
import { type Browser, openBrowser, signIn } from '../support/scriptless-browser.ts'
import { createTestUser } from '../support/test-users.ts'
import { createService, PRODUCT, RETURN_URL, type Service } from './console-session-fixtures.ts'

let server: Keywright
let other: Keywright
let service: Service

beforeAll(async () => {
  server = await startKeywright()
  other = await startKeywright({ databaseUrl: server.env.DATABASE_URL!, env: { ...server.env } })
  service = await createService(server)
})

afterEach(() => void vi.useRealTimers())

afterAll(async () => {
  const failures = [server, other].flatMap((node) => node.logLines()).filter((line) => (line.status as number) >= 500)
  expect(failures).toEqual([])
  await other.stop()
  await server.stop()
})

/** The same address at the other node. */
const atOther = (url: string) => url.replace(server.url, other.url)

async function enter(url: string, node: Pick<Keywright, 'url'> = server): Promise<Browser> {
  const browser = openBrowser(node.url)
  const { status, text } = await browser.visit(url)
  expect([status, text]).toEqual([200, expect.stringContaining('Back to Keywright')])
  return browser
}

const eventsOf = async (action: string, userId: string) =>
  await server.knex('audit_log').where({ action }).whereRaw(`? IN (target_id, actor_id)`, [userId])

const userOf = async (externalId: string) => await server.knex('users').where({ external_id: externalId }).first()

describe('a session', () => {
  test('lets a new admin generate a key pair with two clicks, and leads back to the product', async () => {
    const external_id = `usr-${randomUUID()}`
    const browser = openBrowser(server.url)
    const page = await browser.visit(await service.create({}, { external_id, name: 'Ada' }))
    expect(new URL(page.url).pathname).toBe('/settings/api')
    expect(page.text).toContain(`href="${RETURN_URL}"`)
    expect(page.text).toContain('Ada')
    const asked = await browser.visit('/settings/api/generate')
    const shown = await browser.submit(asked, /generate$/)
    expect([shown.status, shown.text]).toEqual([200, expect.stringMatching(/kws_\w+/)])
    const user = await userOf(external_id)
    expect(await server.knex('clients').where({ kind: 'key_pair', user_id: user.id })).toHaveLength(1)
    const [event] = await eventsOf('key_pair.generated', user.id)
    expect(event).toMatchObject({ actor_type: 'user', actor_id: user.id, detail: { through: service.client.clientId } })
  })

  test('is recorded with the service and the user, when it is created and when it is opened', async () => {
    const external_id = `usr-${randomUUID()}`
    const url = await service.create({}, { external_id })
    const { id } = await userOf(external_id)
    const created = { actor_type: 'client', actor_id: service.client.clientId, target_id: id }
    expect(await eventsOf('user.console_session_created', id)).toMatchObject([created])
    expect(await eventsOf('user.console_session_opened', id)).toEqual([])
    await enter(url)
    const opened = { actor_type: 'user', actor_id: id, detail: { through: service.client.clientId } }
    expect(await eventsOf('user.console_session_opened', id)).toMatchObject([opened])
  })

  test('works at each node, and shows the areas that it has', async () => {
    const browser = await enter(atOther(await service.create({ pages: ['activity', 'keys'] })), other)
    const moved = openBrowser(server.url)
    for (const [key, cookie] of browser.cookies) moved.cookies.set(key, cookie)
    const { text } = await moved.visit('/activity')
    expect(text).toContain('href="/settings/api"')
    expect(text).not.toContain('href="/users')
  })

  test('generates no keys ten minutes after it began, and says how to go on', async () => {
    const browser = await enter(await service.create())
    const asked = await browser.visit('/settings/api/generate')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 601_000 })
    const refused = await browser.submit(asked, /generate$/)
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('within ten minutes of opening')])
    expect(refused.text).not.toMatch(/kws_|password/i)
  })

  test('ends after an hour, and its page leads back to the product', async () => {
    const browser = await enter(await service.create())
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_601_000 })
    const ended = await browser.visit('/settings/api')
    expect([ended.status, ended.text]).toEqual([401, expect.stringContaining('This session has ended')])
    expect(ended.text).toContain(`href="${RETURN_URL}"`)
  })

  test('is no sign-in: an authorization request asks the user to sign in, also with its ID in the cookie of sign-ins', async () => {
    const external_id = `usr-${randomUUID()}`
    const browser = await enter(await service.create({}, { external_id }))
    const rows = await server.knex('engine_models').where({ model: 'Session', user_id: (await userOf(external_id)).id })
    expect(rows).toHaveLength(1)
    const application = await server.make.client({
      redirectUris: ['https://client.example/'],
      grants: ['authorization_code'],
    })
    const query = new URLSearchParams({
      client_id: application.clientId,
      redirect_uri: 'https://client.example/',
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })
    const { encryptionKeys } = server.instance
    const sealed = browser.cookies.get('kw_console /')!.value
    const opened = createSealedTickets<{ id: string; expiresAt: number }>(encryptionKeys, 'console session cookie')
    const planted = openBrowser(server.url)
    const cookie = { value: opened.open(sealed, 0)!.id, path: '/' }
    planted.cookies.set('kw_session /', cookie)
    for (const one of [browser, planted]) {
      const { url, text } = await one.visit(`/oauth2/authorize?${query}`)
      expect(new URL(url).pathname).toMatch(/^\/interaction\//)
      expect(text).toContain('type="password"')
    }
    planted.cookies.set('kw_session /', cookie)
    for (const path of ['/settings/api', '/account/security'])
      expect(new URL((await planted.visit(path)).url).pathname).toBe('/signin')
  })

  test('ends when the user signs out, which leaves their own sign-in alone', async () => {
    const person = await createTestUser(server.knex, server.firstStart.accountId, 'admin')
    const browser = openBrowser(server.url)
    await signIn(browser, await browser.visit('/signin'), person.email, person.password)
    const page = await browser.visit(await service.create())
    expect((await browser.visit('/account/security')).status).toBe(403)
    await browser.submit(page, /signout$/)
    expect((await browser.visit('/account/security')).text).toContain('Security')
  })

  test.each([
    ['the user is disabled', async (id: string) => await setStatus(id)],
    ['the user is signed out everywhere', async (id: string) => await signOut(id)],
    ['the tokens of the service are revoked', async () => await revokeService()],
  ])('ends, and its URLs do not work, when %s', async (_, end) => {
    const external_id = `usr-${randomUUID()}`
    const email = `${randomUUID()}@example.com`
    const browser = await enter(await service.create({}, { external_id, email }))
    const unopened = await service.create({}, { external_id, email })
    await end((await userOf(external_id)).id)
    expect((await browser.visit('/settings/api')).status).toBe(401)
    const opened = await openBrowser(other.url).visit(atOther(unopened))
    expect([opened.status, opened.text]).toEqual([410, expect.stringContaining('no longer works')])
  })
})

const api = () => rawManagement(server.url, service.token)
const setStatus = async (id: string) => {
  const { status, text } = await api().send('POST', `/users/${id}/disable`)
  expect([status, text]).toEqual([200, text])
}
const signOut = async (id: string) => void (await api().send('DELETE', `/users/${id}/tokens`))
async function revokeService() {
  const { clientId } = service.client
  await server.knex('clients').where({ client_id: clientId }).increment('revocation_epoch', 1)
  service = { ...service, ...(await createService(server)) }
}

describe('a URL', () => {
  test('opens one session, of ten browsers at once at two nodes', async () => {
    const url = await service.create()
    const opened = await Promise.all(
      Array.from({ length: 10 }, (_, n) => openBrowser([server, other][n % 2]!.url).visit(n % 2 ? atOther(url) : url)),
    )
    const statuses = opened.map(({ status }) => status)
    expect(statuses.toSorted()).toEqual([200, ...Array(9).fill(410)])
    expect(opened.find(({ status }) => status === 410)!.text).toContain(`href="${RETURN_URL}"`)
  })

  test('goes on in the browser that opened it, and in no other', async () => {
    const url = await service.create()
    const browser = await enter(url)
    expect((await browser.visit(url)).status).toBe(200)
    expect((await openBrowser(server.url).visit(url)).status).toBe(410)
  })

  test.each([
    ['a prefetch', { 'sec-purpose': 'prefetch;prerender' }, 'GET'],
    ['a script', { 'sec-fetch-dest': 'empty' }, 'GET'],
    ['a program that asks for the headers', {}, 'HEAD'],
  ])('is not used up by %s', async (_, headers, method) => {
    const url = await service.create()
    expect((await send(url, { method, headers, redirect: 'manual' })).status).toBe(204)
    await enter(url)
  })

  test('works for five minutes', async () => {
    const url = await service.create()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 301_000 })
    expect((await openBrowser(server.url).visit(url)).status).toBe(410)
  })

  test.each(['', '?ticket=', '?ticket=abc', '?ticket=a&ticket=b', `?ticket=${'A'.repeat(400)}`])(
    'without a ticket that Keywright sealed is refused: %s',
    async (query) => {
      const { status, text } = await openBrowser(server.url).visit(`/console-sessions/open${query}`)
      expect([status, text]).toEqual([410, expect.stringContaining('no longer works')])
    },
  )
})

describe('the request', () => {
  test('finds the account by its external ID, and repeats its response for an idempotency key', async () => {
    const externalId = `cus-${randomUUID()}`
    await server.knex('accounts').where({ id: server.firstStart.accountId }).update({ external_id: externalId })
    const body = service.request({ account: externalId })
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => service.post(body, { 'idempotency-key': externalId })),
    )
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(answers[0]).toMatchObject({ status: 201, body: { url: expect.stringMatching(/^http/) } })
    await enter(answers[0]!.body.url)
  })

  test.each([
    ['https://app.example.com.evil.example/', 'another host'],
    ['https://app.example.com@evil.example/', 'user information'],
    ['https://user@app.example.com/', 'user information'],
    ['https://app.example.com\\@evil.example/', 'a backslash'],
    ['https:app.example.com', 'no slashes'],
    ['https:///app.example.com/', 'three slashes'],
    ['//app.example.com/', 'no scheme'],
    ['http://app.example.com/', 'another scheme'],
    ['https://app.example.com:8443/', 'another port'],
    ['javascript:alert(1)//https://app.example.com', 'a script'],
    ['https://app.example.com/\u0001', 'a control character'],
    ['https://app.example.com/ x', 'a space'],
    [`https://app.example.com/${'x'.repeat(2000)}`, 'its length'],
  ])('refuses the return URL %s for %s', async (return_url) => {
    const { status, text } = await service.post(service.request({ return_url }))
    expect([status, text]).toEqual([400, expect.stringContaining('return_url')])
  })

  test.each([
    ['no pages', { pages: [] }],
    ['an unknown page', { pages: ['users'] }],
    ['an operator', { user: { external_id: 'x', email: 'x@example.com', role: 'operator' } }],
    ['no user', { user: undefined }],
    ['another member', { admin: true }],
  ])('with %s is refused', async (_, more) => {
    expect((await service.post(service.request(more))).status).toBe(400)
  })

  test('for an unknown account is 404, and creates no user', async () => {
    const body = service.request({ account: 'cus-unknown' })
    expect((await service.post(body)).status).toBe(404)
    expect(await userOf(body.user.external_id)).toBeUndefined()
  })

  test('for an address that another user has is a conflict', async () => {
    const person = await createTestUser(server.knex, server.firstStart.accountId)
    const { status, text } = await service.post(service.request({}, { email: person.email }))
    expect([status, text]).toEqual([409, text])
  })

  test('is only for services of the operator with the scope', async () => {
    const ofAccount = await managementToken(server, await managingApplication(server, server.firstStart.accountId))
    const withoutScope = await managementToken(server, service.client, 'users:write accounts:read')
    for (const token of [ofAccount, withoutScope])
      expect((await service.post(service.request(), {}, token)).status).toBe(403)
  })

  test('is refused without an origin of the product', async () => {
    await server.knex('instance_settings').update({ product_origins: [] })
    expect((await service.post(service.request())).status).toBe(400)
    await server.knex('instance_settings').update({ product_origins: [PRODUCT] })
  })
})
