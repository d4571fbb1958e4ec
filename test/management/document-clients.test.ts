/** Clients that describe themselves at their client ID: stored once, within what the operator permits, and changed with their document. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readClientIdDocument } from '../../src/clients/client-id-documents.ts'
import { storeDocumentClient } from '../../src/management/document-clients.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { together } from '../support/load.ts'

const HOST = 'app.example.com'

let server: Keywright
let account: string
let api: { identifier: string }

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  api = await server.make.api({ scopes: ['read', 'write'] })
  await server.knex('instance_settings').update({
    client_id_documents: 'allowed_hosts',
    client_id_document_hosts: [HOST],
    open_registration_account: account,
    open_registration_apis: [api.identifier],
    open_registration_scopes: ['read'],
  })
})
afterAll(() => server?.stop())

async function settingsOf(url: string, redirectUri = 'https://app.example.com/callback') {
  const text = JSON.stringify({ client_id: url, client_name: `Editor ${url.slice(-6)}`, redirect_uris: [redirectUri] })
  const headers = { 'content-type': 'application/json' }
  return (await readClientIdDocument(url, new Response(text, { headers }))).settings
}

const store = async (url: string, redirectUri?: string) =>
  await storeDocumentClient(server.knex, url, await settingsOf(url, redirectUri), { ip: '192.0.2.1' })

const rowsOf = (url: string) => server.knex('clients').where({ client_id: url })

test('of concurrent sign-ins one stores the client, with what the operator permits', async () => {
  const url = `https://${HOST}/first.json`
  await together(10, () => store(url))
  expect(await rowsOf(url)).toMatchObject([
    { account_id: account, is_public: true, consent: 'show', redirect_uris: ['https://app.example.com/callback'] },
  ])
  const registration = await server.instance.database
    .knex('client_apis as x')
    .join('clients as c', 'c.id', 'x.client_id')
    .where('c.client_id', url)
    .select('x.scopes')
  expect(registration).toEqual([{ scopes: ['read'] }])
  const events = await server.knex('audit_log').where({ target_id: url }).pluck('action')
  expect(events).toEqual(['client.created'])
})

test('a changed document changes the client, and the activity shows from what to what', async () => {
  const url = `https://${HOST}/changed.json`
  await store(url)
  await store(url)
  await store(url, 'https://app.example.com/other')
  expect(await rowsOf(url)).toMatchObject([{ redirect_uris: ['https://app.example.com/other'] }])
  const events = await server.knex('audit_log').where({ target_id: url }).orderBy('at').orderBy('id')
  expect(events.map(({ action }) => action)).toEqual(['client.created', 'client.updated'])
  expect(events[1].detail.changes).toEqual({
    redirect_uris: { from: ['https://app.example.com/callback'], to: ['https://app.example.com/other'] },
  })
})

test('a document brings nothing back that an admin took away, and lifts nothing that an admin requires', async () => {
  const url = `https://${HOST}/limited.json`
  const settings = { ...(await settingsOf(url)), grants: ['authorization_code', 'refresh_token'] }
  await storeDocumentClient(server.knex, url, settings, {})
  await rowsOf(url).update({ grants: ['authorization_code'], dpop: 'required', par_required: true })
  await storeDocumentClient(server.knex, url, settings, {})
  expect(await rowsOf(url)).toMatchObject([{ grants: ['authorization_code'], dpop: 'required', par_required: true }])
})

test('a host that is not allowed, and any host while documents are off, stores nothing', async () => {
  const other = 'https://other.example.com/client.json'
  await expect(store(other)).rejects.toMatchObject({ code: 'forbidden' })
  await expect(store(`https://${HOST}:8443/client.json`)).rejects.toMatchObject({ code: 'forbidden' })
  await server.knex('instance_settings').update({ client_id_documents: 'off' })
  await expect(store(`https://${HOST}/off.json`)).rejects.toMatchObject({ code: 'forbidden' })
  await server.knex('instance_settings').update({ client_id_documents: 'open' })
  await store(other)
  expect(await rowsOf(other)).toHaveLength(1)
  expect(await rowsOf(`https://${HOST}/off.json`)).toEqual([])
})

test('an account holds at most 10,000 clients that strangers describe or register', async () => {
  const first = `https://${HOST}/many.json`
  await server.knex('instance_settings').update({ client_id_documents: 'open' })
  await store(first)
  const columns: string[] = await server
    .knex('information_schema.columns')
    .where({ table_name: 'clients', is_generated: 'NEVER' })
    .whereNotIn('column_name', ['id', 'client_id'])
    .pluck('column_name')
  const names = columns.map((column) => `"${column}"`).join(', ')
  const copied = await server.knex.raw(
    `INSERT INTO clients (client_id, ${names}) SELECT 'https://${HOST}/many/' || n, ${names} FROM clients, generate_series(1, 10000) n
      WHERE client_id = ? RETURNING id`,
    [first],
  )
  await server.knex.raw(
    `INSERT INTO dynamic_registrations (client_id, source, token_hash, auth_method, expires_at)
     SELECT id, 'metadata_document', sha256(id::text::bytea), 'none', now() + interval '1 day' FROM unnest(?::bigint[]) AS id`,
    [copied.rows.map(({ id }: { id: number }) => id)],
  )
  await expect(store(`https://${HOST}/one-more.json`)).rejects.toMatchObject({ code: 'conflict' })
  await store(first, 'https://app.example.com/other')
  expect(await rowsOf(first)).toMatchObject([{ redirect_uris: ['https://app.example.com/other'] }])
})
