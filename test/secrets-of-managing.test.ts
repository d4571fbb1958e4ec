import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from './support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from './support/management.ts'
import { allRows, foundIn } from './support/secret-search.ts'
import { PASSWORD } from './support/test-users.ts'
import { openAdmin } from './web/console/admin-session.ts'

let server: Keywright
/** Every secret that was shown or typed, by a name that a failure may tell. */
const secrets: Record<string, string> = { password: PASSWORD }

function keep(name: string, value: unknown): string {
  expect(value, name).toEqual(expect.any(String))
  secrets[`${name} ${Object.keys(secrets).length}`] = value as string
  return value as string
}

/** What is shown once on a page: everything that looks like a secret of ours. */
function keepShown(name: string, text: string): string[] {
  const shown = [...new Set(text.match(/kw[skp]_[0-9A-Za-z]{40,}/g))]
  expect(shown.length, `${name}: ${text.slice(0, 300)}`).toBeGreaterThan(0)
  return shown.map((secret) => keep(name, secret))
}

async function manageByApi(): Promise<void> {
  const operator = await managingApplication(server, null)
  keep('operator application', operator.clientSecret)
  const token = keep('management token', await managementToken(server, operator))
  const api = rawManagement(server.url, token)
  const account = server.firstStart.accountId
  const once = { 'idempotency-key': keep('idempotency key', randomBytes(16).toString('hex')) }
  const body = { account_id: account, name: 'Kept answer', grants: ['client_credentials'], api_key_required: true }
  for (const time of ['first', 'again']) {
    const { status, text } = await api.json('POST', '/applications', body, once)
    expect([time, status]).toEqual([time, 201])
    keepShown(`application, ${time}`, text)
  }
  const invited = await api.json('POST', '/users', { account_id: account, email: 'new@example.com', role: 'member' })
  await api.json('POST', `/users/${invited.body.id}/password`, undefined as never)
  const declared = { identifier: 'https://declared.example.com', scopes: ['read'] }
  keepShown('API', (await api.json('POST', '/apis', declared)).text)
  for (const text of [operator.clientSecret, token, keep('inspected', `kws_${'Inspected'.repeat(5)}`)]) {
    const { status, text: answer } = await api.json('POST', '/inspect', { text })
    expect([status, answer.includes(text)]).toEqual([200, false])
  }
  // Where secrets do not belong.
  await api.send('GET', `/inspect?text=${operator.clientSecret}`)
  await api.json('POST', '/inspect', { text: operator.clientSecret, scope: [token] })
  await api.send('GET', `/applications/${operator.clientSecret}`)
  await api.send('GET', `/applications?search=${operator.clientSecret}`)
  await api.json('POST', '/applications', `{"name": "${operator.clientSecret}`)
  await api.json(
    'PATCH',
    `/applications/${operator.clientId}`,
    { client_secret: operator.clientSecret },
    { 'if-match': '*' },
  )
  await api.send('GET', '/me', { headers: { authorization: `Bearer ${token}x` } })
}

async function manageByConsole(): Promise<void> {
  const admin = await openAdmin(server)
  for (const [cookie, { value }] of admin.cookies) keep(`cookie ${cookie.split(' ')[0]}`, value)
  const ask = await admin.visit('/settings/api/generate')
  const shown = await admin.submit(ask, /generate$/)
  const [secret] = keepShown('key pair', shown.text)
  const tried = await admin.submit(shown, /\/try$/)
  expect(tried.text).toContain('Token issued')
  const [token] = tried.text.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/) ?? []
  keep('token tried', token)
  const wrong = keep('wrong secret', `kws_${'Wrong'.repeat(9)}`)
  await admin.submit(await admin.visit('/settings/api/try'), /\/try$/, { clientSecret: wrong, resource: 'nonsense' })
  await admin.submit(await admin.visit('/users/invite'), /invite$/, { email: secret!, role: 'member' })
  const invited = { email: 'invited@example.com', role: 'member' }
  keepShown('password', (await admin.submit(await admin.visit('/users/invite'), /invite$/, invited)).text)
  await admin.visit(`/applications?search=${secret}`)
  await admin.visit(`/applications/${secret}`)
}

beforeAll(async () => {
  server = await startKeywright()
  await manageByApi()
  await manageByConsole()
})
afterAll(async () => await server.stop())

test('no secret that was shown, typed or sent in managing is in the log', () => {
  expect(Object.keys(secrets).length).toBeGreaterThan(15)
  const log = server
    .logLines()
    .map((line) => JSON.stringify(line))
    .join('\n')
  expect(log).toContain('/api/v1/applications')
  expect(foundIn(log, secrets)).toEqual([])
})

test('none is at rest in clear: not in kept answers, nor in the audit log', async () => {
  const rows = await allRows(server.knex)
  expect(rows).toContain('Kept answer')
  expect(foundIn(rows, secrets)).toEqual([])
})
