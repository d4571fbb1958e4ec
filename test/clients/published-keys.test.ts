import { exportJWK, generateKeyPair } from 'jose'
import { expect, test } from 'vitest'
import { readPublishedKeys } from '../../src/clients/published-keys.ts'
import { newClientKey } from '../support/client-assertions.ts'

const response = (keys: unknown, headers: Record<string, string> = {}, status = 200) =>
  new Response(JSON.stringify({ keys }), { status, headers: { 'content-type': 'application/json', ...headers } })

const read = async (keys: unknown, headers = {}, status?: number) =>
  await readPublishedKeys(response(keys, headers, status))

test('keys of other uses, types and algorithms are ignored', async () => {
  const { jwk, parsed } = await newClientKey('ES256', { kid: 'a' })
  const p384 = await exportJWK((await generateKeyPair('ES384', { extractable: true })).publicKey)
  const others = [
    { ...(await newClientKey()).jwk, use: 'enc' },
    { ...(await newClientKey()).jwk, key_ops: ['encrypt'] },
    p384,
    { kty: 'new' },
    { kty: 'EC', crv: 'P-256' },
    {},
  ]
  const { keys } = await read([...others, { ...jwk, use: 'sig', key_ops: ['verify'], x5c: ['x'], custom: 1 }])
  expect(keys).toEqual(parsed)
  await expect(read(others)).rejects.toThrow('no key of the set can be used')
  expect((await read([])).keys).toEqual([])
})

test('a private or symmetric key, also one of another use, refuses the set', async () => {
  const { jwk } = await newClientKey()
  for (const secret of [
    { kty: 'oct', k: 'AAAA' },
    { ...jwk, use: 'enc', d: 'AAAA' },
  ])
    await expect(read([jwk, secret])).rejects.toThrow('private or symmetric')
})

test('more keys than a client has are refused', async () => {
  const keys = await Promise.all(Array.from({ length: 11 }, async () => (await newClientKey()).jwk))
  expect((await read(keys.slice(1))).keys).toHaveLength(10)
  await expect(read(keys)).rejects.toThrow('more than 10 keys')
  await expect(read(Array.from({ length: 51 }, () => ({ kty: 'new' })))).rejects.toThrow('more than 50 keys')
})

test('a key that is listed under two IDs counts for each', async () => {
  const { jwk } = await newClientKey('RS256')
  const { keys } = await read([
    { ...jwk, kid: 'a', alg: 'RS256' },
    { ...jwk, kid: 'b', alg: 'PS256' },
  ])
  expect(keys.map((key) => [key.jwk.kid, key.jwk.alg])).toEqual([[undefined, undefined]])
})

test('only a JSON response with the status 200 counts', async () => {
  for (const status of [201, 301, 302, 404, 500]) await expect(read([], {}, status)).rejects.toThrow(`${status}`)
  for (const type of ['text/html', 'text/plain', 'application/jsonp', 'application/jwt', ''])
    await expect(read([], { 'content-type': type })).rejects.toThrow('media type')
  for (const type of ['application/jwk-set+json', 'Application/JSON; charset=utf-8'])
    expect((await read([], { 'content-type': type })).keys).toEqual([])
})

test.each([
  [undefined, 900],
  ['max-age=600', 600],
  ['public, max-age=1200, must-revalidate', 1200],
  ['max-age=0', 300],
  ['no-store', 300],
  ['no-cache, max-age=3000', 300],
  ['max-age=31536000', 3600],
  ['max-age=-1', 900],
  ['max-age=1e9', 900],
  ['s-maxage=60', 900],
])('the header Cache-Control: %s lets them be fetched again after %i seconds', async (header, seconds) => {
  expect((await read([], header === undefined ? {} : { 'cache-control': header })).refreshAfter).toBe(seconds)
})
