/** Claims from metadata in the form and on the page of an API. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { createTestUser } from '../../support/test-users.ts'
import { type Operator, openOperator } from './console-forms.ts'
import { enter, wordsOf } from './console-visits.ts'

let server: Keywright
let operator: Operator
let identifier: string
let path: string

beforeAll(async () => {
  server = await startKeywright()
  operator = await openOperator(server)
  identifier = (await server.make.api()).identifier
  path = `/apis/${(await server.knex('apis').where({ identifier }).first('id')).id}`
})
afterAll(() => server.stop())

const edit = async (claims: string) =>
  await operator.send(await operator.visit(`${path}/edit`), `${path}/edit`, { claims })

const stored = async () => (await server.knex('apis').where({ identifier }).first('claims')).claims

test('an operator declares claims on lines, and sees them on the page, in the form and in the activity log', async () => {
  await edit('plan=account.plan\r\nhttps://example.com/tier=client.tier')
  expect(await stored()).toEqual([
    { name: 'plan', from: 'account', key: 'plan' },
    { name: 'https://example.com/tier', from: 'client', key: 'tier' },
  ])
  expect(wordsOf(await operator.visit(path))).toContain(
    'Claims from metadata plan=account.plan https://example.com/tier=client.tier',
  )
  expect((await operator.visit(`${path}/edit`)).text).toContain(
    'plan=account.plan\nhttps://example.com/tier=client.tier</textarea>',
  )
  expect(wordsOf(await operator.visit('/activity'))).toContain('plan=account.plan')
})

test.each([
  ['sub=user.number', 'reserved'],
  ['plan', 'name=source.key'],
  ['plan=instance.plan', 'from account, client, user'],
  ['plan=account.plan plan=user.plan', 'declared twice'],
])('the form rejects %s at the field, and keeps what was typed', async (claims, message) => {
  const before = await stored()
  const page = await edit(claims)
  expect(page.status).toBe(400)
  expect(page.text).toMatch(new RegExp(`id="field-claims-error"[^>]*>[^<]*(<[^>]*>)?[^<]*${message}`))
  expect(page.text).toContain(`${claims}</textarea>`)
  expect(await stored()).toEqual(before)
})

test('an empty field removes the claims', async () => {
  await edit('')
  expect(await stored()).toEqual([])
})

test('an admin sees no page of an API', async () => {
  const admin = await enter(server, await createTestUser(server.knex, server.firstStart.accountId, 'admin'))
  expect([403, 404]).toContain((await admin.visit(path)).status)
})
