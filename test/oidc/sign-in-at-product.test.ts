/** Sign-in at the operator's own product: a challenge in the browser, and an answer through the management API. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { updateInstanceSettings } from '../../src/clients/instance-settings.ts'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { type Answer, claimsOf, postForm } from '../support/requests.ts'
import { type Browser, openBrowser, type Page, signIn } from '../support/scriptless-browser.ts'
import { addTestApp } from '../support/second-factors.ts'
import { openSignedInBrowser, redemptionOf } from '../support/signed-in-browsers.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  createApplication,
  expectPage,
  expectSentBack,
  goOn,
  inShort,
  isAllow,
  isSignIn,
  type Params,
} from './application-fixtures.ts'

const PRODUCT = 'https://product.example.com/sign-in'
const ISSUER = 'https://keywright.test'
const MFA_ACR = 'urn:keywright:acr:mfa'

let server: Keywright
/** Another node. */
let other: Keywright
let application: Application
let service: string
let person: Person
let externalId: string

beforeAll(async () => {
  server = await startKeywright({ env: { ISSUER } })
  other = await startKeywright({ env: server.env, databaseUrl: server.env.DATABASE_URL! })
  application = await createApplication(server)
  service = await managementToken(server, await managingApplication(server, null))
  person = await createTestUser(server.knex, server.firstStart.accountId)
  externalId = `usr-${randomUUID()}`
  await server.knex('users').where({ id: person.id }).update({ external_id: externalId })
})
afterEach(() => void vi.useRealTimers())
afterAll(async () => {
  const failures = server.logLines().filter((line) => (line.status as number) >= 500)
  expect(failures).toEqual([])
  await other.stop()
  await server.stop()
})

type Settings = Parameters<typeof updateInstanceSettings>[1]

/** Changes settings. Pages learn of a new URL within three seconds. */
async function set(settings: Settings): Promise<void> {
  await server.knex.transaction((trx) => updateInstanceSettings(trx, settings, ACTOR))
  const isKnown = async () => {
    for (const { url } of [server, other]) {
      const { left } = await openBrowser(url).visit('/signin')
      if ((left?.href.split('?')[0] ?? null) !== settings.signInUrl) return false
    }
    return true
  }
  if ('signInUrl' in settings) await vi.waitFor(async () => expect(await isKnown()).toBe(true), 90_000)
}

beforeAll(() => set({ signInUrl: PRODUCT }))

/** The challenge that the product received. */
function challengeOf(page: Page): string {
  expect(inShort(page).split('?')[0]).toBe(PRODUCT)
  return page.left!.searchParams.get('sign_in_challenge')!
}

const answerTo = (challenge: string, verb: string, body: unknown, token = service, at = server): Promise<Answer> =>
  rawManagement(at.url, token).json('PUT', `/sign-in-challenges/${challenge}/${verb}`, body)

const known = () => ({ user: { external_id: externalId } })

const accept = (challenge: string, body: unknown = known()): Promise<Answer> => answerTo(challenge, 'accept', body)

const read = (challenge: string, token = service): Promise<Answer> =>
  rawManagement(server.url, token).send('GET', `/sign-in-challenges/${challenge}`)

/** A path of the server, at whichever node. */
function pathOf({ status, body, text }: Answer): string {
  expect([status, text]).toEqual([200, expect.any(String)])
  const url = new URL(body.redirect_to)
  expect(url.origin).toBe(ISSUER)
  return url.pathname + url.search
}

/** Goes from an application's request by the product to its tokens. */
async function tokensBy(browser: Browser, body: unknown, params: Params = {}): Promise<Answer['body']> {
  const challenge = challengeOf(await browser.visit(application.link(params)))
  const left = await goOn(browser, await browser.visit(pathOf(await accept(challenge, body))), person)
  const redeemed = await application.redeem(left.searchParams.get('code')!)
  return redeemed.body
}

