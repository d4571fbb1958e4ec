/** Second factors on the way to an application: `acr`, `amr`, `acr_values` and `max_age` (OpenID Connect Core; RFC 8176). */
import { generate } from 'otplib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, claimsOf, postForm, send } from '../support/requests.ts'
import { type Browser, openBrowser, type Page, signIn } from '../support/scriptless-browser.ts'
import { addTestApp, type TestApp } from '../support/second-factors.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  createApplication,
  expectNoFieldErrors,
  expectSentBack,
  goOn,
  inShort,
  isAllow,
  isSignIn,
  type Params,
} from './application-fixtures.ts'

const PASSWORD_ACR = 'urn:keywright:acr:password'
const MFA_ACR = 'urn:keywright:acr:mfa'
const BOTH = ['pwd', 'otp', 'mfa']

let server: Keywright
let application: Application
let person: Person
let app: TestApp
/** Has no second factor. */
let plain: Person

beforeAll(async () => {
  server = await startKeywright()
  application = await createApplication(server)
  person = await createTestUser(server.knex, server.firstStart.accountId)
  plain = await createTestUser(server.knex, server.firstStart.accountId)
  app = await addTestApp(server.knex, server.instance.encryptionKeys, person.id)
})
afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

const isFactorPage = ({ text }: Page): boolean => /action="[^"]*\/factor"/.test(text)
const isSetUp = ({ text }: Page): boolean => /action="[^"]*\/factor\/setup"/.test(text)

async function sendCode(browser: Browser, page: Page): Promise<Page> {
  await app.forgetUse()
  return await browser.submit(page, /\/factor$/, { code: await app.code() })
}

/** Goes from an application's request to its tokens as the person with the app. */
async function tokensOf(browser: Browser, params: Params = {}): Promise<Answer['body']> {
  const page = await browser.visit(application.link(params))
  const asked = isSignIn(page) ? await signIn(browser, page, person.email, person.password) : page
  const proved = isFactorPage(asked) ? await sendCode(browser, asked) : asked
  const left = await goOn(browser, proved, person)
  const { body } = await application.redeem(left.searchParams.get('code')!)
  return body
}

const signInPlain = async (browser: Browser, params: Params = {}): Promise<Page> =>
  await signIn(browser, await browser.visit(application.link(params)), plain.email, plain.password)

const idClaims = ({ id_token }: Answer['body']) => claimsOf(id_token)

const essential = (acr: object): Params => ({
  claims: JSON.stringify({ id_token: { acr: { essential: true, ...acr } } }),
})

describe('a user with an authenticator app', () => {
  test('gets an ID token and an access token that name both factors, also after a refresh', async () => {
    const tokens = await tokensOf(openBrowser(server.url), { scope: 'openid offline_access', prompt: 'consent' })
    expect(idClaims(tokens)).toMatchObject({ acr: MFA_ACR, amr: BOTH })
    expect(claimsOf(tokens.access_token)).toMatchObject({ acr: MFA_ACR, amr: BOTH })
    const { body } = await application.refresh(tokens.refresh_token)
    expect(idClaims(body)).toMatchObject({ acr: MFA_ACR, amr: BOTH })
  })

  test('gets no code from an application before the second factor', async () => {
    const browser = openBrowser(server.url)
    const page = await browser.visit(application.link())
    const asked = await signIn(browser, page, person.email, person.password)
    expect(isFactorPage(asked)).toBe(true)
    expect(isSignIn(await browser.visit(application.link()))).toBe(true)
    expectSentBack(server, await browser.visit(application.link({ prompt: 'none' })), 'login_required')
  })

  test('is asked again after a wrong code, and goes on with the right one', async () => {
    const browser = openBrowser(server.url)
    const asked = await signIn(browser, await browser.visit(application.link()), person.email, person.password)
    const wrong = await browser.submit(asked, /\/factor$/, { code: '12' })
    expect([wrong.status, inShort(wrong)]).toEqual([400, expect.stringContaining('Incorrect code')])
    const left = await goOn(browser, await sendCode(browser, wrong), person)
    expect(left.searchParams.get('code')).toBeTruthy()
  })

  test('signs in with a recovery code, which has no value of its own in amr', async () => {
    const browser = openBrowser(server.url)
    const asked = await signIn(browser, await browser.visit(application.link()), person.email, person.password)
    const second = { ...asked, text: asked.text.split('</form>').slice(1).join('</form>') }
    const page = await browser.submit(second, /\/factor$/, { recovery_code: app.recoveryCodes[0]! })
    const left = await goOn(browser, page, person)
    const { body } = await application.redeem(left.searchParams.get('code')!)
    expect(idClaims(body)).toMatchObject({ acr: MFA_ACR, amr: ['pwd', 'mfa'] })
  })

  test('signs in with both factors for a device', async () => {
    const grant = 'urn:ietf:params:oauth:grant-type:device_code'
    const device = await createApplication(server, { grants: [grant], redirectUris: [], isPublic: true })
    const begun = await postForm(`${server.url}/oauth2/device`, { client_id: device.clientId, scope: 'openid' })
    const browser = openBrowser(server.url)
    const confirm = await browser.submit(await browser.visit('/device'), /\/device$/, {
      user_code: begun.body.user_code,
    })
    const signin = await browser.submit(confirm, /\/device$/, { confirm: 'yes' })
    const asked = await signIn(browser, signin, person.email, person.password)
    expect(isFactorPage(asked)).toBe(true)
    const proved = await sendCode(browser, asked)
    if (isAllow(proved)) await browser.submit(proved, /allow$/)
    const { device_code } = begun.body
    const { body } = await server.token({ grant_type: grant, device_code, client_id: device.clientId })
    expect(idClaims(body)).toMatchObject({ acr: MFA_ACR, amr: BOTH })
  })

  test('is asked for both factors again when max_age has passed', async () => {
    const browser = openBrowser(server.url)
    const first = idClaims(await tokensOf(browser))
    const again = await browser.visit(application.link({ max_age: '0' }))
    expect(isSignIn(again)).toBe(true)
    const asked = await signIn(browser, again, person.email, person.password)
    expect(isFactorPage(asked)).toBe(true)
    const left = await goOn(browser, await sendCode(browser, asked), person)
    const { body } = await application.redeem(left.searchParams.get('code')!)
    expect(Number(idClaims(body).auth_time)).toBeGreaterThanOrEqual(Number(first.auth_time))
  })

  test('meets a request for the weaker class, which the ID token then names', async () => {
    const browser = openBrowser(server.url)
    await tokensOf(browser)
    const params = [
      { acr_values: PASSWORD_ACR },
      essential({ value: PASSWORD_ACR }),
      essential({ values: [PASSWORD_ACR] }),
    ]
    for (const one of params) expect(idClaims(await tokensOf(browser, one)).acr).toBe(PASSWORD_ACR)
    expect(idClaims(await tokensOf(browser, { acr_values: `${PASSWORD_ACR} ${MFA_ACR}` })).acr).toBe(MFA_ACR)
  })
})

