/** Requests that are pushed before the person is sent (RFC 9126). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, postForm, type RequestOptions, send } from '../support/requests.ts'
import { openBrowser, type Page } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  answerOf,
  CALLBACK,
  createApplication,
  expectNoFieldErrors,
  expectPage,
  expectSentBack,
  goOn,
  isSignIn,
  type Params,
} from './application-fixtures.ts'

let server: Keywright
let person: Person
let application: Application
let spa: Application

beforeAll(async () => {
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
  application = await createApplication(server)
  spa = await createApplication(server, { isPublic: true })
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

const push = (app: Application, params: Params = {}, options: RequestOptions = { basic: app.basic }): Promise<Answer> =>
  postForm(`${server.url}/oauth2/par`, Object.fromEntries(app.requested(params)), options)

const linkTo = (request_uri: string, app = application): string =>
  `/oauth2/authorize?${new URLSearchParams({ client_id: app.clientId, request_uri })}`

const visit = (address: string): Promise<Page> => openBrowser(server.url).visit(address)

describe('a pushed request', () => {
  test('gets a request_uri that obtains a code once', async () => {
    const pushed = await push(application)
    expect([pushed.status, pushed.body]).toEqual([
      201,
      { expires_in: 60, request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:/) },
    ])
    expect(pushed.headers.get('cache-control')).toBe('no-store')
    const browser = openBrowser(server.url)
    const left = await goOn(browser, await browser.visit(linkTo(pushed.body.request_uri)), person)
    expect((await application.redeem(answerOf(left).code!)).status).toBe(200)
    const again = await browser.visit(linkTo(pushed.body.request_uri))
    expect(again.left && answerOf(again.left).code).toBeUndefined()
    expect(again.left ? answerOf(again.left).error : again.status).toBeTruthy()
  })

  test('used in two tabs gives one code', async () => {
    const { request_uri } = (await push(application)).body
    const [one, two] = [openBrowser(server.url), openBrowser(server.url)]
    const asked = [await one.visit(linkTo(request_uri)), await two.visit(linkTo(request_uri))]
    expect(answerOf(await goOn(one, asked[0]!, person)).code).toBeTruthy()
    const { email, password } = person
    const second = await two.submit(asked[1]!, /sign-in$/, { email, password })
    expect(answerOf(second.left).code).toBeUndefined()
    expect(second.left ? answerOf(second.left).error : second.status).toBeTruthy()
  })

  test('may come from a public client, and with the secret in the body', async () => {
    const asPublic = await push(spa, {}, {})
    expect(asPublic.status).toBe(201)
    expect(isSignIn(await visit(linkTo(asPublic.body.request_uri, spa)))).toBe(true)
    expect((await push(application, { client_secret: application.clientSecret }, {})).status).toBe(201)
  })

  test('without a scope gets the default one', async () => {
    const { request_uri } = (await push(application, { scope: undefined })).body
    const browser = openBrowser(server.url)
    const left = await goOn(browser, await browser.visit(linkTo(request_uri)), person)
    expect((await application.redeem(answerOf(left).code!)).body.scope).toBe('all')
  })

  test('cannot be changed by the link', async () => {
    const { request_uri } = (await push(application, { scope: 'openid' })).body
    const browser = openBrowser(server.url)
    const more = `&scope=openid+all&redirect_uri=https://evil.example.com&state=other`
    const left = await goOn(browser, await browser.visit(linkTo(request_uri) + more), person)
    expect(left.origin + left.pathname).toBe(CALLBACK)
    expect(answerOf(left).state).toBe('state-1')
    expect((await application.redeem(answerOf(left).code!)).body.scope).toBe('openid')
  })

  test('of another client, an unknown one and an expired one obtain nothing', async () => {
    const { request_uri } = (await push(application)).body
    const expired = (await push(application)).body.request_uri
    await server
      .knex('engine_models')
      .where({ model: 'PushedAuthorizationRequest' })
      .update({ expires_at: server.knex.raw("now() - interval '1 second'") })
    const foreign = (await push(application)).body.request_uri
    for (const [uri, app] of [
      [foreign, spa],
      [request_uri, application],
      [expired, application],
      ['urn:ietf:params:oauth:request_uri:nonsense', application],
      ['urn:ietf:params:oauth:request_uri:', application],
      [`urn:ietf:params:oauth:request_uri:${'x'.repeat(4000)}`, application],
      ['https://evil.example.com/request', application],
    ] as const) {
      const page = await visit(linkTo(uri, app))
      expect(isSignIn(page)).toBe(false)
      if (page.left) expect(page.left.origin + page.left.pathname).toBe(CALLBACK)
      else expectPage(page)
    }
    expectPage(await visit(`/oauth2/authorize?request_uri=${encodeURIComponent(foreign)}`))
    expect(isSignIn(await visit(linkTo(foreign)))).toBe(true)
  })
})

describe('a pushed request is refused at once for', () => {
  test.each([
    ['a redirect_uri that is not registered', { redirect_uri: 'https://evil.example.com' }, 'invalid_request'],
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['an unknown scope', { scope: 'nonsense' }, 'invalid_scope'],
    ['another response_type', { response_type: 'token' }, 'unsupported_response_type'],
    ['a resource that the client lacks', { resource: 'https://other.example.com' }, 'invalid_target'],
    ['a request object that is none', { request: 'a.b.c' }, 'invalid_request_object'],
    ['a request_uri', { request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 'request_uri_not_supported'],
    ['a negative max_age', { max_age: '-1' }, 'invalid_request'],
  ] as [string, Params, string][])('%s', async (_, params, error) => {
    const { status, body } = await push(application, params)
    expect([status, body.error, body.error_description]).toEqual([400, error, expect.any(String)])
  })

  test('a client that does not authenticate, or another client', async () => {
    for (const options of [{}, { basic: { clientId: application.clientId, clientSecret: 'kws_wrong' } }]) {
      const { status, body } = await push(application, {}, options)
      expect([status, body.error]).toEqual([401, 'invalid_client'])
    }
    const { status } = await push(application, { client_id: spa.clientId })
    expect([400, 401]).toContain(status)
    const machine = await server.make.client()
    const ofMachine = await push(application, { client_id: machine.clientId }, { basic: machine })
    expect(ofMachine.status).toBe(400)
  })

  test('GET, repeated parameters, NUL, and a body that is too large', async () => {
    expect((await send(`${server.url}/oauth2/par`)).status).toBe(405)
    const twice = `${new URLSearchParams(application.requested({}))}&scope=all`
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const basic = `Basic ${btoa(`${application.clientId}:${application.clientSecret}`)}`
    const post = (body: string) =>
      send(`${server.url}/oauth2/par`, { method: 'POST', body, headers: { ...headers, authorization: basic } })
    expect((await post(twice)).body.error).toBe('invalid_request')
    expect((await post('a=%00')).body.error).toBe('invalid_request')
    expect((await post('a'.repeat(70_000))).status).toBe(413)
  })

  test('a later error is redirected to the application', async () => {
    const { request_uri } = (await push(application, { prompt: 'none' })).body
    expectSentBack(server, await visit(linkTo(request_uri)), 'login_required')
  })
})

describe('a client that must push its requests', () => {
  test('obtains a code by a request_uri only', async () => {
    const app = await createApplication(server, { parRequired: true })
    const page = await visit(app.link())
    expectSentBack(server, page, 'invalid_request')
    expect(answerOf(page.left).error_description).toBe('Pushed Authorization Request must be used')
    const { request_uri } = (await push(app)).body
    const browser = openBrowser(server.url)
    const left = await goOn(browser, await browser.visit(linkTo(request_uri, app)), person)
    expect((await app.redeem(answerOf(left).code!)).status).toBe(200)
  })
})
