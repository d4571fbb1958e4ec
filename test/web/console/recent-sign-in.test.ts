import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { CONSOLE_ROUTES } from '../../../src/web/console/console-routes.ts'
import type { ConsoleRoute } from '../../../src/web/console/kit/console-route.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { type Browser, formsOf, type Page } from '../../support/scriptless-browser.ts'
import { addTestApp } from '../../support/second-factors.ts'
import { createTestUser, PASSWORD, type Person } from '../../support/test-users.ts'
import { createOperator, enter, wordsOf } from './console-visits.ts'

let server: Keywright
let account: string
let ada: Person
let grace: Person

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  ada = await createTestUser(server.knex, account, 'admin')
  grace = await createTestUser(server.knex, account, 'admin')
})
afterAll(() => server.stop())
afterEach(() => void vi.useRealTimers())

const MINUTE = 60_000

const wait = (minutes: number) => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + minutes * MINUTE })

const hashOf = async (person: Person): Promise<string> =>
  (await server.knex('users').where({ id: person.id }).first('password_hash')).password_hash

/** Posts what the page's form would, without having seen the page. */
async function post(browser: Browser, path: string, fields: Record<string, string>): Promise<Page> {
  const csrf = formsOf(await browser.visit('/account/password')).find((form) => form.fields.csrf)!.fields.csrf!
  const body = new URLSearchParams({ csrf, ...fields })
  return await browser.visit(path, { method: 'POST', body, headers: { origin: server.url } })
}

const confirm = (browser: Browser, page: Page, password = PASSWORD) => browser.submit(page, /\/signin$/, { password })

describe('a session whose sign-in is more than ten minutes ago', () => {
  const changes: [what: string, path: () => string, fields: () => Record<string, string>][] = [
    ["resets a colleague's password", () => `/users/${grace.id}/password`, () => ({})],
    ["resets a colleague's second factors", () => `/users/${grace.id}/factors`, () => ({})],
    ['resets its own password', () => `/users/${ada.id}/password`, () => ({})],
    [
      "changes a colleague's address",
      () => `/users/${grace.id}/edit`,
      () => ({ revision: '1', name: '', email: 'taken@example.com' }),
    ],
    [
      'changes its own address',
      () => `/users/${ada.id}/edit`,
      () => ({ revision: '1', name: '', email: 'taken@example.com' }),
    ],
    ['invites an admin', () => '/users/invite', () => ({ email: 'accomplice@example.com', role: 'admin' })],
  ]
  it.each(changes)('%s only with the password', async (_, path, fields) => {
    const browser = await enter(server, ada)
    const before = await server.knex('users').where({ account_id: account }).orderBy('id')
    wait(11)
    const page = await post(browser, path(), fields())
    expect(wordsOf(page)).toContain('Confirm your password')
    expect(page.text).not.toContain('One-time password')
    const wrong = await confirm(browser, page, 'not the password of Ada')
    expect([wrong.status, wordsOf(wrong)]).toEqual([400, expect.stringContaining('Incorrect password')])
    expect(await server.knex('users').where({ account_id: account }).orderBy('id')).toEqual(before)
  })

  it('does not make a member an admin without the password', async () => {
    const mary = await createTestUser(server.knex, account)
    const browser = await enter(server, ada)
    const page = await browser.visit(`/users/${mary.id}/role`)
    wait(11)
    expect(wordsOf(await browser.submit(page, /role$/))).toContain('Confirm your password')
    expect(await server.knex('users').where({ id: mary.id }).first('role')).toEqual({ role: 'member' })
  })

  it('still changes what somebody is called', async () => {
    const browser = await enter(server, ada)
    wait(11)
    const page = await browser.visit(`/users/${grace.id}/edit`)
    expect(wordsOf(await browser.submit(page, /edit$/, { name: 'Grace' }))).toContain('Changes saved.')
  })
})

/** A path of a route, with IDs of nothing: the sign-in is checked before the object is read. */
const pathOf = ({ path }: ConsoleRoute): string =>
  path.replace(/:(\w+)/g, (_, name) => (/user|account/i.test(name) ? grace.id : 'none'))

const destructive = CONSOLE_ROUTES.filter(({ permission }) => permission.recentSignIn)

