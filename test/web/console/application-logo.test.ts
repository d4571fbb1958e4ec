/** The logo of an application: who sets it, what is taken for one, and how it is served. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deleteSomeOfClient, startClientDeletion } from '../../../src/management/client-deletion.ts'
import { changeClientStatus } from '../../../src/management/client-status.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../../support/management.ts'
import { send } from '../../support/requests.ts'
import type { Browser } from '../../support/scriptless-browser.ts'
import { createTestUser } from '../../support/test-users.ts'
import { formAt } from './console-forms.ts'
import { createOperator, enter, wordsOf } from './console-visits.ts'

const ACTOR = { type: 'system', id: 'tests' } as const
const SVG = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
const PNG = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.from('and the rest')])

let server: Keywright
let account: string
let admin: Browser
let stranger: Browser
let operator: Browser
let api: ReturnType<typeof rawManagement>
let clientId: string
let path: string

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  admin = await enter(server, await createTestUser(server.knex, account, 'admin'))
  stranger = await enter(server, await createTestUser(server.knex, await server.make.account(), 'admin'))
  operator = await enter(server, await createOperator(server.knex))
  const managing = await managingApplication(server, null)
  api = rawManagement(server.url, await managementToken(server, managing))
})
afterAll(() => server.stop())

beforeEach(async () => {
  const redirectUris = ['https://sync.example.com/callback']
  const made = await api.json('POST', '/applications', {
    name: 'Calendar Sync',
    grants: ['authorization_code'],
    redirect_uris: redirectUris,
    account_id: account,
  })
  expect(made.status).toBe(201)
  clientId = made.body.client_id
  path = `/applications/${clientId}/logo`
})

async function upload(browser: Browser, bytes: Buffer | undefined, changes: Record<string, string> = {}) {
  const form = new FormData()
  for (const [name, value] of Object.entries({ ...formAt(await browser.visit(path), path), ...changes }))
    form.set(name, value)
  if (bytes) form.set('logo', new Blob([new Uint8Array(bytes)], { type: 'text/html' }), 'whatever.html')
  return await browser.visit(path, { method: 'POST', body: form, headers: { origin: server.url } })
}

const client = () => server.knex('clients').where({ client_id: clientId }).first()
const stored = async () => server.knex('client_logos').where({ client_id: (await client()).id })
const patch = (body: object) => api.json('PATCH', `/applications/${clientId}`, body, { 'if-match': '*' })
const base64 = (bytes: Buffer) => ({ base64: bytes.toString('base64') })
const urlPathOf = (bytes: Buffer) => `/logos/${clientId}/${createHash('sha256').update(bytes).digest('base64url')}`

describe('a logo', () => {
  it('is uploaded by an admin of the account, taken for what its bytes are, changed and removed again', async () => {
    const saved = await upload(admin, SVG)
    expect(saved.url).toBe(`${server.url}/applications/${clientId}?notice=saved`)
    expect(wordsOf(saved)).toContain('Logo image/svg+xml, 1 KiB')
    expect((await admin.visit(path)).text).toContain(`src="${urlPathOf(SVG)}"`)

    await upload(admin, PNG)
    expect((await stored()).map(({ bytes }) => bytes)).toEqual([PNG])
    expect(await client()).toMatchObject({ logo_type: 'image/png', logo_size: PNG.length })

    await upload(admin, undefined, { removeLogo: 'on' })
    expect(await stored()).toEqual([])
    expect(await client()).toMatchObject({ logo_type: null, logo_size: null, logo_etag: null })
    const log = await server.knex('audit_log').where({ target_id: clientId, action: 'client.updated' }).orderBy('at')
    const svg = { type: 'image/svg+xml', size: SVG.length }
    const png = { type: 'image/png', size: PNG.length }
    expect(log.map(({ detail }) => detail.changes.logo)).toEqual([
      { from: null, to: svg },
      { from: svg, to: png },
      { from: png, to: null },
    ])
  })

  it('is served from this origin and runs nothing: its bytes, type and policy; then browsers keep it', async () => {
    await upload(operator, SVG)
    const { status, headers, text } = await send(server.url + urlPathOf(SVG))
    expect([status, text, headers.get('content-type')]).toEqual([200, SVG.toString(), 'image/svg+xml'])
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; style-src 'unsafe-inline'; sandbox")
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    const again = await send(server.url + urlPathOf(SVG), {
      headers: { 'if-none-match': headers.get('etag')!, 'cache-control': 'max-age=0' },
    })
    expect(again.status).toBe(304)
  })

  it('is found by nobody who does not know which', async () => {
    await upload(operator, SVG)
    const other = await server.make.account()
    for (const address of [urlPathOf(PNG), `/logos/${clientId}/x`, `/logos/kwc_x/x`, `/logos/${other}/%ff`, '/logos'])
      expect([address, (await send(server.url + address)).status]).toEqual([address, 404])
    expect((await send(`${server.url}/logos/${clientId}/%00`)).status).toBe(400)
  })

  it('of another account is out of reach: 404', async () => {
    expect((await stranger.visit(path)).status).toBe(404)
    const form = new FormData()
    form.set('csrf', formAt(await stranger.visit('/account/password'), '/account/password').csrf!)
    form.set('logo', new Blob([new Uint8Array(PNG)]), 'logo.png')
    const sent = await stranger.visit(path, { method: 'POST', body: form, headers: { origin: server.url } })
    expect(sent.status).toBe(404)
    expect(await stored()).toEqual([])
  })

  it.each([
    ['a page', Buffer.from('<html><script>alert(1)</script>'), 400],
    ['a page that mentions an SVG', Buffer.from('<html><svg></svg></html>'), 400],
    ['another kind of image', Buffer.from('GIF89a'), 400],
    ['an image of more than 256 KiB', Buffer.concat([PNG, Buffer.alloc(256 * 1024)]), 400],
    ['more than a form holds', Buffer.alloc(400 * 1024), 413],
    ['nothing', undefined, 400],
  ])('is not %s', async (_, bytes, status) => {
    expect((await upload(admin, bytes)).status).toBe(status)
    expect(await stored()).toEqual([])
  })

  it('is sent to the API in base64, which answers its type and size, and is never fetched from an address', async () => {
    const summary = { type: 'image/png', size: PNG.length }
    const changed = await patch({ logo: base64(PNG) })
    expect([changed.status, changed.body.application.logo]).toEqual([200, summary])
    expect((await api.send('GET', `/applications/${clientId}`)).body.logo).toEqual(summary)
    for (const logo of [
      'https://127.0.0.1/logo.png',
      { uri: 'https://127.0.0.1/logo.png' },
      base64(Buffer.from('GIF89a')),
    ])
      expect((await patch({ logo })).status).toBe(400)
    expect((await patch({ name: 'Calendar' })).body.application.logo).toEqual(summary)
    expect((await patch({ logo: null })).body.application.logo).toBeNull()
    expect(await stored()).toEqual([])
  })

  it('of a new application is stored with it, and deleted with it', async () => {
    const body = { name: 'New', grants: ['client_credentials'], account_id: account, logo: base64(PNG) }
    clientId = (await api.json('POST', '/applications', body)).body.client_id
    expect((await stored()).map(({ bytes }) => bytes)).toEqual([PNG])
    const { id } = await client()
    await changeClientStatus(server.knex, clientId, 'archived', ACTOR)
    await startClientDeletion(server.knex, clientId, ACTOR)
    while (!(await deleteSomeOfClient(server.knex, id, 100)));
    expect(await server.knex('client_logos').where({ client_id: id })).toEqual([])
  })
})

describe('a verified application', () => {
  const changeAs = (browser: Browser, changes: Record<string, string>) =>
    browser.visit(`/applications/${clientId}/edit`).then(async (page) => {
      const action = `/applications/${clientId}/edit`
      const body = new URLSearchParams({ ...formAt(page, action), ...changes, confirmed: 'on' })
      return await browser.visit(action, { method: 'POST', body, headers: { origin: server.url } })
    })
  const isVerified = async () => (await client()).is_verified

  async function verify() {
    expect((await patch({ is_verified: true, logo: base64(SVG) })).body.application.is_verified).toBe(true)
  }

  it('is verified by operators only', async () => {
    expect((await changeAs(admin, { isVerified: 'on' })).status).toBe(200)
    expect(await isVerified()).toBe(false)
    await changeAs(operator, { isVerified: 'on' })
    expect(await isVerified()).toBe(true)
  })

  it('stays so when an operator changes what users recognize it by, or an admin something else', async () => {
    await verify()
    await upload(operator, SVG)
    await changeAs(operator, { name: 'Calendar' })
    await changeAs(admin, { description: 'Synchronizes calendars' })
    expect(await isVerified()).toBe(true)
  })

  it.each([
    ['name', 'Other'],
    ['redirectUris', 'https://other.example/callback'],
    ['clientUri', 'https://other.example/'],
    ['policyUri', 'https://other.example/'],
    ['tosUri', 'https://other.example/'],
  ])('is so no longer when an admin changes %s', async (name, value) => {
    await verify()
    expect((await changeAs(admin, { [name]: value })).status).toBe(200)
    expect(await isVerified()).toBe(false)
  })

  it('is so no longer when an admin changes its logo', async () => {
    await verify()
    await upload(admin, PNG)
    expect(await isVerified()).toBe(false)
  })
})
