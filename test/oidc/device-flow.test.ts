/** Devices without a browser (RFC 8628), over the pages that their people use. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withdrawConsent } from '../../src/consents/consents.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { createProver } from '../support/dpop-proofs.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, claimsOf, postForm, send } from '../support/requests.ts'
import { type Browser, formsOf, type Page } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  createApplication,
  expectNoFieldErrors,
  expectPage,
  inShort,
  isAllow,
  isForward,
  isSignIn,
  openBrowserOn,
  type Params,
} from './application-fixtures.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const ACTOR = { type: 'system' } as const

let server: Keywright
let person: Person
let device: Application

beforeAll(async () => {
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
  device = await register()
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

const register = (settings: object = {}) =>
  createApplication(server, { grants: [GRANT, 'refresh_token'], redirectUris: [], isPublic: true, ...settings })

const authentication = (app: Application) => (app.clientSecret ? { basic: app.basic } : {})
const named = (app: Application): Record<string, string> => (app.clientSecret ? {} : { client_id: app.clientId })

const begin = (app = device, params: Params = { scope: 'openid offline_access all' }): Promise<Answer> =>
  postForm(`${server.url}/oauth2/device`, { ...named(app), ...(params as Record<string, string>) }, authentication(app))

const poll = (device_code: string, app = device): Promise<Answer> =>
  server.token({ grant_type: GRANT, device_code, ...named(app) }, authentication(app))

function expectRefused({ status, body }: Answer, error: string): void {
  expect([status, body.error]).toEqual([400, error])
}

const typeCode = async (browser: Browser, user_code: string): Promise<Page> =>
  await browser.submit(await browser.visit('/device'), /\/device$/, { user_code })

const signInAs = (browser: Browser, page: Page, who = person): Promise<Page> =>
  browser.submit(page, /sign-in$/, { email: who.email, password: who.password })

/** From the device's code to the page that says it is done. */
async function connect(browser: Browser, user_code: string, who = person): Promise<Page> {
  const confirmed = await browser.submit(await typeCode(browser, user_code), /\/device$/, { confirm: 'yes' })
  const next = isSignIn(confirmed) ? await signInAs(browser, confirmed, who) : confirmed
  return isAllow(next) ? await browser.submit(next, /allow$/) : next
}

describe('a device that must prove a key (RFC 9449)', () => {
  test('gets its tokens with a proof only, and a request without one does not use up its code', async () => {
    const prover = await createProver(() => server.issuer)
    const bound = await register({ dpop: 'required' })
    const { body } = await begin(bound)
    await connect(openBrowserOn(server), body.user_code)
    expectRefused(await poll(body.device_code, bound), 'invalid_dpop_proof')
    const form = { grant_type: GRANT, device_code: body.device_code, ...named(bound) }
    const issued = await server.token(form, await prover.proof())
    expect([issued.body.token_type, claimsOf(issued.body.access_token).cnf]).toEqual(['DPoP', { jkt: prover.jkt }])
  })
})

