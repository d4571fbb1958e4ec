import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { recordAudit } from '../../src/audit/audit-log.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import type { Browser } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { createOperator, enter } from '../web/console/console-visits.ts'

let server: Keywright
let account: string
let admin: Person
let stranger: Person
let operator: Person
let browser: Browser
let tokens: Record<'admin' | 'operator', string>
let provider: string

const IPS = { admin: '192.0.2.10', stranger: '198.51.100.20', operator: '203.0.113.30', program: '203.0.113.31' }

/** What is done to an account's application by one of its admins, by a user of another account, and by operators. */
beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  admin = await createTestUser(server.knex, account, 'admin')
  stranger = await createTestUser(server.knex, await server.make.account())
  operator = await createOperator(server.knex)
  provider = (await managingApplication(server, null)).clientId
  const { clientId: id } = await server.make.register({ account })
  const target = { type: 'client', id }
  const by = (who: Person) => ({ action: 'consent.given', target, accountId: account, detail: { user_id: who.id } })
  await recordAudit(server.knex, { type: 'user', id: admin.id, ip: IPS.admin }, by(admin))
  await recordAudit(server.knex, { type: 'user', id: stranger.id, ip: IPS.stranger }, by(stranger))
  const archived = { action: 'client.archived', target, accountId: account }
  await recordAudit(server.knex, { type: 'user', id: operator.id, ip: IPS.operator, through: provider }, archived)
  await recordAudit(server.knex, { type: 'client', id: provider, ip: IPS.program }, archived)
  browser = await enter(server, admin)
  tokens = {
    admin: await managementToken(server, await managingApplication(server, account)),
    operator: await managementToken(server, await managingApplication(server, null)),
  }
})
afterAll(() => server.stop())

const query = () => `account_id=${account}`
const api = (who: 'admin' | 'operator') => rawManagement(server.url, tokens[who])

/** Every way in which an account's admin reads the log. */
const WAYS: [string, () => Promise<string>][] = [
  ['the page', async () => (await browser.visit('/activity')).text],
  ['the start page', async () => (await browser.visit('/')).text],
  ['the export of the console', async () => (await browser.visit('/activity/export.jsonl')).text],
  ['the API', async () => (await api('admin').send('GET', `/activity?${query()}`)).text],
  ['the export of the API', async () => (await api('admin').send('GET', `/activity/export?${query()}`)).text],
]

describe.each(WAYS)("an account's log in %s", (name, read) => {
  test('tells who of the account acted, and neither address nor network of anybody else', async () => {
    const text = await read()
    expect(text).toContain(admin.email)
    if (name !== 'the start page') expect(text).toContain(IPS.admin)
    for (const secret of [
      stranger.email,
      operator.email,
      operator.id,
      provider,
      IPS.stranger,
      IPS.operator,
      IPS.program,
    ]) {
      expect(text.includes(secret), secret).toBe(false)
    }
    if (name !== 'the start page') expect(text).toContain('Operator')
  })
})

test('a filter by what is hidden finds nothing, so that nobody can guess it', async () => {
  const found = async (filter: string) =>
    (await api('admin').send('GET', `/activity?${query()}&${filter}`)).body.items.map(
      ({ actor }: { actor: { id: string } }) => actor.id,
    )
  for (const hidden of [
    `actor=${encodeURIComponent(stranger.email)}`,
    `actor=${operator.email}`,
    `actor=${operator.id}`,
  ]) {
    expect(await found(hidden), hidden).toEqual([])
  }
  expect(await found(`actor=${provider}`)).toEqual([])
  for (const ip of [IPS.stranger, IPS.operator, IPS.program]) expect(await found(`ip=${ip}`), ip).toEqual([])
  expect(await found(`actor=${encodeURIComponent(admin.email)}`)).toContain(admin.id)
  expect(await found(`ip=${IPS.admin}`)).toEqual([admin.id])
  // The subject that the application was given for them.
  expect(await found(`actor=${stranger.id}`)).toEqual([stranger.id])
})

test('operators read all of it', async () => {
  const { text } = await api('operator').send('GET', `/activity?${query()}`)
  for (const one of [stranger.email, operator.email, provider, ...Object.values(IPS)]) expect(text).toContain(one)
})
