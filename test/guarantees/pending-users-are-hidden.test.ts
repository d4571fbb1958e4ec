/**
 * On one node: an admin who adds the address of a user of another account cannot tell it from adding a new address, by any route of the
 * API or the console that concerns the user. The routes are those of the route tables.
 */
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { resetPassword } from '../../src/accounts/user-administration.ts'
import { API_ROUTES } from '../../src/api/api-routes.ts'
import { API_ROOT } from '../../src/api/management-paths.ts'
import type { ApiRoute } from '../../src/api/route.ts'
import { isPendingKey } from '../../src/database/address-keys.ts'
import { CONSOLE_ROUTES } from '../../src/web/console/console-routes.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, send } from '../support/requests.ts'
import { type Browser, formsOf, openBrowser, type Page, signIn } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { createCallers, fillPath, parametersOf, type Samples, sampleBody, signedIn } from './all-routes.ts'

interface Added {
  readonly id: string
  readonly email: string
}

/** The user with an address of another account first, then the one with a new address. */
type Pair = readonly [pending: Added, invited: Added]

let server: Keywright
let token: string
let admin: Person
let browser: Browser
let made = 0

beforeAll(async () => {
  server = await startKeywright({
    env: { SMTP_URL: 'smtp://127.0.0.1:9', SMTP_TLS: 'off', MAIL_FROM: 'auth@example.com' },
  })
  const { tokens, home } = await createCallers(server)
  token = tokens.admin!
  admin = await createTestUser(server.knex, home, 'admin')
  browser = await signedIn(server, admin)
})
afterAll(async () => await server?.stop())

/** Of equal lengths, so that the lengths of responses can be compared too. */
async function twoAddresses(): Promise<[used: string, free: string]> {
  const number = String(++made).padStart(6, '0')
  const person = await createTestUser(server.knex, await server.make.account())
  const used = `u${number}@used.example`
  await server.knex('users').where({ id: person.id }).update({ email: used, email_key: used })
  return [used, `f${number}@free.example`]
}

const askApi = (method: string, path: string, body?: unknown): Promise<Answer> =>
  send(server.url + API_ROOT + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'x-request-id': 'prober',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      'if-match': '*',
    },
    body: JSON.stringify(body),
  })

async function addPair(): Promise<Pair> {
  const emails = await twoAddresses()
  const ids: string[] = []
  for (const email of emails) ids.push((await askApi('POST', '/users', { email, role: 'member' })).body.id)
  const pair = emails.map((email, n) => ({ email, id: ids[n] })) as unknown as Pair
  const keys = await Promise.all(pair.map(({ id }) => server.knex('users').where({ id }).first('email_key')))
  expect(keys.map(({ email_key: key }) => isPendingKey(key))).toEqual([true, false])
  return pair
}