const problem = ({ status, body }: Answer) => [status, body.errors?.[0]?.pointer ?? body.type?.split(':').at(-1)]

const isSignedIn = async (browser: Browser): Promise<boolean> =>
  (await browser.visit('/account/applications')).status === 200

describe('a user who signs in at the product', () => {
  test('gets a code for the application that asked, with the time that the product states', async () => {
    const authTime = Math.floor(Date.now() / 1000) - 600
    const tokens = await tokensBy(openBrowser(server.url), { ...known(), amr: ['pwd'], auth_time: authTime })
    expect(claimsOf(tokens.id_token)).toMatchObject({ sub: person.id, auth_time: authTime, amr: ['pwd'] })
  })

  test('is created with the account and role that the product states', async () => {
    const user = { external_id: `usr-${randomUUID()}`, email: `${randomUUID()}@example.com`, role: 'developer' }
    const tokens = await tokensBy(openBrowser(server.url), { user, account: server.firstStart.accountId })
    const claims = claimsOf(tokens.access_token)
    expect(claims).toMatchObject({ account_id: server.firstStart.accountId })
    const made = await server
      .knex('users')
      .where({ id: claims.sub as string })
      .first()
    expect(made).toMatchObject({ external_id: user.external_id, email: user.email, password_hash: null })
  })

  test('continues in the console on the page that they opened', async () => {
    const browser = openBrowser(server.url)
    const challenge = challengeOf(await browser.visit('/signin?return_to=%2Faccount%2Fsecurity'))
    expect((await read(challenge)).body).toMatchObject({ application: null, prompt: null, user: null })
    const page = await browser.visit(pathOf(await accept(challenge)))
    expect([new URL(page.url).pathname, page.status]).toEqual(['/account/security', 200])
  })

  test('connects a device', async () => {
    const grant = 'urn:ietf:params:oauth:grant-type:device_code'
    const device = await createApplication(server, { grants: [grant], redirectUris: [], isPublic: true })
    const begun = await postForm(`${server.url}/oauth2/device`, { client_id: device.clientId, scope: 'openid' })
    const browser = openBrowser(server.url)
    const entered = await browser.submit(await browser.visit('/device'), /\/device$/, {
      user_code: begun.body.user_code,
    })
    expect(entered.headers.get('content-security-policy')).toContain('https://product.example.com')
    const challenge = challengeOf(await browser.submit(entered, /\/device$/, { confirm: 'yes' }))
    const page = await browser.visit(pathOf(await accept(challenge)))
    if (isAllow(page)) await browser.submit(page, /allow$/)
    const { device_code } = begun.body
    const { body } = await server.token({ grant_type: grant, device_code, client_id: device.clientId })
    expect(claimsOf(body.id_token).sub).toBe(person.id)
  })

  test('may be fixed to an account, so that the session ends with the membership', async () => {
    const { knex } = server
    const { body: second } = await rawManagement(server.url, service).json('POST', '/accounts', { name: 'Second' })
    const membership = { user_id: person.id, account_id: second.id, role: 'developer' }
    await knex('memberships').insert(membership)
    const enter = async (isFixed: boolean) => {
      const browser = openBrowser(server.url)
      const challenge = challengeOf(await browser.visit('/signin'))
      await browser.visit(pathOf(await accept(challenge, { ...known(), account: second.id, account_fixed: isFixed })))
      expect(await isSignedIn(browser)).toBe(true)
      return browser
    }
    const [fixed, free] = [await enter(true), await enter(false)]
    await knex('memberships').where(membership).delete()
    expect(await isSignedIn(free)).toBe(true)
    expect(await isSignedIn(fixed)).toBe(false)
  })
})

