/** External IDs and metadata on the pages of accounts, users and applications. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import type { Browser } from '../../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../../support/test-users.ts'
import { createOperator, enter, wordsOf } from './console-visits.ts'

let server: Keywright
let account: string
let ada: Person
let asOperator: Browser
let asAda: Browser

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  ada = await createTestUser(server.knex, account, 'admin')
  asOperator = await enter(server, await createOperator(server.knex))
  asAda = await enter(server, ada)
})
afterAll(() => server.stop())

test('an operator sets them, and sees them on each page; an admin sees neither', async () => {
  const metadata = { plan: 'gold-1', limits: { seats: 3 } }
  const settings = { name: 'Export', externalId: 'ours-1', metadata }
  const { clientId } = await server.make.register({ settings, account })
  const forms = [`/accounts/${account}`, `/users/${ada.id}`]
  for (const path of forms) {
    const given = { externalId: 'ours-1', metadata: JSON.stringify(metadata) }
    const saved = await asOperator.submit(await asOperator.visit(`${path}/edit`), /\/edit$/, given)
    expect(wordsOf(saved)).toContain('External ID ours-1')
  }
  for (const path of [...forms, `/applications/${clientId}`]) {
    const page = await asOperator.visit(path)
    expect(wordsOf(page)).toContain('External ID ours-1')
    expect(wordsOf(page)).toMatch(/plan: gold-1 .*limits: \{(&quot;|")seats(&quot;|"):3\}/)
    expect((await asOperator.visit(`${path}/edit`)).text).toContain('ours-1')
    for (const seen of [path, `${path}/edit`]) {
      const ofAdmin = await asAda.visit(seen)
      expect(ofAdmin.text).not.toMatch(/gold-|ours-|External ID|Metadata/)
    }
  }
})

test.each([
  ['{"plan": "gold", "plan": "silver"}', 'is given twice'],
  ['["gold"]', 'is a JSON object'],
  ['{"plan"', 'not valid JSON'],
  [`{"note": "${'x'.repeat(4096)}"}`, 'more than 4096 bytes'],
  ['{"note": "\\u0000"}', 'a NUL character'],
  ['{"\\ud800": 1}', 'an unpaired surrogate'],
])(
  'the form of an account rejects the metadata %s at the field, and keeps what was typed',
  async (metadata, message) => {
    const form = await asOperator.visit(`/accounts/${account}/edit`)
    const page = await asOperator.submit(form, /\/edit$/, { metadata })
    expect(page.status).toBe(400)
    expect(page.text).toMatch(new RegExp(`id="field-metadata-error"[^>]*>[^<]*${message}`))
    expect(page.text).toContain(metadata.slice(0, 20).replaceAll('"', '&quot;'))
  },
)

test('an admin who sends the fields nevertheless changes neither', async () => {
  const form = await asAda.visit(`/users/${ada.id}/edit`)
  await asAda.submit(form, /\/edit$/, { externalId: 'forged', metadata: '{"a": 1}', name: 'Ada' })
  const row = await server.knex('users').where({ id: ada.id }).first('external_id', 'metadata')
  expect(row.external_id).not.toBe('forged')
  expect(row.metadata).not.toEqual({ a: 1 })
})

test('an external ID that another account has is an error at the field', async () => {
  const other = await server.make.account()
  await server.knex('accounts').where({ id: other }).update({ external_id: 'taken' })
  const page = await asOperator.submit(await asOperator.visit(`/accounts/${account}/edit`), /\/edit$/, {
    externalId: 'taken',
  })
  expect(page.text).toMatch(/id="field-externalId-error"[^>]*>Another of the accounts has this external ID/)
})

test('an operator finds an account and a user by the external ID', async () => {
  await server.knex('accounts').where({ id: account }).update({ external_id: 'find-me' })
  await server.knex('users').where({ id: ada.id }).update({ external_id: 'find-me' })
  expect(wordsOf(await asOperator.visit('/users?search=find-me'))).toContain(ada.email)
  const { name } = await server.knex('accounts').where({ id: account }).first('name')
  expect(wordsOf(await asOperator.visit('/accounts?search=find-me'))).toContain(name)
})
