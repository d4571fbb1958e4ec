/** Client ID metadata documents: fetched once for all nodes, for as long as they say, and never after an error. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClientDocuments } from '../../src/clients/client-document-fetches.ts'
import { deleteUnusedClientDocuments } from '../../src/clients/stored-client-documents.ts'
import { createSsrfSafeFetch, type SsrfSafeFetch } from '../../src/http/ssrf-safe-fetch.ts'
import { RateLimitedError } from '../../src/shared/errors.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { together } from '../support/load.ts'
import { createMemoryLog } from '../support/memory-log.ts'

let server: Keywright

beforeAll(async () => {
  server = await startKeywright()
})
afterAll(async () => await server?.stop())

type Fetch = SsrfSafeFetch['fetch']

const IP = '192.0.2.7'

const JSON_TYPE = { 'content-type': 'application/json' }

const documentFor = (url: string, redirectUri = 'https://app.example.com/callback') =>
  JSON.stringify({ client_id: url, client_name: 'Editor', redirect_uris: [redirectUri] })

/** A host that responds with the current document, and counts. */
function startHost(url: string) {
  const host = {
    reads: 0,
    text: documentFor(url),
    status: 200,
    headers: {} as Record<string, string>,
    fetch: (async () => {
      host.reads++
      await new Promise((resolve) => setTimeout(resolve, 20))
      return new Response(host.text, { status: host.status, headers: { ...JSON_TYPE, ...host.headers } })
    }) as Fetch,
  }
  return host
}

const limited: string[] = []

function nodeWith(fetch: Fetch, options: Partial<Parameters<typeof createClientDocuments>[0]> = {}) {
  return createClientDocuments({
    database: server.instance.database,
    fetch,
    log: createMemoryLog('trace').log,
    hidesResponses: false,
    limit: async (host, ip) => void limited.push(`${host} ${ip}`),
    schemes: async () => [],
    ...options,
  })
}

let count = 0
const newUrl = () => `https://app.example.com/${++count}.json`

const expire = (url: string) =>
  server
    .knex('client_id_documents')
    .where({ client_id: url })
    .update({ fresh_until: server.knex.raw('now()'), claimed_at: server.knex.raw(`now() - interval '11 seconds'`) })

test('a document is fetched once for all nodes, and is no client', async () => {
  const url = newUrl()
  const host = startHost(url)
  const nodes = [nodeWith(host.fetch), nodeWith(host.fetch)]
  const found = await together(20, (n) => nodes[n % 2]!.documentOf(url, IP))
  expect(found.map(({ name }) => name)).toEqual(Array(20).fill('Editor'))
  expect((await nodes[1]!.documentOf(url, IP)).redirectUris).toEqual(['https://app.example.com/callback'])
  expect(host.reads).toBe(1)
  expect(await server.knex('clients').where({ client_id: url })).toEqual([])
})

test('it is fetched again when it is no longer fresh, and then the new one counts', async () => {
  const url = newUrl()
  const host = startHost(url)
  host.headers = { 'cache-control': 'max-age=600' }
  const node = nodeWith(host.fetch)
  await node.documentOf(url, IP)
  const { rows } = await server.knex.raw(
    'SELECT extract(epoch FROM fresh_until - claimed_at)::int AS age FROM client_id_documents WHERE client_id = ?',
    [url],
  )
  expect(rows).toEqual([{ age: 600 }])
  await expire(url)
  host.text = documentFor(url, 'https://app.example.com/other')
  expect((await node.documentOf(url, IP)).redirectUris).toEqual(['https://app.example.com/other'])
  expect(host.reads).toBe(2)
})

test('an error is no document, and the document before it does not count any more', async () => {
  const url = newUrl()
  const host = startHost(url)
  const node = nodeWith(host.fetch)
  await node.documentOf(url, IP)
  await expire(url)
  host.status = 404
  await expect(node.documentOf(url, IP)).rejects.toThrow('status 404')
  host.status = 200
  await expect(node.documentOf(url, IP)).rejects.toThrow('status 404')
  expect(host.reads).toBe(2)
  await expire(url)
  expect((await node.documentOf(url, IP)).name).toBe('Editor')
})

test('requests for a document that cannot be read are one fetch in a cooldown over all nodes', async () => {
  const url = newUrl()
  const host = startHost(url)
  host.text = documentFor('https://other.example.com/client.json')
  const nodes = [nodeWith(host.fetch), nodeWith(host.fetch)]
  const failures = await together(20, (n) => nodes[n % 2]!.documentOf(url, IP).catch(({ message }) => message))
  expect(new Set(failures)).toEqual(new Set(['the client_id in the document is not its URL']))
  expect(host.reads).toBe(1)
})