describe('a challenge', () => {
  test('tells a service what the application requests, and nothing private is in its address', async () => {
    const params = { login_hint: 'ada@example.com', ui_locales: 'de en', max_age: '300', acr_values: 'urn:x urn:y' }
    const challenge = challengeOf(await openBrowser(server.url).visit(application.link(params)))
    expect((await read(challenge)).body).toEqual({
      application: { client_id: application.clientId, name: expect.any(String) },
      user: null,
      prompt: null,
      max_age: 300,
      login_hint: 'ada@example.com',
      ui_locales: ['de', 'en'],
      acr_values: ['urn:x', 'urn:y'],
      expires_at: expect.any(String),
    })
    expect(Buffer.from(challenge, 'base64url').toString('latin1')).not.toContain('ada@example.com')
  })

  test('is for services only: not for admins, operators, or applications that act for one', async () => {
    const challenge = challengeOf(await openBrowser(server.url).visit('/signin'))
    const ofAccount = await managementToken(server, await managingApplication(server, server.firstStart.accountId))
    expect(problem(await answerTo(challenge, 'accept', known(), ofAccount))[0]).toBe(403)
    const narrow = await managementToken(server, await managingApplication(server, null), 'users:write')
    expect(problem(await answerTo(challenge, 'accept', known(), narrow))).toEqual([403, 'insufficient_scope'])
    for (const token of [ofAccount, narrow]) expect((await read(challenge, token)).status).toBe(403)
    expect((await accept(challenge)).status).toBe(200)
  })

  test('is answered once, by whichever node', async () => {
    const challenge = challengeOf(await openBrowser(server.url).visit('/signin'))
    const tokenThere = await managementToken(other, await managingApplication(server, null))
    const requests = Array.from({ length: 10 }, (_, n) => {
      const [token, at] = n % 2 ? [service, server] : [tokenThere, other]
      return n % 3 ? answerTo(challenge, 'accept', known(), token, at) : answerTo(challenge, 'reject', {}, token, at)
    })
    const statuses = (await Promise.all(requests)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status === 409)).toHaveLength(9)
  })

  test('expires after 15 minutes, and an altered one does not exist', async () => {
    const challenge = challengeOf(await openBrowser(server.url).visit('/signin'))
    const altered = challenge.slice(0, 40) + (challenge[40] === 'A' ? 'B' : 'A') + challenge.slice(41)
    for (const one of [altered, 'x', '%2e%2e', 'a'.repeat(9000)]) expect((await accept(one)).status).toBe(404)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 16 * 60_000 })
    const late = await managementToken(server, await managingApplication(server, null))
    expect((await answerTo(challenge, 'accept', known(), late)).status).toBe(404)
  })
})

