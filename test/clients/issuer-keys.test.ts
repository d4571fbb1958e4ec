/** The keys of issuers: read once for all nodes, and forgotten when their issuer withdraws them. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type IssuerFetch, IssuerUnavailableError } from '../../src/clients/issuer-documents.ts'
import { createIssuerKeys, KEYS_LIFETIME } from '../../src/clients/issuer-keys.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { createSsrfSafeFetch, type SsrfSafeFetch } from '../../src/http/ssrf-safe-fetch.ts'
import { oldRows } from '../../src/jobs/expired-rows.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { together } from '../support/load.ts'
import { newIssuerKey, startMockIssuer } from '../support/mock-issuer.ts'

let server: Keywright
let outgoing: SsrfSafeFetch

beforeAll(async () => {
  server = await startKeywright()
  outgoing = createSsrfSafeFetch({ allow: ['127.0.0.1'] })
})
afterAll(async () => {
  await outgoing?.close()
  await server?.stop()
})
afterEach(() => void vi.restoreAllMocks())

const nodeWith = (cooldown?: number, fetch: IssuerFetch = outgoing.fetch) =>
  createIssuerKeys(server.instance.database, fetch, cooldown === undefined ? {} : { cooldown })

/** Lets the time of this process pass. */
function pass(milliseconds: number): void {
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + milliseconds)
}

const idsOf = async (keys: Promise<readonly { kid?: string }[]>) => (await keys).map(({ kid }) => kid)

test('are read once for all nodes, whatever tokens with unknown keys they are shown', async () => {
  const issuer = await startMockIssuer()
  const nodes = [nodeWith(), nodeWith()]
  const found = await together(20, (n) => idsOf(nodes[n % 2]!.keysOf(issuer.issuer, 'first')))
  expect(found).toEqual(Array(20).fill(['first']))
  await together(20, (n) => nodes[n % 2]!.keysOf(issuer.issuer, `unknown-${n}`))
  expect(issuer.reads()).toBe(1)
  await issuer.stop()
})

test('what an issuer responds is for operators alone where private addresses are allowed', async () => {
  const issuer = await startMockIssuer()
  issuer.respond = (_, response) => void response.writeHead(503).end()
  for (const hidesResponses of [true, false]) {
    const keys = createIssuerKeys(server.instance.database, outgoing.fetch, { hidesResponses })
    await expect(keys.keysOf(issuer.issuer, 'first')).rejects.toMatchObject({
      message: expect.stringContaining('status 503'),
      isShown: !hidesResponses,
    })
  }
  await issuer.stop()
})

test('a new key is found when a token names it, once the cooldown has ended', async () => {
  const issuer = await startMockIssuer()
  const node = nodeWith(0)
  expect(await idsOf(node.keysOf(issuer.issuer, 'first'))).toEqual(['first'])
  issuer.keys = [...issuer.keys, (await newIssuerKey('second')).jwk]
  expect(await idsOf(node.keysOf(issuer.issuer, 'second'))).toEqual(['first', 'second'])
  await issuer.stop()
})

test('a key that the issuer has withdrawn works for five minutes at most', async () => {
  const issuer = await startMockIssuer()
  const node = nodeWith(0)
  expect(await idsOf(node.keysOf(issuer.issuer, 'first'))).toEqual(['first'])
  issuer.keys = [(await newIssuerKey('second')).jwk]
  pass(KEYS_LIFETIME)
  expect(KEYS_LIFETIME).toBe(300_000)
  expect(await idsOf(node.keysOf(issuer.issuer, 'first'))).toEqual(['second'])
  await issuer.stop()
})

test('what a halted node has read does not come back after a later attempt', async () => {
  const issuer = await startMockIssuer()
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const halted = nodeWith(0, async (...request) => {
    const response = await outgoing.fetch(...request)
    if (!request[0].endsWith('/jwks')) return response
    reached.resolve()
    await released.promise
    return response
  })
  const late = halted.keysOf(issuer.issuer, 'first')
  await reached.promise
  issuer.keys = [(await newIssuerKey('second')).jwk]
  expect(await idsOf(nodeWith(0).keysOf(issuer.issuer, 'second'))).toEqual(['second'])
  released.resolve()
  expect(await idsOf(late)).toEqual(['second'])
  await issuer.stop()
})

test('an issuer that cannot be read any more is one without keys, after five minutes', async () => {
  const issuer = await startMockIssuer()
  const node = nodeWith(0)
  await node.keysOf(issuer.issuer, 'first')
  await issuer.stop()
  expect(await idsOf(node.keysOf(issuer.issuer, 'first'))).toEqual(['first'])
  await server
    .knex('issuer_key_sets')
    .where({ issuer: issuer.issuer })
    .update({ read_at: server.knex.raw(`now() - interval '300 seconds'`) })
  pass(KEYS_LIFETIME)
  const error = await node.keysOf(issuer.issuer, 'first').catch((one) => one)
  expect(error).toBeInstanceOf(IssuerUnavailableError)
  expect(error.message).toMatch(/could not be called/)
})

test('keys that cannot verify a token are passed over', async () => {
  const issuer = await startMockIssuer()
  const { kid: _, ...hmac } = { kid: 'secret', kty: 'oct', k: 'AAAA' }
  const encryption = { ...(await newIssuerKey('encryption')).jwk, use: 'enc' }
  issuer.keys = [hmac, encryption, { kty: 'RSA', n: 'AQAB', e: 'AQAB' }, ...issuer.keys]
  expect(await idsOf(nodeWith().keysOf(issuer.issuer, 'first'))).toEqual(['first'])
  await issuer.stop()
})

test('an issuer that nobody has asked for a day is deleted by the sweep, and read again for the next token', async () => {
  const issuer = await startMockIssuer()
  const kept = await startMockIssuer()
  for (const { issuer: name } of [issuer, kept]) await nodeWith().keysOf(name, 'first')
  const row = server.knex('issuer_key_sets').where({ issuer: issuer.issuer })
  await row.clone().update({ attempted_at: server.knex.raw(`now() - interval '25 hours'`) })
  const { database, encryptionKeys } = server.instance
  for (const deletion of oldRows({ config: loadConfig({}), database, encryptionKeys })) await deletion(100)
  expect(await row).toEqual([])
  expect(await server.knex('issuer_key_sets').where({ issuer: kept.issuer }).pluck('issuer')).toEqual([kept.issuer])
  expect(await idsOf(nodeWith().keysOf(issuer.issuer, 'first'))).toEqual(['first'])
  await Promise.all([issuer.stop(), kept.stop()])
})
