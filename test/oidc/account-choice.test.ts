/** A user of two accounts decides for which of them an application acts, and what it holds for one never serves the other. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccount } from '../../src/accounts/accounts.ts'
import { listConnectedApplications } from '../../src/consents/connected-applications.ts'
import { newId } from '../../src/shared/ids.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { claimsOf, postForm, send } from '../support/requests.ts'
import type { Browser, Page } from '../support/scriptless-browser.ts'
import { addManyAccounts, createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  answerOf,
  createApplication,
  expectNoFieldErrors,
  expectSentBack,
  inShort,
  isAllow,
  openBrowserOn,
  type Params,
} from './application-fixtures.ts'

let server: Keywright
let api: Awaited<ReturnType<Keywright['make']['api']>>
let accounts: { readonly first: string; readonly second: string }
let person: Person

beforeAll(async () => {
  server = await startKeywright()
  api = await server.make.api({ scopes: ['read', 'write'] })
})

beforeEach(async () => {
  const [first, second] = await Promise.all(['North', 'South'].map((name) => createAccount(server.knex, { name })))
  accounts = { first: first!.id, second: second!.id }
  person = await createTestUser(server.knex, accounts.first)
  const membership = { user_id: person.id, account_id: accounts.second, role: 'admin' }
  await server.knex('memberships').insert(membership)
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

const register = (settings: object = {}) => createApplication(server, settings, { apis: [api.identifier] })

async function signedIn(who = person): Promise<Browser> {
  const browser = openBrowserOn(server)
  const { email, password } = who
  await browser.submit(await browser.visit('/signin'), /signin$/, { email, password })
  return browser
}

const choose = (browser: Browser, page: Page, account: string) => browser.submit(page, /allow$/, { account })
const hasCode = (page: Page): boolean => answerOf(page.left).code !== undefined
const isChoice = ({ text }: Page): boolean => text.includes('account-choice')
const asksForPermissions = ({ text }: Page): boolean => text.includes('permissions-lead')

async function tokensOf(app: Application, page: Page, params: Params = {}) {
  expect(inShort(page)).toContain('code=')
  const { status, body } = await app.redeem(answerOf(page.left).code!, params)
  expect(status).toBe(200)
  return body
}

const accountOf = (token: string): unknown => claimsOf(token).account_id

async function allowFor(app: Application, account: string, params: Params = {}) {
  const browser = await signedIn()
  return await tokensOf(app, await choose(browser, await browser.visit(app.link(params)), account))
}

describe('the consent page', () => {
  test('shows the accounts with the role in each, and the one of the session is selected', async () => {
    const app = await register()
    const page = await (await signedIn()).visit(app.link())
    expect([isChoice(page), asksForPermissions(page)]).toEqual([true, true])
    expect(page.text).toMatch(/North<\/bdi> <span class="detail">Member/)
    expect(page.text).toMatch(/South<\/bdi> <span class="detail">Admin/)
    expect(page.text).toMatch(new RegExp(`value="${accounts.first}"[^>]* checked`))
    expect(page.text).not.toMatch(new RegExp(`value="${accounts.second}"[^>]* checked`))
  })

  test('shows no choice to a user of one account', async () => {
    const app = await register()
    const page = await (await signedIn(await createTestUser(server.knex, accounts.first))).visit(app.link())
    expect([isChoice(page), asksForPermissions(page)]).toEqual([false, true])
    expect(page.text).toContain('North')
  })

  test('shows no choice where the other membership is disabled', async () => {
    await server
      .knex('memberships')
      .where({ user_id: person.id, account_id: accounts.second })
      .update({ status: 'disabled' })
    const app = await register()
    const page = await (await signedIn()).visit(app.link())
    expect(isChoice(page)).toBe(false)
    expect(page.text).toContain('North')
  })

  test('is shown again without an account, or with one that is not offered', async () => {
    const app = await register()
    const browser = await signedIn()
    const page = await browser.visit(app.link())
    for (const account of ['', newId(), (await createAccount(server.knex, { name: 'Foreign' })).id]) {
      const again = await choose(browser, page, account)
      expect([isChoice(again), again.text.includes('Choose an account.')]).toEqual([true, true])
    }
    expect(accountOf((await tokensOf(app, await choose(browser, page, accounts.second))).access_token)).toBe(
      accounts.second,
    )
  })
})

describe('the tokens', () => {
  test('of a code, and what they are refreshed to, act for the chosen account', async () => {
    const app = await register()
    const params = { scope: 'openid offline_access read' }
    for (const account of [accounts.second, accounts.first]) {
      const tokens = await allowFor(app, account, params)
      expect(accountOf(tokens.access_token)).toBe(account)
      const headers = { authorization: `Bearer ${tokens.access_token}` }
      const userinfo = await send(`${server.url}/oauth2/userinfo`, { headers })
      expect([userinfo.status, userinfo.body.account_id]).toEqual([200, account])
      expect((await server.introspect(tokens.access_token, api)).body).toMatchObject({
        active: true,
        account_id: account,
      })
      const refreshed = await app.refresh(tokens.refresh_token)
      expect(accountOf(refreshed.body.access_token)).toBe(account)
    }
  })

  test('of one account stay when the consent for the other is withdrawn', async () => {
    const app = await register()
    const params = { scope: 'openid offline_access read', prompt: 'consent' }
    const first = await allowFor(app, accounts.first, params)
    const second = await allowFor(app, accounts.second, params)
    const browser = await signedIn()
    const list = await browser.visit('/account/applications')
    expect(list.text).toMatch(/for <bdi>North/)
    const path = `/account/applications/${app.clientId}/withdraw?account=${accounts.second}`
    expect(list.text).toContain(path)
    const done = await browser.submit(await browser.visit(path), /withdraw$/)
    expect(done.status).toBe(200)
    expect((await server.introspect(first.access_token, api)).body.active).toBe(true)
    expect((await server.introspect(second.access_token, api)).body.active).toBe(false)
    expect((await app.refresh(second.refresh_token)).body.error).toBe('invalid_grant')
    expect((await app.refresh(first.refresh_token)).status).toBe(200)
    const left = await listConnectedApplications(server.knex, person.id)
    expect(left.map(({ actingFor }) => actingFor?.name)).toEqual(['North'])
  })
})

describe('without a page', () => {
  test('a session goes on in the account that it used', async () => {
    const app = await register()
    const browser = await signedIn()
    await choose(browser, await browser.visit(app.link()), accounts.second)
    for (const params of [{}, { prompt: 'none' }]) {
      const tokens = await tokensOf(app, await browser.visit(app.link(params)))
      expect(accountOf(tokens.access_token)).toBe(accounts.second)
    }
  })

  test('a new session uses the only account that was allowed', async () => {
    const app = await register()
    await allowFor(app, accounts.second)
    const tokens = await tokensOf(app, await (await signedIn()).visit(app.link()))
    expect(accountOf(tokens.access_token)).toBe(accounts.second)
  })
})

describe('where several accounts were allowed', () => {
  test('a new session asks for the account alone', async () => {
    const app = await register()
    await allowFor(app, accounts.first)
    const browser = await signedIn()
    await choose(browser, await browser.visit(app.link({ prompt: 'consent', account_id: accounts.second })), '')
    const fresh = await signedIn()
    const page = await fresh.visit(app.link())
    expect([isChoice(page), asksForPermissions(page)]).toEqual([true, false])
    const before = await server.knex('consents').where({ given_by: person.id }).pluck('allowed_at')
    expect(accountOf((await tokensOf(app, await choose(fresh, page, accounts.second))).access_token)).toBe(
      accounts.second,
    )
    expect(await server.knex('consents').where({ given_by: person.id }).pluck('allowed_at')).toEqual(before)
  })

  test('prompt=none is answered with account_selection_required', async () => {
    const app = await register()
    const browser = await signedIn()
    expectSentBack(server, await browser.visit(app.link({ prompt: 'none' })), 'account_selection_required')
  })

  test('prompt=select_account asks again, after a new sign-in', async () => {
    const app = await register()
    const browser = await signedIn()
    await choose(browser, await browser.visit(app.link()), accounts.first)
    const { email, password } = person
    const page = await browser.submit(await browser.visit(app.link({ prompt: 'select_account' })), /sign-in$/, {
      email,
      password,
    })
    expect([isChoice(page), isAllow(page)]).toEqual([true, true])
    const next = await choose(browser, page, accounts.second)
    const left = isAllow(next) ? await browser.submit(next, /allow$/) : next
    expect(accountOf((await tokensOf(app, left)).access_token)).toBe(accounts.second)
  })
})

describe('a user of more accounts than the page lists', () => {
  beforeEach(() => addManyAccounts(server.knex, person))

  test('chooses among 200, and the one of the session is one of them', async () => {
    const app = await register()
    const browser = await signedIn()
    const page = await browser.visit(app.link())
    expect(page.text.match(/name="account"/g)).toHaveLength(200)
    expect(page.text).toMatch(new RegExp(`value="${accounts.first}"[^>]* checked`))
    expect(page.text).not.toContain(accounts.second)
    expect(accountOf((await tokensOf(app, await choose(browser, page, accounts.first))).access_token)).toBe(
      accounts.first,
    )
  })

  test('acts for each account that a request names', async () => {
    const app = await register({ consent: 'skip' })
    const browser = await signedIn()
    for (const account_id of Object.values(accounts)) {
      expect(accountOf((await tokensOf(app, await browser.visit(app.link({ account_id })))).access_token)).toBe(
        account_id,
      )
    }
    expectSentBack(server, await browser.visit(app.link({ account_id: 'x' })), 'access_denied')
  })

  test('goes on in the account that the session used, and in a new session in the only one that was allowed', async () => {
    const app = await register()
    const browser = await signedIn()
    const link = app.link({ account_id: accounts.second })
    await browser.submit(await browser.visit(link), /allow$/)
    for (const one of [browser, await signedIn()]) {
      expect(accountOf((await tokensOf(app, await one.visit(app.link()))).access_token)).toBe(accounts.second)
    }
  })

  test('is asked for the account alone where several were allowed, and all of these are listed', async () => {
    const app = await register()
    const browser = await signedIn()
    for (const account_id of Object.values(accounts)) {
      await browser.submit(await browser.visit(app.link({ account_id })), /allow$/)
    }
    const page = await (await signedIn()).visit(app.link())
    expect([isChoice(page), asksForPermissions(page)]).toEqual([true, false])
    for (const account of Object.values(accounts)) expect(page.text).toContain(`value="${account}"`)
  })

  test('is asked for the account alone where the application skips the page for its own account, which is listed', async () => {
    const app = await register({ consent: 'skip_own_account' })
    await server.knex('clients').where({ client_id: app.clientId }).update({ account_id: accounts.second })
    const page = await (await signedIn()).visit(app.link())
    expect([isChoice(page), asksForPermissions(page)]).toEqual([true, false])
    expect(page.text).toContain(`value="${accounts.second}"`)
  })
})

describe('an application that skips the page', () => {
  test('has the user choose an account once', async () => {
    const app = await register({ consent: 'skip' })
    const browser = await signedIn()
    const page = await browser.visit(app.link())
    expect([isChoice(page), asksForPermissions(page)]).toEqual([true, false])
    expect(accountOf((await tokensOf(app, await choose(browser, page, accounts.second))).access_token)).toBe(
      accounts.second,
    )
    expect(hasCode(await browser.visit(app.link()))).toBe(true)
  })
})

describe('the parameter account_id', () => {
  test('names the account, in a link and in a pushed request', async () => {
    const app = await register({ consent: 'skip' })
    const browser = await signedIn()
    const { account_id: _, ...params } = { account_id: accounts.second, scope: 'openid read' }
    const linked = await browser.visit(app.link({ ...params, account_id: accounts.second }))
    expect(accountOf((await tokensOf(app, linked)).access_token)).toBe(accounts.second)
    const form = Object.fromEntries(app.requested({ ...params, account_id: accounts.first }))
    const pushed = await postForm(`${server.url}/oauth2/par`, form, { basic: app.basic })
    expect(pushed.status).toBe(201)
    const query = new URLSearchParams({ client_id: app.clientId, request_uri: pushed.body.request_uri })
    const page = await browser.visit(`/oauth2/authorize?${query}`)
    expect(accountOf((await tokensOf(app, page)).access_token)).toBe(accounts.first)
  })

  test('is refused alike for an account of others, an unknown one, and what is no ID', async () => {
    const app = await register({ consent: 'skip' })
    const browser = await signedIn()
    const foreign = (await createAccount(server.knex, { name: 'Foreign' })).id
    const answers = new Set<string>()
    for (const account_id of [foreign, newId(), 'x', "'"]) {
      for (const prompt of [undefined, 'none']) {
        const page = await browser.visit(app.link({ account_id, prompt }))
        expectSentBack(server, page, 'access_denied')
        answers.add(answerOf(page.left).error_description!)
      }
    }
    expect(answers.size).toBe(1)
  })
})

describe('a device', () => {
  test('acts for the chosen account', async () => {
    const grants = ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token']
    const app = await register({ grants, redirectUris: [] })
    const asked = await postForm(
      `${server.url}/oauth2/device`,
      { scope: 'openid offline_access read' },
      { basic: app.basic },
    )
    const browser = await signedIn()
    const confirm = await browser.submit(await browser.visit('/device'), /device$/, { user_code: asked.body.user_code })
    const page = await browser.submit(confirm, /device$/, { confirm: 'yes' })
    expect([isChoice(page), isAllow(page)]).toEqual([true, true])
    await choose(browser, page, accounts.second)
    const form = { grant_type: grants[0]!, device_code: asked.body.device_code }
    const { status, body } = await server.token(form, { basic: app.basic })
    expect([status, accountOf(body.access_token)]).toEqual([200, accounts.second])
    expect(accountOf((await app.refresh(body.refresh_token)).body.access_token)).toBe(accounts.second)
  })
})