describe('an answer', () => {
  test('is used once, by whichever node', async () => {
    const browser = openBrowser(server.url)
    const path = pathOf(await accept(challengeOf(await browser.visit('/signin'))))
    const cookie = [...browser.cookies].map(([key, { value }]) => `${key.split(' ')[0]}=${value}`).join('; ')
    const visits = [server, other, server, other, server, other].map(({ url }) =>
      fetch(url + path, { headers: { cookie, accept: 'text/html' }, redirect: 'manual' }),
    )
    const statuses = (await Promise.all(visits)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 303)).toHaveLength(1)
    expect(statuses.filter((status) => status === 400)).toHaveLength(5)
  })

  test('signs in nobody in another browser, and still signs in the user in theirs', async () => {
    const browser = openBrowser(server.url)
    const path = pathOf(await accept(challengeOf(await browser.visit('/signin'))))
    const foreign = openBrowser(server.url)
    for (const visited of ['/', '/signin']) await foreign.visit(visited)
    expectPage(await foreign.visit(path))
    expect(await isSignedIn(foreign)).toBe(false)
    await browser.visit(path)
    expect(await isSignedIn(browser)).toBe(true)
  })

  test('of a console sign-in does not answer an application, nor the reverse', async () => {
    const browser = openBrowser(server.url)
    const inConsole = pathOf(await accept(challengeOf(await browser.visit('/signin'))))
    const page = await browser.visit(`${application.link()}`)
    const uid = /\/interaction\/[^/"?]+/.exec(page.text)![0]
    expectPage(await browser.visit(`${uid}/product/return${new URL(inConsole, ISSUER).search}`))
    const asked = challengeOf(await browser.visit(`${uid}/product`))
    const forApplication = pathOf(await accept(asked))
    expectPage(await browser.visit(`/signin/product/return${new URL(forApplication, ISSUER).search}`))
    expect((await browser.visit(forApplication)).status).toBeLessThan(400)
  })

  test('is over after a sign-out of all sessions, and once the user is disabled', async () => {
    const begin = async () => {
      const browser = openBrowser(server.url)
      return { browser, path: pathOf(await accept(challengeOf(await browser.visit('/signin')))) }
    }
    const signedOut = await begin()
    const users = server.knex('users').where({ id: person.id })
    await users.clone().update({ sessions_valid_from: new Date(Date.now() - 1000) })
    expectPage(await signedOut.browser.visit(signedOut.path))
    const disabled = await begin()
    await users.clone().update({ status: 'disabled' })
    expectPage(await disabled.browser.visit(disabled.path))
    await users.clone().update({ status: 'active' })
  })

  test('whose text is altered or missing is refused', async () => {
    const browser = openBrowser(server.url)
    for (const query of ['', '?answer=', '?answer=x', `?answer=${'A'.repeat(400)}`, '?answer=x&answer=y'])
      expectPage(await browser.visit(`/signin/product/return${query}`))
  })
})

describe('a rejection', () => {
  test('answers the application with its error', async () => {
    const browser = openBrowser(server.url)
    const challenge = challengeOf(await browser.visit(application.link()))
    const rejected = await answerTo(challenge, 'reject', { error_description: 'no seat is left' })
    const page = await browser.visit(pathOf(rejected))
    expectSentBack(server, page, 'access_denied')
    expect(page.left!.searchParams.get('error_description')).toBe('no seat is left')
  })

  test('of a console sign-in shows a page with other ways to sign in', async () => {
    const browser = openBrowser(server.url)
    const challenge = challengeOf(await browser.visit('/signin'))
    const page = await browser.visit(pathOf(await answerTo(challenge, 'reject', {})))
    expectPage(page, 403)
    expect(page.text).toContain('with=password')
    expect(await isSignedIn(browser)).toBe(false)
  })

  test('takes only errors of authorization responses', async () => {
    const challenge = challengeOf(await openBrowser(server.url).visit('/signin'))
    for (const body of [{ error: 'x' }, { error_description: 'a "quote"' }, { error_description: '\r\nset-cookie: x' }])
      expect((await answerTo(challenge, 'reject', body)).status).toBe(400)
  })
})

