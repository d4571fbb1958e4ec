import { createLocalJWKSet, createRemoteJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keywright, runCli } from '../support/cli-in-process.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import { mapBounded, startLoad, until } from '../support/load.ts'
import { type Ending, ISSUER, launchServer, type Nodes, startNodes } from '../support/nodes.ts'
import { type Credentials, send } from '../support/requests.ts'

let on: Nodes
let api: Credentials & { identifier: string }
let client: Credentials

beforeAll(async () => {
  on = await startNodes(2)
  api = await on.make.api()
  client = await on.make.client([api.identifier], { clientCredentialsRefresh: true })
})

afterAll(() => on?.stop())

const jwksOf = async (n: number): Promise<JSONWebKeySet> => (await send(`${on.nodes[n]!.url}/oauth2/jwks`)).body
const kidOf = (token: string): string => decodeProtectedHeader(token).kid!

async function newToken(n: number, who = client): Promise<string> {
  const { status, text, body } = await on.nodes[n]!.machineToken(who)
  expect(status, text).toBe(200)
  return body.access_token
}

async function expectVerified(token: string, keys: JSONWebKeySet, audience = api.identifier): Promise<void> {
  const options = { issuer: ISSUER, audience, typ: 'at+jwt' }
  await jwtVerify(token, createLocalJWKSet(keys), options)
}

/** A node's key set as a resource server keeps it: refetched on an unknown kid, but not more often than it may. */
const remoteKeys = (n: number) => createRemoteJWKSet(new URL(`${on.nodes[n]!.url}/oauth2/jwks`))

test('a rotation in a storm fails no request; every token verifies by either node, and soon both sign by the new key', async () => {
  const before = await newToken(0)
  // Resource servers that fetched the keys before the rotation, and do not yet fetch them again.
  const remembered = [remoteKeys(0), remoteKeys(1)]
  for (const keys of remembered) await jwtVerify(before, keys)
  const held: string[] = []
  const storm = startLoad(10, async (loop, round) => {
    const node = on.nodes[(loop + round) % 2]!
    const form = { grant_type: 'refresh_token', refresh_token: held[loop]! }
    const answer = await (held[loop] ? node.token(form, { basic: client }) : node.machineToken(client))
    if (loop < 6) held[loop] = answer.body.refresh_token
    for (const keys of answer.status === 200 ? remembered : []) await jwtVerify(answer.body.access_token, keys)
    return answer
  })
  await storm.reached(40)
  const { rotated } = await keywright(on.env)('signing-key rotate')
  expect(rotated.sort()).toEqual(['ES256', 'RS256'])
  const ours = on.knex('signing_keys').where({ alg: 'ES256' })
  const current = await ours.whereRaw('signs_from <= now()').orderBy('signs_from', 'desc').first()
  for (const n of [0, 1]) await until(async () => kidOf(await newToken(n)) === current.kid)
  const answers = await storm.stop()
  expect(answers.filter(({ status }) => status !== 200).map(({ text }) => text)).toEqual([])
  const tokens = [before, ...answers.map(({ body }) => body.access_token)]
  expect(new Set(tokens.map(kidOf)).size).toBe(2)
  for (const n of [0, 1]) {
    const keys = await jwksOf(n)
    await mapBounded(tokens, (token) => expectVerified(token, keys))
    expect(kidOf(await newToken(n))).toBe(current.kid)
  }
})