describe('a destructive page', () => {
  let browsers: Record<'admin' | 'operator', Browser>

  beforeAll(async () => {
    browsers = { admin: await enter(server, ada), operator: await enter(server, await createOperator(server.knex)) }
  })

  it.each(destructive.map((route) => [`${route.method} ${route.path}`, route] as const))(
    'requires a recent sign-in: %s',
    async (_, route) => {
      const browser = browsers[route.permission.role === 'operator' ? 'operator' : 'admin']
      wait(9)
      const recent = await (route.method === 'get' ? browser.visit(pathOf(route)) : post(browser, pathOf(route), {}))
      expect(wordsOf(recent)).not.toContain('Confirm your password')
      wait(2)
      const old = await (route.method === 'get' ? browser.visit(pathOf(route)) : post(browser, pathOf(route), {}))
      expect(wordsOf(old)).toContain('Confirm your password')
    },
  )

  it('is every page of a destructive operation', () => {
    const paths = destructive.filter(({ method }) => method === 'post').map(({ path }) => path)
    expect(paths).toEqual(
      expect.arrayContaining([
        '/applications/:clientId/archive',
        '/applications/:clientId/delete',
        '/applications/:clientId/key',
        '/applications/:clientId/revoke',
        '/users/:userId/delete',
        '/users/:userId/offboard',
        '/users/:userId/sessions',
        '/users/:userId/status',
        '/accounts/:accountId/delete',
        '/accounts/:accountId/status',
        '/signing-keys/:kid/revoke',
        '/settings/instance/api',
      ]),
    )
  })

  it('requires the second factor of a user who has one, although the password was entered a moment ago', async () => {
    const mary = await createTestUser(server.knex, account, 'admin')
    const browser = await enter(server, mary)
    const application = await server.make.register({ settings: { name: 'Kept' }, account })
    const path = `/applications/${application.clientId}/archive`
    const page = await browser.visit(path)
    expect(wordsOf(page)).not.toContain('Confirm your password')
    const app = await addTestApp(server.knex, server.instance.encryptionKeys, mary.id)
    expect(wordsOf(await browser.submit(page, /archive$/))).toContain('Confirm your password')
    const asked = await confirm(browser, await browser.visit(path))
    expect(wordsOf(asked)).toContain('Two-factor authentication')
    expect(wordsOf(await browser.visit(path))).toContain('Confirm your password')
    const back = await browser.submit(asked, /\/factor$/, { code: await app.code() })
    expect(back.url).toContain(path)
    expect(wordsOf(await browser.submit(back, /archive$/))).not.toContain('Confirm your password')
    const { status } = await server.knex('clients').where({ client_id: application.clientId }).first('status')
    expect(status).toBe('archived')
  })

  it('keeps the form of a page that cannot be read again', async () => {
    const browser = await enter(server, ada)
    const application = await server.make.register({ settings: { name: 'Selected' }, account })
    wait(11)
    const asked = await post(browser, '/applications/archive', { [`client.${application.clientId}`]: 'on' })
    const resumed = await confirm(browser, asked)
    expect(wordsOf(resumed)).toContain('is not saved yet')
    expect(resumed.text).toContain(application.clientId)
  })
})

describe('confirming', () => {
  it('leads to the page that asked for it, and lets the change through', async () => {
    const browser = await enter(server, ada)
    wait(11)
    const asked = await browser.visit(`/users/${grace.id}/password`)
    expect([asked.url, wordsOf(asked)]).toEqual([
      expect.stringContaining('/signin/confirm'),
      expect.stringContaining(`Enter the password of ${ada.email} to continue`),
    ])
    const before = await hashOf(grace)
    const page = await confirm(browser, asked)
    expect(page.url).toContain(`/users/${grace.id}/password`)
    expect(wordsOf(await browser.submit(page, /password$/))).toContain('One-time password')
    expect(await hashOf(grace)).not.toBe(before)
  })

  it('keeps the form that was sent, and sends it when it is continued', async () => {
    const browser = await enter(server, ada)
    const page = await browser.visit('/users/invite')
    wait(11)
    const fields = { email: 'kept@example.com', name: 'Kept "& <b>', role: 'member' }
    const resumed = await confirm(browser, await browser.submit(page, /invite$/, fields))
    expect(wordsOf(resumed)).toContain('is not saved yet')
    expect(await server.knex('users').where({ email: fields.email })).toEqual([])
    expect(wordsOf(await browser.submit(resumed, /invite$/))).toContain('One-time password')
    expect(await server.knex('users').where({ email: fields.email }).first('name')).toEqual({ name: fields.name })
  })

  it('as somebody else drops the form', async () => {
    const browser = await enter(server, ada)
    const page = await browser.visit('/users/invite')
    wait(11)
    const asked = await browser.submit(page, /invite$/, { email: 'dropped@example.com', role: 'member' })
    const other = await createTestUser(server.knex, account, 'admin')
    const landed = await browser.submit(asked, /\/signin$/, { email: other.email, password: PASSWORD })
    expect(landed.url).toContain('/users/invite')
    expect(landed.text).not.toContain('dropped@example.com')
  })
})

describe('a session that ended before a form was sent', () => {
  it('keeps what was typed until its person has signed in again', async () => {
    const home = await server.make.account()
    const mary = await createTestUser(server.knex, home, 'admin')
    const colleague = await createTestUser(server.knex, home)
    const browser = await enter(server, mary)
    const page = await browser.visit(`/users/${colleague.id}/edit`)
    await server.knex('users').where({ id: mary.id }).update({ sessions_valid_from: server.knex.fn.now() })
    const asked = await browser.submit(page, /edit$/, { name: 'Typed before' })
    expect([asked.status, wordsOf(asked)]).toEqual([401, expect.stringContaining('Your session has expired')])
    const resumed = await browser.submit(asked, /\/signin$/, { email: mary.email, password: PASSWORD })
    expect(wordsOf(resumed)).toContain('The data you entered')
    expect(wordsOf(await browser.submit(resumed, /edit$/))).toContain('Changes saved.')
    expect(await server.knex('users').where({ id: colleague.id }).first('name')).toEqual({ name: 'Typed before' })
  })

  it('survives a mistyped password, and nothing that was not sealed here is taken for a form', async () => {
    const mary = await createTestUser(server.knex, await server.make.account(), 'admin')
    const browser = await enter(server, mary)
    const page = await browser.visit('/users/invite')
    await server.knex('users').where({ id: mary.id }).update({ sessions_valid_from: server.knex.fn.now() })
    const asked = await browser.submit(page, /invite$/, { email: 'patient@example.com', role: 'member' })
    const wrong = await browser.submit(asked, /\/signin$/, { email: mary.email, password: 'mistyped' })
    const resumed = await browser.submit(wrong, /\/signin$/, { email: mary.email, password: PASSWORD })
    expect(resumed.text).toContain('value="patient@example.com"')
    const fresh = await enter(server, mary)
    const forged = { email: mary.email, password: PASSWORD, interrupted: 'bm90IG91cnM', return_to: '/users' }
    expect((await post(fresh, '/signin', forged)).url).toBe(`${server.url}/users`)
  })
})
