/** The pages on which users see and end their sessions. */
import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { keywright } from '../support/cli-in-process.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Browser, openBrowser, signIn } from '../support/scriptless-browser.ts'
import { createTestUser, PASSWORD, type Person } from '../support/test-users.ts'
import { createOperator, enter, wordsOf } from './console/console-visits.ts'

const SECURITY = '/account/security'

let server: Keywright

beforeAll(async () => {
  server = await startKeywright()
})
afterAll(() => server.stop())
afterEach(() => void vi.useRealTimers())

const newPerson = (role?: 'admin'): Promise<Person> => createTestUser(server.knex, server.firstStart.accountId, role)

const isSignedIn = async (browser: Browser): Promise<boolean> =>
  !(await browser.visit(SECURITY)).url.includes('/signin')

/** Two browsers of one user. */
async function enterTwice(person: Person): Promise<[here: Browser, there: Browser]> {
  return [await enter(server, person), await enter(server, person)]
}

const endPathsOn = async (browser: Browser): Promise<string[]> =>
  [...(await browser.visit(SECURITY)).text.matchAll(/href="([^"]*\/end)"/g)].map(([, path]) => path!)

const actionsOn = async (id: string): Promise<string[]> =>
  await server.knex('audit_log').where({ target_id: id }).whereLike('action', '%ended').orderBy('seq').pluck('action')

test('a user sees each session with its browser, system, address and times, and this browser marked', async () => {
  const person = await newPerson()
  const [here] = await enterTwice(person)
  await server
    .knex('engine_models')
    .where({ user_id: person.id })
    .whereNot({ id_hash: (await presentRow(here)).id_hash })
    .update({ browser: 'Firefox', system: 'Windows', address: '192.0.2.77' })
  const words = wordsOf(await here.visit(SECURITY))
  expect(words).toMatch(/Firefox on Windows 192\.0\.2\.77/)
  expect(words.match(/This browser/g)).toHaveLength(1)
  expect(await endPathsOn(here)).toHaveLength(1)
})

/** The row of a browser's session. */
async function presentRow(browser: Browser) {
  const { value } = browser.cookies.get('kw_session /')!
  const id_hash = createHash('sha256').update(value).digest()
  return (await server.knex('engine_models').where({ model: 'Session', id_hash }).first())!
}

test('a session is stored with the words for its browser and its address, and no page holds its secret', async () => {
  const person = await newPerson('admin')
  const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'
  const browser = openBrowser(server.url)
  await signIn(browser, await browser.visit('/signin'), person.email, PASSWORD)
  const row = await presentRow(browser)
  expect(row).toMatchObject({ user_id: person.id, address: '127.0.0.1' })
  const { value } = browser.cookies.get('kw_session /')!
  const response = await fetch(`${server.url}${SECURITY}`, {
    headers: { cookie: `kw_session=${value}`, 'user-agent': agent, accept: 'text/html' },
  })
  const text = await response.text()
  expect(text).toContain('This browser')
  const colleague = await enter(server, await newPerson('admin'))
  const page = await colleague.visit(`/users/${person.id}`)
  for (const each of [text, page.text]) {
    expect(each).not.toContain(value)
    expect(each).not.toContain(row.id_hash.toString('hex'))
  }
})

test('the last use and the browser are recorded after five minutes, not at each request', async () => {
  const browser = await enter(server, await newPerson())
  const before = await presentRow(browser)
  vi.useFakeTimers({ toFake: ['Date'], now: before.last_used_at.getTime() + 299_000 })
  await browser.visit(SECURITY)
  expect((await presentRow(browser)).last_used_at).toEqual(before.last_used_at)
  vi.setSystemTime(before.last_used_at.getTime() + 300_000)
  await browser.visit(SECURITY)
  expect((await presentRow(browser)).last_used_at.getTime()).toBe(before.last_used_at.getTime() + 300_000)
})

test('a session that its user ends is signed out, and the other one stays', async () => {
  const person = await newPerson()
  const [here, there] = await enterTwice(person)
  const [path] = await endPathsOn(here)
  const asked = await here.visit(path!)
  expect(wordsOf(asked)).toContain('Applications that you connected keep their access')
  expect(await isSignedIn(there)).toBe(true)
  expect(wordsOf(await here.submit(asked, /end$/))).toContain('Signed out of the session.')
  expect([await isSignedIn(here), await isSignedIn(there)]).toEqual([true, false])
  expect((await here.visit(path!)).status).toBe(404)
  expect((await here.submit(asked, /end$/)).status).toBe(404)
  expect(await actionsOn(person.id)).toEqual(['user.session_ended'])
})

