/** A session that is ended while a request gives it another ID does not come back under that ID. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { untilLocked } from '../support/lock-waits.ts'
import type { Browser, Page } from '../support/scriptless-browser.ts'
import { createTestUser, PASSWORD, type Person } from '../support/test-users.ts'
import { enter } from '../web/console/console-visits.ts'
import { createApplication } from './application-fixtures.ts'

let server: Keywright
let person: Person
let browser: Browser

beforeAll(async () => {
  server = await startKeywright()
})
afterAll(() => server.stop())

async function signedIn(): Promise<void> {
  person = await createTestUser(server.knex, await server.make.accountId())
  browser = await enter(server, person)
}

/** Ends the sessions of the user while the request waits for the lock of a session. */
async function endDuring(request: () => Promise<Page>): Promise<void> {
  const trx = await server.knex.transaction()
  const sessions = () => trx('engine_models').where({ model: 'Session', user_id: person.id })
  await sessions().forUpdate().select('id_hash')
  const page = request()
  await untilLocked({ query: (text) => server.knex.raw(text) }, page)
  await sessions().update({ payload: null, user_id: null, session_id: null })
  await trx.commit()
  expect((await page).status).toBeLessThan(500)
}

const isSignedIn = async (): Promise<boolean> => !(await browser.visit('/account/security')).url.includes('/signin')

test('when the user allows an application', async () => {
  await signedIn()
  const application = await createApplication(server)
  const asked = await browser.visit(application.link())
  await endDuring(() => browser.submit(asked, /allow$/))
  expect(await isSignedIn()).toBe(false)
})

test('when the user changes the password', async () => {
  await signedIn()
  const form = await browser.visit('/account/password')
  const next = `${PASSWORD} and another`
  await endDuring(() => browser.submit(form, /password$/, { present: PASSWORD, password: next, repeat: next }))
  expect(await isSignedIn()).toBe(false)
})

test('a session that nobody ends continues', async () => {
  await signedIn()
  const application = await createApplication(server)
  await browser.submit(await browser.visit(application.link()), /allow$/)
  expect(await isSignedIn()).toBe(true)
})
