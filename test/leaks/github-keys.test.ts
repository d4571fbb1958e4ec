import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { createGithubKeys } from '../../src/leaks/github-keys.ts'

const MINUTE = 60_000

const pemOf = (curve: string) =>
  String(generateKeyPairSync('ec', { namedCurve: curve }).publicKey.export({ type: 'spki', format: 'pem' }))
const PEM = pemOf('P-256')

/** A server of keys whose answer, and a clock whose time, the test sets. */
function setUp(first: unknown) {
  const state = { answer: first, time: 0, requests: 0 }
  async function fetch(): Promise<Response> {
    state.requests++
    if (state.answer instanceof Error) throw state.answer
    return Response.json(state.answer)
  }
  return { state, keys: createGithubKeys({ url: 'https://keys.example.com', fetch, now: () => state.time }) }
}

const listOf = (...ids: string[]) => ({ public_keys: ids.map((id) => ({ key_identifier: id, key: PEM })) })

test('keys are fetched once, and an unknown key identifier makes at most one request in five minutes', async () => {
  const { state, keys } = setUp(listOf('one'))
  const found = await Promise.all(Array.from({ length: 20 }, () => keys.find('one')))
  expect(found[0]!.equals(createPublicKey(PEM))).toBe(true)
  expect(state.requests).toBe(1)
  for (let n = 0; n < 50; n++) expect(await keys.find(`unknown ${n}`)).toBeUndefined()
  expect(state.requests).toBe(1)
  Object.assign(state, { time: 5 * MINUTE, answer: listOf('one', 'two') })
  expect(await keys.find('two')).toBeDefined()
  for (let n = 0; n < 50; n++) await keys.find(`unknown ${n}`)
  expect(state.requests).toBe(2)
})

test('a key that GitHub withdraws is refused after an hour', async () => {
  const { state, keys } = setUp(listOf('one', 'two'))
  expect(await keys.find('one')).toBeDefined()
  Object.assign(state, { time: 59 * MINUTE, answer: listOf('two') })
  expect(await keys.find('one')).toBeDefined()
  state.time = 61 * MINUTE
  expect(await keys.find('one')).toBeUndefined()
})

test('keys are unavailable, not unknown, until they are fetched, and known keys outlast an outage of a day', async () => {
  const { state, keys } = setUp(new Error('connection refused'))
  for (let n = 0; n < 20; n++) await expect(keys.find('one')).rejects.toMatchObject({ code: 'unavailable' })
  expect(state.requests).toBe(1)
  Object.assign(state, { time: 5 * MINUTE, answer: listOf('one') })
  expect(await keys.find('one')).toBeDefined()
  Object.assign(state, { time: 20 * 60 * MINUTE, answer: new Error('connection refused') })
  expect(await keys.find('one')).toBeDefined()
  state.time = 25 * 60 * MINUTE
  await expect(keys.find('one')).rejects.toMatchObject({ code: 'unavailable' })
})

test('an answer without keys is unavailable, and keys other than P-256 are left out', async () => {
  for (const answer of [null, {}, { public_keys: 'none' }]) {
    await expect(setUp(answer).keys.find('one')).rejects.toMatchObject({ code: 'unavailable' })
  }
  const wrong = [null, {}, { key_identifier: 'one', key: 'no PEM' }, { key_identifier: 'one', key: pemOf('P-384') }]
  expect(await setUp({ public_keys: wrong }).keys.find('one')).toBeUndefined()
})
