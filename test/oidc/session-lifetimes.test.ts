/** Idle and absolute lifetimes of sessions, which are settings of the instance. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import type { Browser } from '../support/scriptless-browser.ts'
import { createTestUser } from '../support/test-users.ts'
import { enter } from '../web/console/console-visits.ts'
import { type Application, answerOf, createApplication } from './application-fixtures.ts'

const IDLE = 600
const ABSOLUTE = 1800

let server: Keywright
let application: Application

beforeAll(async () => {
  server = await startKeywright()
  application = await createApplication(server, { consent: 'skip' })
})
afterAll(() => server.stop())
afterEach(async () => {
  vi.useRealTimers()
  await setLifetimes(IDLE, ABSOLUTE)
})

const setLifetimes = (idle: number, absolute: number) =>
  server.knex('instance_settings').update({ session_idle_lifetime: idle, session_lifetime: absolute })

/** A browser whose user has just signed in. Time stands still until `pass`. */
async function open(idle = IDLE, absolute = ABSOLUTE): Promise<Browser> {
  await setLifetimes(idle, absolute)
  const person = await createTestUser(server.knex, server.firstStart.accountId, 'admin')
  vi.useFakeTimers({ toFake: ['Date'], now: Math.floor(Date.now() / 1000) * 1000 })
  return await enter(server, person)
}

const pass = (seconds: number) => void vi.setSystemTime(Date.now() + seconds * 1000)

const inConsole = async (browser: Browser): Promise<boolean> =>
  !(await browser.visit('/account/password')).url.includes('/signin')

const SILENT = { scope: 'openid', prompt: 'none' }

const atAuthorize = async (browser: Browser): Promise<boolean> =>
  (await browser.visit(application.link({ scope: 'openid' }))).left !== undefined

const silently = async (browser: Browser): Promise<string> => {
  const { code, error } = answerOf((await browser.visit(application.link(SILENT))).left)
  return code ? 'code' : error!
}

test('a session is accepted until the idle lifetime after the last request, and nowhere afterwards', async () => {
  const browser = await open()
  pass(IDLE - 1)
  expect([await inConsole(browser), await silently(browser)]).toEqual([true, 'code'])
  pass(IDLE)
  expect([await inConsole(browser), await atAuthorize(browser), await silently(browser)]).toEqual([
    false,
    false,
    'login_required',
  ])
})

test('a request that finds a session expired does not revive it', async () => {
  const browser = await open()
  pass(IDLE)
  for (let visit = 0; visit < 2; visit++) {
    expect(await silently(browser)).toBe('login_required')
    expect(await atAuthorize(browser)).toBe(false)
    expect(await inConsole(browser)).toBe(false)
  }
})

test('a request to the console and a request of an application both extend a session', async () => {
  const browser = await open(IDLE, 100 * ABSOLUTE)
  for (const use of [inConsole, atAuthorize, inConsole, atAuthorize]) {
    pass(IDLE - 1)
    expect(await use(browser)).toBe(true)
  }
})

test('an active session is accepted until the absolute lifetime, and nowhere afterwards', async () => {
  const browser = await open()
  for (let at = 0; at < ABSOLUTE - 300; at += 300) {
    pass(300)
    expect(await inConsole(browser)).toBe(true)
  }
  pass(299)
  expect(await inConsole(browser)).toBe(true)
  pass(1)
  expect([await inConsole(browser), await atAuthorize(browser), await silently(browser)]).toEqual([
    false,
    false,
    'login_required',
  ])
})

test.each([
  [60, true],
  [61, false],
])('a session that began %s s ahead of the clock of a node is accepted there: %s', async (ahead, isAccepted) => {
  const browser = await open()
  pass(-ahead)
  expect([await inConsole(browser), await silently(browser)]).toEqual([
    isAccepted,
    isAccepted ? 'code' : 'login_required',
  ])
})

test('a shorter lifetime applies to existing sessions at their next request', async () => {
  for (const [idle, absolute] of [
    [300, ABSOLUTE],
    [IDLE, 300],
  ] as const) {
    const browser = await open()
    pass(300)
    await setLifetimes(idle, absolute)
    expect([await inConsole(browser), await silently(browser)]).toEqual([false, 'login_required'])
    vi.useRealTimers()
  }
})

test('a longer absolute lifetime applies to existing sessions', async () => {
  const browser = await open(2 * ABSOLUTE, ABSOLUTE)
  await setLifetimes(2 * ABSOLUTE, 2 * ABSOLUTE)
  pass(ABSOLUTE + 1)
  expect([await inConsole(browser), await silently(browser)]).toEqual([true, 'code'])
})

test('a user whose session was idle for too long continues to the application after signing in', async () => {
  const person = await createTestUser(server.knex, server.firstStart.accountId, 'admin')
  await setLifetimes(IDLE, ABSOLUTE)
  const browser = await enter(server, person)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + IDLE * 1000 + 1000 })
  const asked = await browser.visit(application.link({ scope: 'openid' }))
  const next = await browser.submit(asked, /sign-?in$/, { email: person.email, password: person.password })
  expect(answerOf(next.left).code).toBeTruthy()
  expect(await silently(browser)).toBe('code')
})

test('requests in quick succession record the use of a session once', async () => {
  const browser = await open()
  const writes: string[] = []
  const note = ({ sql }: { sql: string }) => void (/update "engine_models"/i.test(sql) && writes.push(sql))
  pass(IDLE / 10)
  server.knex.on('query', note)
  for (let visit = 0; visit < 5; visit++) await browser.visit('/account/password')
  server.knex.removeListener('query', note)
  expect(writes).toHaveLength(1)
})

test('the former variables are refused, with the command that takes their place', () => {
  const env = { SESSION_LIFETIME: '60' }
  expect(() => loadConfig(env)).toThrow(/SESSION_LIFETIME: .*keywright instance update --session-lifetime SECONDS/)
})