describe('a device', () => {
  test('gets its tokens after the user entered its code, signed in and allowed it', async () => {
    const { status, body } = await begin()
    expect([status, body]).toEqual([
      200,
      {
        device_code: expect.any(String),
        user_code: expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}$/),
        verification_uri: `${server.issuer}/device`,
        verification_uri_complete: `${server.issuer}/device?user_code=${body.user_code}`,
        expires_in: 600,
      },
    ])
    expectRefused(await poll(body.device_code), 'authorization_pending')
    const browser = openBrowserOn(server)
    const shown = await typeCode(browser, body.user_code.toLowerCase().replace('-', ' '))
    expect(shown.text).toContain(body.user_code)
    const signin = await browser.submit(shown, /\/device$/, { confirm: 'yes' })
    expectRefused(await poll(body.device_code), 'authorization_pending')
    const asked = await signInAs(browser, signin)
    expect(isAllow(asked)).toBe(true)
    const done = await browser.submit(asked, /allow$/)
    expect(done.text).toContain('Your device is connected')

    const tokens = await poll(body.device_code)
    expect([tokens.status, tokens.body]).toEqual([
      200,
      {
        access_token: expect.any(String),
        token_type: 'Bearer',
        expires_in: expect.any(Number),
        scope: 'openid offline_access all',
        id_token: expect.any(String),
        refresh_token: expect.any(String),
        refresh_token_expires_in: 2_592_000,
      },
    ])
    expect(claimsOf(tokens.body.access_token)).toMatchObject({
      sub: person.id,
      aud: server.firstStart.api.identifier,
      client_id: device.clientId,
      amr: ['pwd'],
    })
    expect((await device.refresh(tokens.body.refresh_token)).status).toBe(200)
  })

  test('without a scope gets the default one; with a resource, the token is for it', async () => {
    const plain = (await begin(device, {})).body
    await connect(openBrowserOn(server), plain.user_code)
    expect((await poll(plain.device_code)).body.scope).toBe('all')
    const api = await server.make.api()
    const app = await createApplication(server, { grants: [GRANT], redirectUris: [] }, { apis: [api.identifier] })
    const ofApi = (await begin(app, { scope: 'read', audience: api.identifier })).body
    await connect(openBrowserOn(server), ofApi.user_code)
    expect(claimsOf((await poll(ofApi.device_code, app)).body.access_token)).toMatchObject({
      aud: api.identifier,
      scope: 'read',
    })
  })

  test('a link with the code also asks the user to confirm the device', async () => {
    const { body } = await begin()
    const browser = openBrowserOn(server)
    const page = await browser.visit(`/device?user_code=${body.user_code}`)
    expect(isForward(page)).toBe(true)
    const shown = await browser.submit(page, /\/device$/)
    expect(shown.text).toContain(body.user_code)
    expect(shown.text).toMatch(/Continue only if this code is shown on a device that you have with you/)
    expectRefused(await poll(body.device_code), 'authorization_pending')
  })

  test('a malformed code in a link is shown as text', async () => {
    const page = await openBrowserOn(server).visit(
      `/device?user_code=${encodeURIComponent('"><script>alert(1)</script>')}`,
    )
    expect(page.text).not.toContain('<script>alert')
  })
})