test('a second rotation at once lets no key sign that was not published for a minute, and a third changes nothing', async () => {
  const [first, second, third] = [await newToken(0), await rotate(), await rotate()]
  expect(second.rotated.sort()).toEqual(['ES256', 'RS256'])
  expect(third).toMatchObject({ rotated: [] })
  for (const { created_at, signs_from } of await on.knex('signing_keys').whereRaw('signs_from > now()')) {
    expect(signs_from - created_at).toBeGreaterThanOrEqual(60_000)
  }
  const waiting = await on.knex('signing_keys').where({ alg: 'ES256' }).whereRaw('signs_from > now()').pluck('kid')
  expect(waiting).toHaveLength(1)
  for (const n of [0, 1]) {
    await until(async () => (await jwksOf(n)).keys.some(({ kid }) => kid === waiting[0]))
    expect(kidOf(await newToken(n))).toBe(kidOf(first))
  }
  // The minute is over.
  const now = on.knex.fn.now()
  await on.knex('signing_keys').where({ kid: waiting[0] }).update({ may_sign_from: now, signs_from: now })
  await on.knex('key_ring').increment('version', 1)
  for (const n of [0, 1]) await until(async () => kidOf(await newToken(n)) === waiting[0])
})

const rotate = () => keywright(on.env)('signing-key rotate')

const PARTS = /ENCRYPTION_KEY holds none of the keys/

test('a command with a wrong ENCRYPTION_KEY is refused before it makes keys that no node could open', async () => {
  const env = { ...on.env, ENCRYPTION_KEY: newEncryptionKey() }
  const before = await on.knex('signing_keys').count('* AS keys')
  const create = [
    'api',
    'create',
    '--identifier',
    'https://wrong.example.com',
    '--scopes',
    'read',
    '--alg',
    'RS256',
    '--json',
  ]
  for (const args of [['signing-key', 'rotate', '--json'], create]) {
    const run = await runCli(args, env)
    expect.soft(run).toMatchObject({ code: 1 })
    expect.soft(run.stderr).toMatch(PARTS)
  }
  expect.soft(await on.knex('signing_keys').count('* AS keys')).toEqual(before)
  for (const n of [0, 1]) expect((await on.nodes[n]!.machineToken(client)).status).toBe(200)
})

test.each(['PS256', 'EdDSA'] as const)(
  'an API with %s gets its tokens signed with it, by keys that both nodes publish',
  async (alg) => {
    const cli = keywright(on.env)
    const identifier = `https://${alg.toLowerCase()}.example.com`
    await cli(`api create --identifier ${identifier} --scopes read --alg ${alg}`)
    const own = await on.make.client([identifier])
    const tokens = [await newToken(0, own), await newToken(1, own)]
    for (const n of [0, 1]) {
      const keys = await jwksOf(n)
      for (const token of tokens) {
        expect(decodeProtectedHeader(token)).toMatchObject({ alg, typ: 'at+jwt' })
        await expectVerified(token, keys, identifier)
      }
    }
    expect((await rotate()).rotated).toContain(alg)
    for (const n of [0, 1]) await until(async () => kidOf(await newToken(n, own)) !== kidOf(tokens[0]!))
    for (const n of [0, 1]) await expectVerified(await newToken(n, own), await jwksOf(1 - n), identifier)
  },
)

test('a wrong ENCRYPTION_KEY stops the start and says so; a list that holds the right one second works', async () => {
  const wrong = launchServer({ ...on.env, ENCRYPTION_KEY: newEncryptionKey() })
  expect(await wrong.ended).toMatchObject({ code: 1 })
  expect(wrong.stderr()).toMatch(PARTS)
  const listed = launchServer({ ...on.env, ENCRYPTION_KEY: `${newEncryptionKey()},${on.env.ENCRYPTION_KEY}` })
  await listed.says(/"msg":"listening"/)
  listed.signal('SIGTERM')
  expect(await listed.ended).toMatchObject({ code: 0 })
})

test('with several workers too, a wrong ENCRYPTION_KEY stops the start', async () => {
  const wrong = launchServer({ ...on.env, WORKERS: '2', ENCRYPTION_KEY: newEncryptionKey() })
  await wrong.says(PARTS)
  let ending: Ending | undefined
  void wrong.ended.then((end) => {
    ending = end
  })
  await until(() => ending !== undefined).finally(() => wrong.signal('SIGKILL'))
  expect(ending).toMatchObject({ code: 1 })
})