test('signing out everywhere else ends every other session, also one that no list shows', async () => {
  const person = await newPerson()
  const [here, there] = await enterTwice(person)
  const unlisted = await enter(server, person)
  const { id_hash } = await presentRow(unlisted)
  const blank = { user_id: null, session_id: null, signed_in_at: null, subject_since: null }
  await server.knex('engine_models').where({ id_hash }).update(blank)
  expect(await endPathsOn(here)).toHaveLength(1)
  const asked = await here.visit(`${SECURITY}/sessions/others`)
  const page = await here.submit(asked, /others$/)
  expect(wordsOf(page)).toContain('Signed out everywhere else.')
  expect([await isSignedIn(here), await isSignedIn(there), await isSignedIn(unlisted)]).toEqual([true, false, false])
  expect(await endPathsOn(here)).toEqual([])
  expect(await actionsOn(person.id)).toEqual(['user.other_sessions_ended'])
})

test('signing out everywhere else is no new sign-in', async () => {
  const person = await newPerson()
  const browser = await enter(server, person)
  const before = (await presentRow(browser)).signed_in_at
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 20 * 60_000 })
  await browser.submit(await browser.visit(`${SECURITY}/sessions/others`), /others$/)
  expect((await presentRow(browser)).signed_in_at).toEqual(before)
  expect(wordsOf(await browser.visit(`${SECURITY}/apps`))).toContain('Confirm your password')
})

test('the session of another user is not found, and a form without the CSRF token is refused', async () => {
  const [person, other] = [await newPerson(), await newPerson()]
  const [here, there] = await enterTwice(person)
  const stranger = await enter(server, other)
  const [path] = await endPathsOn(here)
  expect((await stranger.visit(path!)).status).toBe(404)
  const form = await here.visit(path!)
  const asked = await stranger.visit(`${SECURITY}/sessions/others`)
  const aimed = { ...asked, text: asked.text.replaceAll(`${SECURITY}/sessions/others`, path!) }
  expect((await stranger.submit(aimed, /end$/)).status).toBe(404)
  const forged = { ...form, text: form.text.replaceAll(/name="csrf" value="[^"]*"/g, 'name="csrf" value=""') }
  expect((await here.submit(forged, /end$/)).status).toBe(403)
  expect(await isSignedIn(there)).toBe(true)
  expect(await actionsOn(person.id)).toEqual([])
})

test('an expired session is not listed', async () => {
  const person = await newPerson()
  const [here, there] = await enterTwice(person)
  const { id_hash } = await presentRow(there)
  for (const change of [
    { signed_in_at: new Date(0) },
    { last_used_at: new Date(Date.now() - 3 * 86_400_000 - 60_000) },
    { expires_at: new Date(0) },
    { subject_since: new Date(0) },
  ]) {
    const row = (await server.knex('engine_models').where({ id_hash }).first())!
    await server.knex('engine_models').where({ id_hash }).update(change)
    expect(await endPathsOn(here)).toEqual([])
    const back = Object.fromEntries(Object.keys(change).map((name) => [name, row[name]]))
    await server.knex('engine_models').where({ id_hash }).update(back)
  }
  expect(await endPathsOn(here)).toHaveLength(1)
})

test('admins and operators see the sessions of a user, and end all of them', async () => {
  const person = await newPerson()
  const [here] = await enterTwice(person)
  const admin = await enter(server, await newPerson('admin'))
  const operator = await enter(server, await createOperator(server.knex))
  for (const browser of [admin, operator])
    expect(wordsOf(await browser.visit(`/users/${person.id}`))).toMatch(/Sessions.*Unknown browser 127\.0\.0\.1/)
  await admin.submit(await admin.visit(`/users/${person.id}/sessions`), /sessions$/)
  expect(await isSignedIn(here)).toBe(false)
  expect(wordsOf(await admin.visit(`/users/${person.id}`))).not.toContain('127.0.0.1')
})

test('a deleted user leaves no session', async () => {
  const person = await newPerson()
  await enterTwice(person)
  const rows = () => server.knex('engine_models').where({ user_id: person.id })
  expect(await rows()).toHaveLength(2)
  const cli = keywright(server.env)
  expect((await cli(`user sessions ${person.id}`)).sessions).toHaveLength(2)
  await cli(`user disable ${person.id}`)
  expect((await cli(`user sessions ${person.id}`)).sessions).toEqual([])
  await cli(`user delete ${person.id}`)
  expect(await rows()).toEqual([])
})