describe('a device that gets nothing', () => {
  test('the user says that the device is not theirs', async () => {
    const { body } = await begin()
    const browser = openBrowserOn(server)
    const page = await browser.submit(await typeCode(browser, body.user_code), /\/device$/, { abort: 'yes' })
    expect(page.text).toContain('You refused the device')
    expectRefused(await poll(body.device_code), 'access_denied')
    expect((await typeCode(browser, body.user_code)).text).toContain('used already')
  })

  test('the user denies the request', async () => {
    const { body } = await begin(await register())
    const browser = openBrowserOn(server)
    const app = await register()
    const own = (await begin(app)).body
    const signin = await browser.submit(await typeCode(browser, own.user_code), /\/device$/, { confirm: 'yes' })
    const denied = await browser.submit(await signInAs(browser, signin), /deny$/)
    expect(denied.status).toBeLessThan(500)
    expect(denied.text).toContain('refused')
    expectRefused(await poll(own.device_code, app), 'access_denied')
    expectRefused(await poll(body.device_code), 'invalid_grant')
  })

  test('an unknown, mistyped, empty or hostile code shows the form again', async () => {
    const browser = openBrowserOn(server)
    for (const code of ['BBBB-CCCC', 'x', '☃', '<b>', "'; --", 'A'.repeat(5000)]) {
      const page = await typeCode(browser, code)
      expect([page.status, inShort(page)]).toEqual([200, expect.stringMatching(/no such code|did not work/)])
      expect(page.text).not.toContain('<b>')
      expect(formsOf(page)[0]!.action).toMatch(/\/device$/)
    }
    expect((await typeCode(browser, '')).text).toContain('Enter the code')
    const nul = await browser.visit('/device?user_code=%00')
    expectPage(nul)
  })

  test('a form without its xsrf, or from another browser, is refused', async () => {
    const { body } = await begin()
    const browser = openBrowserOn(server)
    await browser.visit('/device')
    const stranger = formsOf(await openBrowserOn(server).visit('/device'))[0]!.fields.xsrf!
    for (const xsrf of ['', stranger]) {
      const form = new URLSearchParams({ xsrf, user_code: body.user_code, confirm: 'yes' })
      const page = await browser.visit('/device', { method: 'POST', body: form })
      expect(isSignIn(page)).toBe(false)
      expect(page.status).toBe(400)
    }
    expectRefused(await poll(body.device_code), 'authorization_pending')
  })

  test('the code has expired', async () => {
    const { body } = await begin()
    await server
      .knex('engine_models')
      .where({ model: 'DeviceCode' })
      .update({ expires_at: server.knex.raw("now() - interval '1 second'") })
    const { status, body: answer } = await poll(body.device_code)
    expect([status, answer.error]).toEqual([400, expect.stringMatching(/^(expired_token|invalid_grant)$/)])
    expect((await typeCode(openBrowserOn(server), body.user_code)).text).toMatch(/expired|no such code/)
  })

  test('a code is redeemed once: a second use revokes the tokens', async () => {
    const { body } = await begin()
    await connect(openBrowserOn(server), body.user_code)
    const first = (await poll(body.device_code)).body
    expectRefused(await poll(body.device_code), 'invalid_grant')
    expect((await server.introspect(first.access_token, server.firstStart.api)).body.active).toBe(false)
    expectRefused(await device.refresh(first.refresh_token), 'invalid_grant')
    expect((await typeCode(openBrowserOn(server), body.user_code)).text).toContain('used already')
  })

  test('another client, an unknown code, none, or a client without the grant', async () => {
    const { body } = await begin()
    const other = await register()
    expectRefused(await poll(body.device_code, other), 'invalid_grant')
    expectRefused(await poll('nonsense'), 'invalid_grant')
    expectRefused(await poll(''), 'invalid_request')
    const web = await createApplication(server, { isPublic: true })
    expect((await begin(web)).body.error).toMatch(/^(unauthorized_client|invalid_request)$/)
    expectRefused(await poll(body.device_code, web), 'unauthorized_client')
    expect((await begin(device, { scope: 'nonsense' })).body.error).toBe('invalid_scope')
    expect((await begin(device, { resource: 'https://other.example.com' })).body.error).toBe('invalid_target')
    const unknown = await postForm(`${server.url}/oauth2/device`, { client_id: 'nobody' })
    expect([unknown.status, unknown.body.error]).toEqual([401, 'invalid_client'])
    expect((await send(`${server.url}/oauth2/device`)).status).toBe(405)
  })

  test('the consent is withdrawn, or the user disabled, before the device polls', async () => {
    const who = await createTestUser(server.knex, server.firstStart.accountId)
    for (const end of [
      () => withdrawConsent(server.knex, { userId: who.id, clientId: device.clientId }, ACTOR),
      () => changeUserStatus(server.knex, who.id, 'disabled', ACTOR),
    ]) {
      const { body } = await begin()
      expect((await connect(openBrowserOn(server), body.user_code, who)).text).toContain('connected')
      await end()
      expectRefused(await poll(body.device_code), 'invalid_grant')
    }
  })
})

test('a form from a browser without cookies shows a page that says so', async () => {
  const sent = await send(`${server.url}/device`, {
    method: 'POST',
    headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' },
    body: 'user_code=ABCD-EFGH&xsrf=x',
  })
  expect([sent.status, sent.text.includes('session cookie is missing')]).toEqual([400, true])
})

test('two devices in one browser do not affect each other', async () => {
  const [one, two] = [(await begin()).body, (await begin()).body]
  const browser = openBrowserOn(server)
  const asked = [await typeCode(browser, one.user_code)]
  expect((await connect(browser, two.user_code)).text).toContain('connected')
  const stale = await browser.submit(asked[0]!, /\/device$/, { confirm: 'yes' })
  expect(stale.status).toBeLessThan(500)
  expect((await connect(browser, one.user_code)).text).toMatch(/connected|used already/)
  expect((await poll(two.device_code)).status).toBe(200)
})