describe('what the product may state', () => {
  const refused = async (body: unknown, params: Params = {}) => {
    const browser = openBrowser(server.url)
    return problem(await accept(challengeOf(await browser.visit(application.link(params))), body))
  }
  const secondsAgo = (seconds: number) => Math.floor(Date.now() / 1000) - seconds

  test('prompt=none never leads to the product', async () => {
    expectSentBack(server, await openBrowser(server.url).visit(application.link({ prompt: 'none' })), 'login_required')
  })

  test('max_age and prompt=login need a sign-in that is new enough', async () => {
    expect(await refused(known(), { max_age: '60' })).toEqual([400, '#/auth_time'])
    expect(await refused({ ...known(), auth_time: secondsAgo(600) }, { max_age: '60' })).toEqual([400, '#/auth_time'])
    expect(await refused(known(), { prompt: 'login' })).toEqual([400, '#/auth_time'])
    expect(await refused({ ...known(), auth_time: secondsAgo(600) }, { prompt: 'login' })).toEqual([400, '#/auth_time'])
    const tokens = await tokensBy(openBrowser(server.url), { ...known(), auth_time: secondsAgo(0) }, { max_age: '60' })
    expect(claimsOf(tokens.id_token).sub).toBe(person.id)
  })

  test('auth_time is neither in the future nor older than a session', async () => {
    expect(await refused({ ...known(), auth_time: secondsAgo(-600) })).toEqual([400, '#/auth_time'])
    expect(await refused({ ...known(), auth_time: secondsAgo(30 * 86_400) })).toEqual([400, '#/auth_time'])
  })

  test('a user who does not exist, is of another account, or is an operator, does not sign in', async () => {
    expect(await refused({ user: { external_id: 'nobody' } })).toEqual([400, '#/user/email'])
    expect(await refused({ user: { id: randomUUID() } })).toEqual([400, '#/user'])
    expect(await refused({ user: {} })).toEqual([400, '#/user/external_id'])
    expect(await refused({ ...known(), account: 'no-such-account' })).toEqual([400, '#/account'])
    const { body: elsewhere } = await rawManagement(server.url, service).json('POST', '/accounts', {
      name: 'Elsewhere',
    })
    expect(await refused({ ...known(), account: elsewhere.id })).toEqual([400, '#/user'])
    const operator = await server.knex('users').where({ role: 'operator' }).first()
    expect(await refused({ user: { id: operator.id } })).toEqual([409, 'conflict'])
  })

  test('an operator with an external ID is not changed', async () => {
    const operator = await server.knex('users').where({ role: 'operator' }).first()
    const external = `usr-${randomUUID()}`
    await server.knex('users').where({ id: operator.id }).update({ external_id: external })
    const challenge = challengeOf(await openBrowser(server.url).visit(application.link()))
    const user = { external_id: external, email: `${randomUUID()}@example.com`, name: 'Mallory' }
    expect((await accept(challenge, { user })).status).toBe(409)
    const row = await server.knex('users').where({ id: operator.id }).first('email', 'name')
    expect(row).toEqual({ email: operator.email, name: operator.name })
  })

  test('an address of another user is a conflict', async () => {
    const user = { external_id: `usr-${randomUUID()}`, email: person.email }
    expect((await refused({ user, account: server.firstStart.accountId }))[0]).toBe(409)
  })

  test('a second factor counts only if the instance believes it', async () => {
    const mfa = { ...known(), amr: ['pwd', 'mfa'], acr: 'urn:product:gold' }
    const params = { acr_values: MFA_ACR }
    const browser = openBrowser(server.url)
    const challenge = challengeOf(await browser.visit(application.link(params)))
    const page = await browser.visit(pathOf(await accept(challenge, mfa)))
    expect(page.text).toMatch(/action="[^"]*\/factor\/setup"/)
    const plain = claimsOf((await tokensBy(openBrowser(server.url), mfa)).id_token)
    expect([plain.amr, plain.acr]).toEqual([['pwd'], 'urn:keywright:acr:password'])

    await set({ signInUrlMfa: true })
    const claims = claimsOf((await tokensBy(openBrowser(server.url), mfa, params)).id_token)
    expect([claims.amr, claims.acr]).toEqual([['pwd', 'mfa'], MFA_ACR])
    const passedOn = claimsOf((await tokensBy(openBrowser(server.url), mfa)).id_token)
    expect(passedOn.acr).toBe('urn:product:gold')
    await set({ signInUrlMfa: false })
  })

  test('a user with an authenticator app proves it here as well', async () => {
    const careful = await createTestUser(server.knex, server.firstStart.accountId)
    const app = await addTestApp(server.knex, server.instance.encryptionKeys, careful.id)
    const browser = openBrowser(server.url)
    const challenge = challengeOf(await browser.visit(application.link()))
    const page = await browser.visit(pathOf(await accept(challenge, { user: { id: careful.id }, amr: ['pwd'] })))
    expect(await isSignedIn(browser)).toBe(false)
    await app.forgetUse()
    const proved = await browser.submit(page, /\/factor$/, { code: await app.code() })
    const left = await goOn(browser, proved, careful)
    const { body } = await application.redeem(left.searchParams.get('code')!)
    expect(claimsOf(body.id_token)).toMatchObject({ sub: careful.id, amr: ['pwd', 'otp', 'mfa'] })
  })
})