/** What must be alike, without what is another value for any two users. */
const comparable = (text: string, { id, email }: Partial<Added>): string =>
  text
    .replaceAll(id ?? '\0', 'ID')
    .replaceAll(email ?? '\0', 'EMAIL')
    .replaceAll(email?.replace('@', '%40') ?? '\0', 'EMAIL')
    .replaceAll(email?.split('@')[0] ?? '\0', 'LOCAL')
    .replace(/(value|content)="[\w-]{86}"/g, 'CSRF')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z|\d{1,2} \w+ \d{4}(?:,| at) [\d:]+(?: UTC)?/g, 'TIME')
    .replace(/kwp_\w+/g, 'PASSWORD')
    .replace(/(["> ])[0-9a-f]{8}-[0-9a-f-]{27}/g, '$1UUID')
    .replace(/(after|before|next|previous)[="]+[\w-]+/g, 'CURSOR')

const VARYING = [
  'date',
  'x-request-id',
  'set-cookie',
  'x-response-time',
  'traceparent',
  'ratelimit',
  'content-length',
  'retry-after',
]

const headersIn = (headers: Headers, one: Partial<Added>): string[] =>
  [...headers]
    .filter(([name]) => !VARYING.some((varying) => name.startsWith(varying)))
    .map(([name, value]) => `${name}: ${name === 'etag' ? 'etag' : comparable(value, one)}`)

const answerOf = ({ status, headers, text }: Pick<Answer, 'status' | 'headers' | 'text'>, one: Partial<Added>) => ({
  status,
  headers: headersIn(headers, one),
  text: comparable(text, one),
})

const isOfUser = ({ path }: { path: string }) => parametersOf(path).includes('user_id')

const named = <Route extends { method: string; path: string }>(routes: readonly Route[]) =>
  routes.filter(isOfUser).map((route) => [`${route.method.toUpperCase()} ${route.path}`, route] as const)

const UNUSED: Samples = { client_id: 'kwc_none', session_id: '0', identity_id: '0', name: 'none' }

describe('the management API', () => {
  it.each(named(API_ROUTES))('%s answers alike', async (_, route: ApiRoute) => {
    const answers = []
    const pair = await addPair()
    for (const one of pair) {
      const samples = { ...UNUSED, user_id: one.id, account_id: admin.accountId! }
      for (const query of ['?dry_run=true', '', '']) {
        const path = fillPath(route.path, samples) + query
        answers.push(answerOf(await askApi(route.method.toUpperCase(), path, sampleBody(route, samples)), one))
      }
      answers.push(answerOf(await askApi('GET', `/users/${one.id}`), one))
    }
    expect(answers.slice(0, answers.length / 2)).toEqual(answers.slice(answers.length / 2))
  })

  test.each([
    ['a list of users', ({ email }: Added) => `/users?search=${encodeURIComponent(email)}`],
    ['users by a word', ({ email }: Added) => `/users?search=${email.split('@')[0]}`],
    ['the activity of the user', ({ id }: Added) => `/activity?target=${id}`],
    ['the activity by the user', ({ email }: Added) => `/activity?actor=${encodeURIComponent(email)}`],
    ['a list of applications', ({ email }: Added) => `/applications?search=${encodeURIComponent(email)}`],
  ])('%s is alike', async (_, path) => {
    const answers = []
    for (const one of await addPair()) answers.push(answerOf(await askApi('GET', path(one)), one))
    expect(answers[0]!.status).toBe(200)
    expect(answers[0]).toEqual(answers[1])
  })

  test('the activity by a user who entered the one-time password is alike', async () => {
    const answers = []
    for (const one of await addPair()) {
      const { password } = await resetPassword(server.knex, one.id, { type: 'cli' })
      const visitor = openBrowser(server.url)
      await signIn(visitor, await visitor.visit('/signin'), one.email, password)
      answers.push(answerOf(await askApi('GET', `/activity?actor=${encodeURIComponent(one.email)}`), one))
    }
    expect(answers[0]!.text).toContain('user.signed_in')
    expect(answers[0]).toEqual(answers[1])
  })

  test('*Inspect* of the address is alike', async () => {
    const answers = []
    for (const one of await addPair())
      answers.push(answerOf(await askApi('POST', '/inspect', { text: one.email }), one))
    expect(answers[0]).toEqual(answers[1])
  })

  test('a list in the order of addresses shows no more by its cursors', async () => {
    const [pending] = await addPair()
    const { body } = await askApi('GET', '/users?limit=1')
    for (let page = body; page.next; ) {
      expect(Buffer.from(page.next, 'base64url').toString()).not.toMatch(/pending/i)
      page = (await askApi('GET', `/users?limit=1&after=${page.next}`)).body
      if (page.items[0]?.id === pending.id) break
    }
  })

  test('adding the address, and adding it again, are answered alike', async () => {
    const answers = []
    for (const email of await twoAddresses()) {
      const body = { email, role: 'admin', name: 'Ada' }
      const first = await askApi('POST', '/users', body)
      const second = await askApi('POST', '/users', body)
      answers.push([first, second].map((one) => answerOf(one, { id: first.body.id, email })))
    }
    expect(answers[0]!.map(({ status }) => status)).toEqual([201, 409])
    expect(answers[0]).toEqual(answers[1])
  })

  test('changing an address to it is answered alike', async () => {
    const answers = []
    const emails = await twoAddresses()
    for (const email of emails) {
      const { body } = await askApi('POST', '/users', { email: `x${email}`, role: 'member' })
      const changed = await askApi('PATCH', `/users/${body.id}`, { email })
      answers.push(answerOf(changed, { id: body.id, email }))
      const signsIn = await createTestUser(server.knex, admin.accountId!)
      const refused = await askApi('PATCH', `/users/${signsIn.id}`, { email })
      expect(refused.status).toBe(403)
    }
    expect(answers[0]!.status).toBe(200)
    expect(answers[0]).toEqual(answers[1])
  })
})

const actionOf = (action: string): string => new URL(action).pathname

describe('the console', () => {
  const pages = named(CONSOLE_ROUTES).filter(([, { method }]) => method === 'get')

  it.each(pages)('%s and its forms answer alike', async (_, route) => {
    const pair = await addPair()
    const answers = []
    for (const one of pair) {
      const path = fillPath(route.path, { ...UNUSED, user_id: one.id })
      const page = await browser.visit(path)
      const own: Page[] = [page]
      for (const { action } of formsOf(page).filter(({ action: to }) => to.includes(one.id)))
        own.push(await browser.submit(page, new RegExp(`${actionOf(action)}$`)))
      own.push(await browser.visit(`/users/${one.id}`))
      answers.push(own.map((shown) => answerOf(shown, one)))
    }
    expect(answers[0]).toEqual(answers[1])
  })

  test('the form of an invitation answers alike, also where the invitation is checked only', async () => {
    const answers = []
    for (const email of await twoAddresses()) {
      const form = await browser.visit('/users/invite')
      const own = []
      for (const fields of [
        { email, role: 'member', name: 'x'.repeat(300) } as Record<string, string>,
        { email, role: 'member' },
        { email, role: 'member' },
      ])
        own.push(await browser.submit(form, /\/users\/invite$/, fields))
      const id = /\/users\/([\w-]{36})/.exec(own[1]!.url)?.[1]
      answers.push(own.map((page) => answerOf(page, { ...(id && { id }), email })))
    }
    expect(answers[0]!.map(({ status }) => status)).toEqual([400, 200, 400])
    expect(answers[0]).toEqual(answers[1])
  })
})

test('a sign-in that fails is answered alike', async () => {
  const answers = []
  for (const one of await addPair()) {
    const page = await browser.visit('/signin/confirm')
    answers.push(
      answerOf(await browser.submit(page, /\/signin$/, { email: one.email, password: 'wrong password' }), one),
    )
  }
  expect(answers[0]).toEqual(answers[1])
})