describe('acr_values', () => {
  test('lets a user who is signed in with a password step up, without another sign-in for other requests', async () => {
    const browser = openBrowser(server.url)
    const late = await createTestUser(server.knex, server.firstStart.accountId)
    const page = await signIn(browser, await browser.visit(application.link()), late.email, late.password)
    await goOn(browser, page, late)
    const lateApp = await addTestApp(server.knex, server.instance.encryptionKeys, late.id)
    expect((await browser.visit(application.link())).left).toBeDefined()
    const stepUp = await browser.visit(application.link({ acr_values: MFA_ACR }))
    expect(isSignIn(stepUp)).toBe(true)
    expect(stepUp.text).toContain(late.email)
    expectSentBack(
      server,
      await browser.visit(application.link({ acr_values: MFA_ACR, prompt: 'none' })),
      'login_required',
    )
    const asked = await signIn(browser, stepUp, late.email, late.password)
    const left = await goOn(browser, await browser.submit(asked, /\/factor$/, { code: await lateApp.code() }), late)
    const { body } = await application.redeem(left.searchParams.get('code')!)
    expect(idClaims(body)).toMatchObject({ acr: MFA_ACR, amr: BOTH })
    expect((await browser.visit(application.link({ acr_values: MFA_ACR }))).left).toBeDefined()
  })

  test.each([{ acr_values: MFA_ACR }, essential({ value: MFA_ACR }), { acr_values: `${MFA_ACR} urn:other` }])(
    'asks a user without a second factor to set one up: %j',
    async (params) => {
      const page = await signInPlain(openBrowser(server.url), params)
      expect(isSetUp(page)).toBe(true)
      expect(page.text).toMatch(/<svg class="qr-code"[\s\S]*<path d="M/)
    },
  )

  test.each([
    {},
    { acr_values: PASSWORD_ACR },
    { acr_values: 'urn:other' },
    { acr_values: `${MFA_ACR} ${PASSWORD_ACR}` },
  ])('asks for no more than the password: %j', async (params) => {
    const browser = openBrowser(server.url)
    const left = await goOn(browser, await signInPlain(browser, params), plain)
    const { body } = await application.redeem(left.searchParams.get('code')!)
    expect(idClaims(body)).toMatchObject({ acr: PASSWORD_ACR, amr: ['pwd'] })
  })

  test('supported are in the discovery document', async () => {
    const { body } = await send(`${server.url}/.well-known/openid-configuration`)
    expect(body.acr_values_supported).toEqual([MFA_ACR, PASSWORD_ACR])
  })
})

test('a user sets up an app on the way to an application, saves the recovery codes once, and goes on', async () => {
  const browser = openBrowser(server.url)
  const fresh = await createTestUser(server.knex, server.firstStart.accountId)
  const link = application.link({ acr_values: MFA_ACR })
  const page = await signIn(browser, await browser.visit(link), fresh.email, fresh.password)
  const secret = /totp-key">([A-Z2-7 ]+)</.exec(page.text)![1]!.replaceAll(' ', '')
  const codes = await browser.submit(page, /\/setup$/, { code: await generate({ secret }) })
  expect(codes.text.match(/<li>[0-9a-z]{4}(-[0-9a-z]{4}){3}<\/li>/g)).toHaveLength(10)
  const left = await goOn(browser, await browser.submit(codes, /\/finish$/), fresh)
  const { body } = await application.redeem(left.searchParams.get('code')!)
  expect(idClaims(body)).toMatchObject({ acr: MFA_ACR, amr: BOTH })
})