test('a slow response does not bring an earlier document back', async () => {
  const url = newUrl()
  const slow = Promise.withResolvers<Response>()
  const first = nodeWith(() => slow.promise).documentOf(url, IP)
  await expect.poll(async () => await server.knex('client_id_documents').where({ client_id: url })).toHaveLength(1)
  await expire(url)
  const host = startHost(url)
  const second = nodeWith(host.fetch)
  expect((await second.documentOf(url, IP)).redirectUris).toEqual(['https://app.example.com/callback'])
  slow.resolve(new Response(documentFor(url, 'https://app.example.com/earlier'), { headers: JSON_TYPE }))
  expect((await first).redirectUris).toEqual(['https://app.example.com/callback'])
})

test('each fetch counts for its host, and beyond the limit nothing is fetched or stored', async () => {
  const url = newUrl()
  const host = startHost(url)
  limited.length = 0
  await nodeWith(host.fetch).documentOf(url, IP)
  await nodeWith(host.fetch).documentOf(url, IP)
  expect(limited).toEqual([`app.example.com ${IP}`])
  const other = newUrl()
  const refuse = async () => {
    throw new RateLimitedError(7)
  }
  await expect(nodeWith(host.fetch, { limit: refuse }).documentOf(other, IP)).rejects.toMatchObject({ retryAfter: 7 })
  expect(host.reads).toBe(1)
  expect(await server.knex('client_id_documents').where({ client_id: other })).toEqual([])
})

test('a client that users have signed in to does not stop when strangers have used up a limit', async () => {
  const url = newUrl()
  const host = startHost(url)
  const refuse = async () => {
    throw new RateLimitedError(7)
  }
  await nodeWith(host.fetch).documentOf(url, IP)
  await expire(url)
  const node = nodeWith(host.fetch, { limit: refuse })
  await expect(node.documentOf(url, IP)).rejects.toMatchObject({ retryAfter: 7 })
  const { clientId } = await server.make.client()
  await server.knex('clients').where({ client_id: clientId }).update({ client_id: url })
  expect((await node.documentOf(url, IP)).name).toBe('Editor')
})

test('documents that no user has signed in with are deleted after a day, others stay', async () => {
  const [unused, used] = [newUrl(), newUrl()]
  for (const url of [unused, used]) await nodeWith(startHost(url).fetch).documentOf(url, IP)
  const { clientId } = await server.make.client()
  await server.knex('clients').where({ client_id: clientId }).update({ client_id: used })
  const of = () => server.knex('client_id_documents').whereIn('client_id', [unused, used])
  await of().update({ claimed_at: server.knex.raw(`now() - interval '23 hours'`) })
  await deleteUnusedClientDocuments(server.knex, 500)
  expect(await of().pluck('client_id')).toHaveLength(2)
  await of().update({ claimed_at: server.knex.raw(`now() - interval '25 hours'`) })
  await deleteUnusedClientDocuments(server.knex, 500)
  expect(await of().pluck('client_id')).toEqual([used])
})

test('a URL that cannot be a client ID is never fetched or stored', async () => {
  const host = startHost('')
  for (const url of ['http://app.example.com/client.json', 'https://user@app.example.com/x', 'https://127.0.0.1/x'])
    await expect(nodeWith(host.fetch).documentOf(url, IP)).rejects.toMatchObject({ code: 'invalid_client' })
  expect(host.reads).toBe(0)
})

test('where private addresses are called too, strangers do not learn what these respond', async () => {
  const url = newUrl()
  const host = startHost(url)
  host.status = 403
  const node = nodeWith(host.fetch, { hidesResponses: true })
  await expect(node.documentOf(url, IP)).rejects.toThrow('the document of the client could not be read')
})

test('names of private addresses, redirects and large responses are refused', async () => {
  const calls: string[] = []
  const target = createServer((request, response) => {
    calls.push(request.url!)
    response.writeHead(200, JSON_TYPE).end('x'.repeat(5 * 1024 + 1))
  })
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
  const { port } = target.address() as AddressInfo
  const lookup = async () => [{ address: '127.0.0.1', family: 4 }]
  const guarded = createSsrfSafeFetch({ allow: [] }, { lookup })
  const url = `https://app.example.com:${port}/private.json`
  await expect(nodeWith(guarded.fetch).documentOf(url, IP)).rejects.toThrow('not at a public address')
  expect(calls).toEqual([])
  const open = createSsrfSafeFetch({ allow: ['127.0.0.1'] })
  // The same limits, on a connection without TLS.
  const plain: Fetch = (address, init, limits) =>
    open.fetch(String(address).replace(/^https:\/\/[^/]+/, `http://127.0.0.1:${port}`), init, limits)
  await expect(nodeWith(plain).documentOf(newUrl(), IP)).rejects.toThrow('more than 5120 bytes')
  await Promise.all([guarded.close(), open.close()])
  await new Promise((resolve) => target.close(resolve))
  const host = startHost(url)
  host.status = 302
  host.headers = { location: 'https://127.0.0.1/' }
  await expect(nodeWith(host.fetch).documentOf(newUrl(), IP)).rejects.toThrow('redirects are not followed')
})
