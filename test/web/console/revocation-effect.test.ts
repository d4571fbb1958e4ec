/** After a revocation: what became of the callers, and which resource servers follow. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { until } from '../../support/load.ts'
import type { Credentials } from '../../support/requests.ts'
import type { Browser } from '../../support/scriptless-browser.ts'
import { type Feed, fetchList, openFeed, placeOf } from '../../support/status.ts'
import { createTestUser, type Person } from '../../support/test-users.ts'
import { createOperator, enter, wordsOf } from './console-visits.ts'
import { sendForm } from './filled-forms.ts'

const USED = '192.0.2.1'
const IDLE = '192.0.2.2'
const RENEWED = '2001:db8::3'

let server: Keywright
let owner: Person
let asOwner: Browser
let asAdmin: Browser
let asStranger: Browser
let api: Credentials & { identifier: string }
let feed: Feed | undefined

beforeAll(async () => {
  server = await startKeywright({ env: { TRUST_PROXY: 'on' } })
  const account = await server.make.account()
  owner = await createTestUser(server.knex, account, 'admin')
  asOwner = await enter(server, owner)
  asAdmin = await enter(server, await createTestUser(server.knex, account, 'admin'))
  const other = await server.make.account()
  asStranger = await enter(server, await createTestUser(server.knex, other, 'admin'))
  api = await server.make.api()
})
afterAll(async () => {
  await feed?.close()
  await server?.stop()
})

const from = (ip: string) => ({ headers: { 'x-forwarded-for': ip } })

async function tokenOf(client: Credentials, ip: string): Promise<string> {
  const { status, text, body } = await server.machineToken(client, {}, from(ip))
  expect(status, text).toBe(200)
  return body.access_token
}

const pageOf = async (clientId: string, browser = asAdmin) => await browser.visit(`/revocations/${clientId}`)

/** What follows the address in the list of callers, without the time. */
async function stateOf(clientId: string, ip: string): Promise<string | undefined> {
  const words = wordsOf(await pageOf(clientId))
  const next = [USED, IDLE, RENEWED, 'Resource servers', 'API Learns']
    .map((mark) => mark.replaceAll('.', '\\.'))
    .join('|')
  return new RegExp(`${ip.replaceAll('.', '\\.')} (.*?) (?:${next})`).exec(words)?.[1]
}

test('after new keys were generated, the page shows which callers are refused, which have not called, and which use the new keys', async () => {
  const pair = await server.make.keyPair(owner.id, [api.identifier])
  for (const ip of [USED, IDLE, RENEWED]) await tokenOf(pair, ip)
  const callers = () => server.knex('client_callers').where({ client_id: pair.key })
  await until(async () => (await callers()).length === 3)
  const done = await sendForm(asOwner, await asOwner.visit('/settings/api/generate'), /\/generate$/)
  expect(done.text).toContain(`href="/revocations/${pair.clientId}"`)
  for (const ip of [USED, IDLE, RENEWED]) expect(await stateOf(pair.clientId, ip)).toContain('No request yet')

  expect((await server.machineToken(pair, {}, from(USED))).status).toBe(401)
  const [, clientId, clientSecret] = /value="(kwc_\w+)"[\s\S]*?value="(kws_\w+)"/.exec(done.text)!
  await tokenOf({ clientId: clientId!, clientSecret: clientSecret! }, RENEWED)
  await until(async () => (await stateOf(pair.clientId, RENEWED))!.includes('Got a new token'))
  await until(async () => (await stateOf(pair.clientId, USED))!.includes('Refused'))
  expect(await stateOf(pair.clientId, USED)).toContain('Key pair replaced')
  expect(await stateOf(pair.clientId, IDLE)).toContain('No request yet')
  expect(wordsOf(await pageOf(pair.clientId))).toContain(clientId)
})

test('the page names the resource servers that follow by feed, list and introspection, and until when a token works where none does', async () => {
  const client = await server.make.register({ apis: [api.identifier], account: owner.accountId! })
  const token = await tokenOf(client, USED)
  const asked = await asAdmin.visit(`/applications/${client.clientId}/revoke`)
  const words = wordsOf(await sendForm(asAdmin, asked, /\/revoke$/))
  expect(words).toContain('All tokens are revoked.')
  expect(words).toContain('None seen')
  expect(words).toMatch(/Accepted until they expire, at the latest at \d/)

  const ways = () => server.knex('revocation_followers').pluck('way')
  await fetchList(server, placeOf(token).uri, from('198.51.100.7'))
  await server.introspect(token, api, from('198.51.100.8'))
  feed = await openFeed(server, api)
  await until(async () => (await ways()).length === 3)
  const followed = wordsOf(await pageOf(client.clientId))
  expect(followed).toMatch(/Revocation feed \S+ Refused/)
  expect(followed).toMatch(/Introspection 198\.51\.100\.8 Refused/)
  expect(followed).toMatch(/Status lists 198\.51\.100\.7 At the latest at \d/)
  expect(followed).not.toContain('None seen')
})

test('a client whose tokens were not revoked has no revocation, and a client of another account does not exist', async () => {
  const client = await server.make.register({ apis: [api.identifier], account: owner.accountId! })
  expect(wordsOf(await pageOf(client.clientId))).toContain('No revocation')
  for (const clientId of [client.clientId, api.clientId, 'kwc_none']) {
    const page = await pageOf(clientId, asStranger)
    expect(page.status).toBe(404)
  }
  const asOperator = await enter(server, await createOperator(server.knex))
  const page = await pageOf(client.clientId, asOperator)
  expect(page.status).toBe(200)
  expect(page.text).toMatch(/href="\/applications" aria-current="page"/)
})

test('only a page that updates itself may send requests from a script', async () => {
  const { clientId } = await server.make.keyPair(owner.id, [api.identifier])
  await sendForm(asAdmin, await asAdmin.visit(`/key-pairs/${clientId}/stop`), /\/stop$/)
  const policyOf = (page: { headers: Headers }) => page.headers.get('content-security-policy')
  expect(policyOf(await pageOf(clientId))).toContain("connect-src 'self'")
  expect(policyOf(await asAdmin.visit(`/key-pairs/${clientId}`))).not.toContain('connect-src')
})
