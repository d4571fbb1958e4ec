import { afterAll, beforeAll, expect, test } from 'vitest'
import { EngineModelAdapter } from '../../src/oidc/adapter.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import type { Browser } from '../support/scriptless-browser.ts'
import { createTestUser } from '../support/test-users.ts'
import { enter } from '../web/console/console-visits.ts'
import { createApplication } from './application-fixtures.ts'

let server: Keywright

beforeAll(async () => {
  server = await startKeywright({ env: { SESSION_IDLE_LIFETIME: '10', SESSION_LIFETIME: '30' } })
})
afterAll(() => server.stop())

const open = async (): Promise<Browser> =>
  await enter(server, await createTestUser(server.knex, server.firstStart.accountId, 'admin'))

const isSignedIn = async (browser: Browser): Promise<boolean> =>
  !(await browser.visit('/account/password')).url.includes('/signin')

/** As if nothing had been asked for so long. */
const rest = (minutes: number) =>
  server.knex.raw(
    `UPDATE engine_models SET expires_at = expires_at - make_interval(mins => ?)
      WHERE model = 'Session' AND payload IS NOT NULL`,
    [minutes],
  )

/** As if its person had signed in earlier. */
async function age(browser: Browser, minutes: number): Promise<void> {
  const sessions = new EngineModelAdapter(server.knex, server.instance.encryptionKeys, 'Session')
  const id = [...browser.cookies].find(([key]) => key.startsWith('kw_session '))![1].value
  const session = (await sessions.find(id))!
  await sessions.upsert(id, { ...session, loginTs: session.loginTs! - minutes * 60 }, 600)
}

test('a browser that is not used for the idle lifetime is signed out', async () => {
  const browser = await open()
  await rest(9)
  expect(await isSignedIn(browser)).toBe(true)
  await rest(11)
  expect(await isSignedIn(browser)).toBe(false)
})

test('a request to the console extends the session, also for a later authorization request', async () => {
  const browser = await open()
  for (let visit = 0; visit < 3; visit++) {
    await rest(8)
    expect(await isSignedIn(browser)).toBe(true)
  }
  const application = await createApplication(server, { consent: 'skip' })
  await rest(8)
  expect((await browser.visit(application.link({ scope: 'openid' }))).left).toBeDefined()
})

test('an active browser must sign in again after the absolute lifetime', async () => {
  const browser = await open()
  const application = await createApplication(server, { consent: 'skip' })
  await age(browser, 29)
  expect(await isSignedIn(browser)).toBe(true)
  await age(browser, 2)
  expect(await isSignedIn(browser)).toBe(false)
  const asked = await browser.visit(application.link({ scope: 'openid' }))
  expect(asked.text).toContain('<h1>Sign in</h1>')
})

test('requests in quick succession write the session once', async () => {
  const browser = await open()
  const writes: string[] = []
  const note = ({ sql }: { sql: string }) => void (/update "engine_models"/i.test(sql) && writes.push(sql))
  await rest(5)
  server.knex.on('query', note)
  for (let visit = 0; visit < 5; visit++) await browser.visit('/account/password')
  server.knex.removeListener('query', note)
  expect(writes).toHaveLength(1)
})
