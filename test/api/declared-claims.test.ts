/** The declaration of claims from metadata over the management API. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'

let server: Keywright
let operator: string
let admin: string
let path: string

beforeAll(async () => {
  server = await startKeywright()
  operator = await managementToken(server, await managingApplication(server, null))
  admin = await managementToken(server, await managingApplication(server, server.firstStart.accountId))
  path = `/apis/${encodeURIComponent((await server.make.api()).identifier)}`
})

afterAll(() => server.stop())

const change = (claims: unknown, as = operator) =>
  rawManagement(server.url, as).json('PATCH', path, { claims }, { 'if-match': '*' })

const claim = { name: 'plan', from: 'account', key: 'plan' }

test('an operator declares, reads and removes claims, and the activity log has them', async () => {
  expect((await change([claim])).body.claims).toEqual([claim])
  expect((await rawManagement(server.url, operator).send('GET', path)).body.claims).toEqual([claim])
  const tier = { name: 'https://example.com/tier', from: 'client', key: 'tier' }
  expect((await change([claim, tier])).body.claims).toEqual([claim, tier])
  expect((await change([])).body.claims).toEqual([])
  const log = await server.knex('audit_log').where({ action: 'api.updated' }).orderBy('seq').pluck('detail')
  expect(log.map(({ changes }) => changes)).toEqual([
    { claims: { from: [], to: [claim] } },
    { claims: { from: [claim], to: [claim, tier] } },
    { claims: { from: [claim, tier], to: [] } },
  ])
})

test('an API is created with claims', async () => {
  const body = { identifier: 'https://claims.example.com', scopes: ['read'], claims: [claim] }
  const created = await rawManagement(server.url, operator).json('POST', '/apis', body)
  expect([created.status, created.body.api.claims]).toEqual([201, [claim]])
})

test('others neither see nor declare claims', async () => {
  expect((await change([claim], admin)).status).toBe(403)
  const seen = await rawManagement(server.url, admin).send('GET', path)
  expect(seen.status).toBe(200)
  expect(seen.body).not.toHaveProperty('claims')
  expect((await rawManagement(server.url, admin).send('GET', '/apis')).text).not.toContain('"claims"')
})

test.each([
  ['a reserved name', [{ ...claim, name: 'sub' }]],
  ['a wrong name', [{ ...claim, name: 'my plan' }]],
  ['a wrong key', [{ ...claim, key: '' }]],
  ['another source', [{ ...claim, from: 'instance' }]],
  ['another member', [{ ...claim, value: 'gold' }]],
  ['a name twice', [claim, { ...claim, key: 'other' }]],
  ['too many', Array.from({ length: 11 }, (_, n) => ({ ...claim, name: `claim${n}` }))],
  ['a text', 'plan=account.plan'],
  ['an object', { plan: 'account.plan' }],
  ['null', null],
  ['a list of null', [null]],
])('%s is rejected, and changes nothing', async (_what, claims) => {
  const { status, body } = await change(claims)
  expect([status, body.type]).toEqual([400, 'urn:keywright:error:invalid_input'])
  expect(body.errors[0].pointer).toMatch(/^#\/claims/)
  expect((await rawManagement(server.url, operator).send('GET', path)).body.claims).toEqual([])
})
