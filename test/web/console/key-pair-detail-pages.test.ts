import { afterAll, beforeAll, expect, test } from 'vitest'
import { recordAudit } from '../../../src/audit/audit-log.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import type { Browser } from '../../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../../support/test-users.ts'
import { createOperator, enter, wordsOf } from './console-visits.ts'
import { sendForm } from './filled-forms.ts'

let server: Keywright
let owner: Person
let asOwner: Browser
let asAdmin: Browser
let asOperator: Browser
let accountId: string
let pair: { clientId: string; clientSecret: string }

beforeAll(async () => {
  server = await startKeywright()
  const account = await server.make.account()
  accountId = account
  owner = await createTestUser(server.knex, account, 'admin')
  asOwner = await enter(server, owner)
  asAdmin = await enter(server, await createTestUser(server.knex, account, 'admin'))
  asOperator = await enter(server, await createOperator(server.knex))
  pair = await server.make.keyPair(owner.id)
})
afterAll(() => server.stop())

const path = () => `/key-pairs/${pair.clientId}`

test('the list links to a key pair, whose page names its owner, for another admin and for an operator', async () => {
  for (const browser of [asAdmin, asOperator]) {
    const list = await browser.visit(`/applications?kind=key_pair&search=${encodeURIComponent(owner.email)}`)
    expect(list.text).toContain(`href="${path()}"`)
    const page = await browser.visit(path())
    expect(page.status).toBe(200)
    expect(wordsOf(page)).toContain(owner.email)
    expect(page.text).not.toContain(pair.clientSecret)
  }
})

test('the page of a key pair links to its usage, which names its owner', async () => {
  const { clientId } = pair
  expect((await asAdmin.visit(path())).text).toContain(`href="/usage/${clientId}"`)
  const usage = await asAdmin.visit(`/usage/${clientId}`)
  expect(wordsOf(usage)).toMatch(new RegExp(`Key pair of ${owner.email} Usage`))
  expect(usage.text).toContain(`href="${path()}"`)
})

test('an event that a key pair caused links to the page of the key pair', async () => {
  const entry = { action: 'code.reused', target: { type: 'grant', id: 'g1' }, accountId, detail: {} }
  await recordAudit(server.knex, { type: 'client', id: pair.clientId }, entry)
  const activity = await asAdmin.visit('/activity')
  expect(activity.text).toContain(`href="${path()}"`)
  expect(activity.text).not.toContain(`href="/applications/${pair.clientId}"`)
})

test('another admin stops the key pair; its page and its owner read that, and it gets no tokens', async () => {
  expect((await server.machineToken(pair)).status).toBe(200)
  const asked = await asAdmin.visit(`${path()}/stop`)
  expect(wordsOf(asked)).toMatch(/revoke 1 access token immediately/)
  const stopped = await sendForm(asAdmin, asked, /\/stop$/)
  expect(wordsOf(stopped)).toContain('Key pair stopped.')
  expect(wordsOf(await asAdmin.visit(path()))).toContain('Stopped')
  expect((await server.machineToken(pair)).status).toBe(401)
  const own = await asOwner.visit('/settings/api')
  expect(wordsOf(own)).toContain('Your key pair is stopped for good')
  expect(wordsOf(own)).toContain('Generate new keys')
})
