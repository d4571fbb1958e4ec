/** Named key pairs: how an admin adds, replaces and tries them. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { until } from '../../support/load.ts'
import { claimsOf } from '../../support/requests.ts'
import { formsOf, type Page } from '../../support/scriptless-browser.ts'
import { statementsDuring } from '../../support/statements.ts'
import { type Admin, copyableOf, openAdmin } from './admin-session.ts'
import { wordsOf } from './console-visits.ts'
import { filledForm, sendForm } from './filled-forms.ts'

const ADD = '/settings/api/new'

let server: Keywright
let api: string
let admin: Admin

beforeAll(async () => {
  server = await startKeywright()
})
afterAll(() => server.stop())
beforeEach(async () => {
  admin = await openAdmin(server)
})

test('without an API that allows named key pairs, the page of the default one offers no others', async () => {
  expect(wordsOf(await admin.visit('/settings/api'))).not.toContain('Named key pairs')
  expect(new URL((await admin.visit(ADD)).url).pathname).toBe('/settings/api')
  api = (await server.make.api({ keyPairs: 'environments' })).identifier
  expect(wordsOf(await admin.visit('/settings/api'))).toContain('No named key pairs yet')
})

async function add(pairName: string, environment = 'test'): Promise<Page> {
  return await admin.post(await admin.visit(ADD), ADD, { pairName, environment, [`apis.${api}`]: 'on' })
}

const pairOf = (page: Page) => ({
  clientId: copyableOf(page, 'Client ID'),
  clientSecret: copyableOf(page, 'Client secret'),
})

const pathOf = ({ clientId }: { clientId: string }, rest = '') => `/key-pairs/${clientId}${rest}`

async function generate({ clientId }: { clientId: string }): Promise<Page> {
  const path = pathOf({ clientId }, '/generate')
  const page = await admin.visit(path)
  const { replaces } = formsOf(page).find(({ action }) => action.endsWith(path))!.fields
  return await admin.post(page, path, { replaces: replaces!, [`apis.${api}`]: 'on' })
}

test('an admin adds a key pair with a name and an environment, which the list, its page and its tokens show', async () => {
  const own = await server.make.keyPair(admin.person.id)
  const added = await add('Night job')
  const pair = pairOf(added)
  expect(pair).toEqual({
    clientId: expect.stringMatching(/^kwc_test_/),
    clientSecret: expect.stringMatching(/^kws_test_/),
  })
  const list = wordsOf(await admin.visit('/settings/api'))
  for (const text of ['Night job', 'Test', pair.clientId, `Ends in ${pair.clientSecret.slice(-4)}`, own.clientId])
    expect(list).toContain(text)
  const page = await admin.visit(pathOf(pair))
  expect(wordsOf(page)).toContain('Night job')
  expect(page.text).toContain(`href="${pathOf(pair, '/generate')}"`)
  expect(claimsOf((await server.machineToken(pair)).body.access_token)).toMatchObject({ environment: 'test', aud: api })
  const again = await add('night JOB')
  expect([again.status, wordsOf(again)]).toEqual([
    400,
    expect.stringContaining('already have a key pair with this name'),
  ])
  const nameless = await add(' ')
  expect([nameless.status, wordsOf(nameless)]).toEqual([400, expect.stringContaining('This field is required')])
  expect((await server.machineToken(pair)).status).toBe(200)
})

test('new keys for a name end the former ones alone, and a second press shows the present ones', async () => {
  const own = await server.make.keyPair(admin.person.id)
  const [first, other] = [pairOf(await add('a')), pairOf(await add('b', 'live'))]
  const asked = await admin.visit(pathOf(first, '/generate'))
  expect(wordsOf(asked)).toContain(`revoke the client ID ${first.clientId}`)
  const next = pairOf(await generate(first))
  expect((await server.machineToken(first)).status).toBe(401)
  for (const pair of [own, other, next]) expect((await server.machineToken(pair)).status).toBe(200)
  const form = { replaces: first.clientId, [`apis.${api}`]: 'on' }
  for (const page of [
    await admin.post(asked, pathOf(first, '/generate'), form),
    await admin.visit(pathOf(first, '/generate')),
  ]) {
    expect([page.status, wordsOf(page)]).toEqual([412, expect.stringContaining('Your keys have changed')])
    expect(page.text).toContain(`href="${pathOf(next)}"`)
  }
  expect((await server.machineToken(next)).status).toBe(200)
})

test('the client secret of a key pair expires as the form says that generates it', async () => {
  const form = { pairName: 'Short', environment: 'test', [`apis.${api}`]: 'on' }
  const expiryOf = async (page: Page) =>
    await server
      .knex('client_secrets as s')
      .join('clients as c', 'c.id', 's.client_id')
      .where('c.client_id', pairOf(page).clientId)
      .first(server.knex.raw('round(extract(epoch FROM s.expires_at - s.created_at) / 86400)::int AS days'))
  const added = await admin.post(await admin.visit(ADD), ADD, { ...form, secretExpiresAt: '30' })
  expect(await expiryOf(added)).toEqual({ days: 30 })
  const path = pathOf(pairOf(added), '/generate')
  const generated = await sendForm(admin, await admin.visit(path), /generate$/, { secretExpiresAt: '90' })
  expect(await expiryOf(generated)).toEqual({ days: 90 })
  const unknown = await admin.post(await admin.visit(ADD), ADD, { ...form, pairName: 'Other', secretExpiresAt: '31' })
  expect([unknown.status, /id="field-secretExpiresAt-error"/.test(unknown.text)]).toEqual([400, true])
})

test('another admin sees the key pair, and gets no new keys for it', async () => {
  const pair = pairOf(await add('a'))
  const account = (await server.knex('users').where({ id: admin.person.id }).first('account_id')).account_id
  const colleague = await openAdmin(server, account)
  for (const rest of ['/generate', '/try']) {
    expect(new URL((await colleague.visit(pathOf(pair, rest))).url).pathname).toBe(pathOf(pair))
  }
  const page = await colleague.visit(pathOf(pair))
  expect(page.text).not.toContain(`href="${pathOf(pair, '/generate')}"`)
  const form = { replaces: pair.clientId, [`apis.${api}`]: 'on' }
  await colleague.post(page, pathOf(pair, '/generate'), form)
  expect((await server.machineToken(pair)).status).toBe(200)
})

test('the owner tries a named key pair on its page', async () => {
  const pair = pairOf(await add('a'))
  const path = pathOf(pair, '/try')
  const form = { clientId: pair.clientId, clientSecret: pair.clientSecret, resource: '', scope: '', shape: 'body' }
  const done = await admin.post(await admin.visit(path), path, form)
  expect([done.status, wordsOf(done)]).toEqual([200, expect.stringContaining('"token_type": "Bearer"')])
  expect(done.text).not.toContain(pair.clientSecret)
})

test('each page of named key pairs is drawn in at most three statements', async () => {
  await server.make.keyPair(admin.person.id)
  const pair = pairOf(await add('a'))
  await add('b')
  for (const path of ['/settings/api', ADD, pathOf(pair, '/generate'), pathOf(pair, '/try')]) {
    // What jobs ask meanwhile is counted too, and is not the page's.
    await until(async () => {
      const asked = await statementsDuring(async () => expect((await admin.visit(path)).status, path).toBe(200))
      expect(asked).not.toEqual([])
      return asked.length <= 3
    })
  }
})

test('the form of the settings leaves out what means nothing for a key pair, and is for its owner', async () => {
  const pair = await server.make.keyPair(admin.person.id)
  const own = await admin.visit('/settings/api')
  expect(own.text).toContain(`href="${pathOf(pair)}"`)
  expect((await admin.visit(pathOf(pair))).text).toContain(`href="${pathOf(pair, '/edit')}"`)
  const words = wordsOf(await admin.visit(pathOf(pair, '/edit')))
  for (const text of ['Access token lifetime', 'Allowed scopes', 'API key (x-api-key header)'])
    expect(words).toContain(text)
  for (const text of ['Maximum session age', 'Refresh token issuance', 'PKCE', 'Redirect URIs', 'instance:write'])
    expect(words).not.toContain(text)
  const colleague = await openAdmin(server)
  expect(new URL((await colleague.visit(pathOf(pair, '/edit'))).url).pathname).toBe(pathOf(pair))
})

test('removing an API from a key pair says first what it revokes, and revokes the tokens for this API alone', async () => {
  const further = await server.make.api()
  const pair = await server.make.keyPair(admin.person.id, [further.identifier, server.firstStart.api.identifier])
  const tokenFor = async (resource: string) => (await server.machineToken(pair, { resource })).body.access_token
  const [removed, kept] = [await tokenFor(further.identifier), await tokenFor(server.firstStart.api.identifier)]
  const { action, fields } = filledForm(await admin.visit(pathOf(pair, '/edit')), /\/edit$/)
  fields.delete(`apis.${further.identifier}`)
  fields.set('defaultApi', '')
  fields.set('description', 'For the night job')
  const post = (form: Map<string, string>) =>
    admin.visit(action, { method: 'POST', body: new URLSearchParams([...form]), headers: { origin: server.url } })
  const asked = await post(fields)
  expect(wordsOf(asked)).toContain('revoke 1 access token that exceed the new permissions')
  expect((await server.introspect(removed, further)).body.active).toBe(true)
  const saved = await sendForm(admin, asked, /\/edit$/)
  expect(wordsOf(saved)).toContain('Key pair saved.')
  expect(wordsOf(saved)).toContain('For the night job')
  expect((await server.introspect(removed, further)).body.active).toBe(false)
  expect((await server.introspect(kept, server.firstStart.api)).body.active).toBe(true)
  expect((await post(fields)).status).toBe(412)
})

test('a key pair that needs an API key from now on shows it once', async () => {
  const pair = await server.make.keyPair(admin.person.id)
  const { action, fields } = filledForm(await admin.visit(pathOf(pair, '/edit')), /\/edit$/)
  fields.set('apiKeyRequired', 'on')
  const body = new URLSearchParams([...fields])
  const page = await admin.visit(action, { method: 'POST', body, headers: { origin: server.url } })
  expect(copyableOf(page, 'API key')).toMatch(/^kwk_/)
  expect((await server.machineToken(pair)).status).toBe(401)
  const headers = { 'x-api-key': copyableOf(page, 'API key') }
  expect((await server.machineToken(pair, {}, { headers })).status).toBe(200)
})
