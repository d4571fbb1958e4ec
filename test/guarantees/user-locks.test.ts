/**
 * An application that redeems without end, over two nodes, keeps nobody from ending its access: its share of the locks is
 * served in order with transactions that wait to change something.
 */
import { beforeAll, expect, test } from 'vitest'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { startLoad } from '../support/load.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import type { Credentials } from '../support/requests.ts'
import { openBrowser, signIn } from '../support/scriptless-browser.ts'
import { openSignedInBrowser, redemptionOf, type SignedInBrowser } from '../support/signed-in-browsers.ts'
import type { Person } from '../support/test-users.ts'

let on: SharedNodes
let api: { identifier: string }

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api()
})

interface Scene {
  readonly person: Person
  readonly visitor: SignedInBrowser
  readonly application: Credentials & { clientId: string }
  readonly storm: ReturnType<typeof startLoad<number>>
}

/** Somebody whose application uses one refresh token from 24 places at once. */
async function begin(): Promise<Scene> {
  const person = await on.make.person()
  const application = await on.make.application([api.identifier], { consent: 'skip', refreshTokenRotation: false })
  const visitor = await openSignedInBrowser(on.nodes[0]!, person)
  const code = await visitor.code(application)
  const { body } = await on.nodes[1]!.token(redemptionOf(code), { basic: application })
  const form = { grant_type: 'refresh_token', refresh_token: body.refresh_token }
  const storm = startLoad(24, async (loop) => (await on.nodes[loop % 2]!.token(form, { basic: application })).status)
  await storm.reached(50)
  return { person, visitor, application, storm }
}

test('its person signs in in another browser meanwhile', async () => {
  const { person, storm } = await begin()
  const browser = openBrowser(on.nodes[1]!.url)
  const page = await signIn(browser, await browser.visit('/signin'), person.email, person.password)
  expect([page.status, page.text.includes('Your account')]).toEqual([200, true])
  expect(new Set(await storm.stop())).toEqual(new Set([200]))
})

test('its person withdraws, and nothing more is given', async () => {
  const { visitor, application, storm } = await begin()
  const path = `/account/applications/${application.clientId}/withdraw`
  const done = await visitor.submit(await visitor.visit(path), /withdraw$/)
  expect(done.status).toBe(200)
  await storm.next(48)
  const statuses = await storm.stop()
  expect(statuses.at(-1)).toBe(400)
})

test('an operator switches the person off', async () => {
  const { person, storm } = await begin()
  await changeUserStatus(on.knex, person.id, 'disabled', { type: 'system' })
  await storm.next(48)
  expect((await storm.stop()).at(-1)).toBe(400)
})