describe('the sign-in here', () => {
  test('remains behind ?with=password, and appears when the browser comes back from the product without an answer', async () => {
    const browser = openBrowser(server.url)
    challengeOf(await browser.visit(application.link()))
    const again = await browser.visit(application.link())
    expect(isSignIn(again)).toBe(true)
    expect(again.text).toContain('product.example.com')
    expect((await goOn(browser, again, person)).searchParams.get('code')).toBeTruthy()
    expect((await openBrowser(server.url).visit('/signin?with=password')).text).toContain('name="password"')
  })

  test('is for operators only where the instance says so', async () => {
    await set({ passwordSignIn: 'operators' })
    const { knex, firstStart } = server
    const browser = openBrowser(server.url)
    const refused = await signIn(browser, await browser.visit('/signin?with=password'), person.email, person.password)
    expect(refused.status).toBe(400)
    expect(await isSignedIn(browser)).toBe(false)
    await knex('users').where({ id: person.id }).update({ role: 'operator', account_id: null })
    await signIn(browser, await browser.visit('/signin?with=password'), person.email, person.password)
    expect(await isSignedIn(browser)).toBe(true)
    await knex('users').where({ id: person.id }).update({ role: 'member', account_id: firstStart.accountId })
    await set({ signInUrl: null })
    const here = openBrowser(server.url)
    await signIn(here, await here.visit('/signin'), person.email, person.password)
    expect(await isSignedIn(here)).toBe(true)
    await set({ signInUrl: PRODUCT, passwordSignIn: 'everyone' })
  })

  test('an application that acts for an operator accepts no sign-in', async () => {
    const operator = await createTestUser(server.knex, server.firstStart.accountId)
    await set({ signInUrl: null })
    const acting = await managingApplication(server, null, {
      grants: ['authorization_code', 'refresh_token'],
      redirectUris: ['https://app.example.com/callback'],
      consent: 'skip',
    })
    await server.knex('memberships').where({ user_id: operator.id }).delete()
    await server.knex('users').where({ id: operator.id }).update({ role: 'operator', account_id: null })
    const visitor = await openSignedInBrowser(server, operator)
    const code = await visitor.code(acting, { scope: 'sign_ins:answer', resource: MANAGEMENT_API })
    const { body } = await server.token(redemptionOf(code), { basic: acting })
    await set({ signInUrl: PRODUCT })
    const challenge = challengeOf(await openBrowser(server.url).visit('/signin'))
    expect(problem(await answerTo(challenge, 'accept', known(), body.access_token))).toEqual([403, 'forbidden'])
  })
})

test('the activity log says who accepted, rejected and signed in', async () => {
  const actions = await server
    .knex('audit_log')
    .whereIn('action', ['user.sign_in_accepted', 'instance.sign_in_rejected'])
  expect(new Set(actions.map(({ action, actor_type }) => `${action} ${actor_type}`))).toEqual(
    new Set(['user.sign_in_accepted client', 'instance.sign_in_rejected client']),
  )
  const signedIn = await server.knex('audit_log').where({ action: 'user.signed_in', target_id: person.id })
  expect(signedIn.some(({ detail }) => detail.at === 'product')).toBe(true)
})

test('sign-ins that strangers begin store nothing, and answered challenges are deleted', async () => {
  const rows = () => server.knex('answered_sign_in_challenges').count<{ count: string }[]>().first()
  const before = await rows()
  for (let n = 0; n < 5; n++) challengeOf(await openBrowser(server.url).visit('/signin'))
  expect(await rows()).toEqual(before)
})
