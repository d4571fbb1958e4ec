import { createLocalJWKSet, decodeProtectedHeader, importJWK, jwtVerify, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createVerifier } from '../../packages/resource-server/src/index.ts'
import { CLIENT_LOCKS } from '../../src/clients/client-locks.ts'
import { sealedFor } from '../../src/keys/signing-keys.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { unseal } from '../../src/shared/envelope.ts'
import { newId } from '../../src/shared/ids.ts'
import { keywright, runCli } from '../support/cli-in-process.ts'
import { activeAmong, mapBounded, startLoad, until } from '../support/load.ts'
import { awaitedLocks } from '../support/lock-waits.ts'
import { ISSUER, type Nodes, startNodes } from '../support/nodes.ts'
import { type Credentials, claimsOf, send } from '../support/requests.ts'
import { type Feed, openFeed, revokedInLists, statusAt } from '../support/status.ts'

type Api = Credentials & { identifier: string }

let on: Nodes
let api: Api
let other: Api
let client: Credentials
let refreshing: Credentials
let feeds: Feed[]

beforeAll(async () => {
  on = await startNodes(2)
  api = await on.make.api()
  other = await on.make.api({ signingAlg: 'RS256' })
  client = await on.make.client([api.identifier, other.identifier])
  refreshing = await on.make.client([api.identifier], { clientCredentialsRefresh: true })
  feeds = await Promise.all(on.nodes.map((node) => openFeed(node, api)))
})

afterAll(async () => {
  await Promise.all((feeds ?? []).map((feed) => feed.close()))
  await on?.stop()
})

const kidOf = (token: string): string => decodeProtectedHeader(token).kid!
const kidsAt = async (n: number): Promise<string[]> =>
  (await send(`${on.nodes[n]!.url}/oauth2/jwks`)).body.keys.map(({ kid }: { kid: string }) => kid)

async function newToken(n: number, resource = api.identifier): Promise<string> {
  const { status, text, body } = await on.nodes[n]!.machineToken(client, { resource })
  expect(status, text).toBe(200)
  return body.access_token
}

/** Requests tokens at both nodes without a pause, with client credentials and with refresh tokens. */
function startTokenLoad() {
  const refreshTokens: string[] = []
  return startLoad(8, async (loop, round) => {
    const askedAt = performance.now()
    const node = on.nodes[(loop + round) % 2]!
    const form = { grant_type: 'refresh_token', refresh_token: refreshTokens[loop]! }
    const answer = await (refreshTokens[loop]
      ? node.token(form, { basic: refreshing })
      : node.machineToken(loop < 3 ? refreshing : client, { resource: api.identifier }))
    if (loop < 3) refreshTokens[loop] = answer.body.refresh_token
    return { askedAt, ...answer, token: answer.body.access_token as string }
  })
}

test('under load, the tokens of a revoked signing key are inactive and another key signs at both nodes, and no request fails', async () => {
  const first = await newToken(0)
  const kid = kidOf(first)
  const others = [await newToken(0, other.identifier), await newToken(1, other.identifier)]
  expect(await statusAt(on.nodes[1]!, first)).toBe(0)
  const load = startTokenLoad()
  await load.reached(40)
  const revoked = await keywright(on.env)(`signing-key revoke ${kid}`)
  const answeredAt = performance.now()
  expect(revoked).toMatchObject({ kid, algorithm: 'ES256', state: 'revoked', pending_nodes: 0 })
  for (const n of [0, 1]) {
    expect(await kidsAt(n)).not.toContain(kid)
    expect(await kidsAt(n)).toContain(revoked.successor)
  }
  await load.next(60)
  const answers = await load.stop()
  expect(answers.filter(({ status }) => status !== 200).map(({ text }) => text)).toEqual([])
  const after = answers.filter(({ askedAt }) => askedAt > answeredAt).map(({ token }) => token)
  expect(new Set(after.map(kidOf))).toEqual(new Set([revoked.successor]))
  const ofKey = [first, ...answers.map(({ token }) => token).filter((token) => kidOf(token) === kid)]
  expect(await activeAmong(on.nodes, ofKey, api)).toEqual([])
  expect(await activeAmong(on.nodes, after, api)).toEqual(after)
  expect(await activeAmong(on.nodes, others, other)).toEqual(others)
  const keys = createLocalJWKSet((await send(`${on.nodes[1]!.url}/oauth2/jwks`)).body)
  await mapBounded(after, (token) => jwtVerify(token, keys))
  for (const feed of feeds) {
    await feed.reported(ofKey)
    expect(after.filter(feed.isTold)).toEqual([])
  }
  // The lists are signed by the other key: `statusAt` verifies them with the key set.
  await revokedInLists(on.nodes, ofKey)
  for (const node of on.nodes) {
    expect(new Set(await mapBounded(after, (token) => statusAt(node, token)))).toEqual(new Set([0]))
    for (const token of others) expect(await statusAt(node, token)).toBe(0)
  }
})

const keyOf = async ({ clientId }: Credentials): Promise<number> =>
  (await on.knex('clients').where({ client_id: clientId }).first('id')).id

test('a token that waits for the revocation of its signing key is issued with another key, and is active', async () => {
  const kid = kidOf(await newToken(0))
  const stripe = (await keyOf(client)) % CLIENT_LOCKS.stripes
  const advisory = { locktype: 'advisory', classid: CLIENT_LOCKS.namespace, objid: stripe }
  const waiting = async () => (await awaitedLocks(on.knex).where(advisory)).length
  const held = await on.knex.transaction()
  await held.raw('SELECT pg_advisory_xact_lock(?, ?)', [CLIENT_LOCKS.namespace, stripe])
  const revocation = keywright(on.env)(`signing-key revoke ${kid}`)
  await until(async () => (await waiting()) === 1)
  const request = newToken(1)
  await until(async () => (await waiting()) === 2)
  await held.commit()
  const [{ successor }, token] = await Promise.all([revocation, request])
  expect(kidOf(token)).toBe(successor)
  expect(await activeAmong(on.nodes, [token], api)).toEqual([token])
})

test('a revoked signing key is refused a second time, and an unknown one is not found', async () => {
  const { keys } = await keywright(on.env)('signing-key list')
  const { kid } = keys.find(({ state }: { state: string }) => state === 'revoked')
  for (const [id, message] of [
    [kid, 'was revoked before'],
    ['unknown', 'there is no signing key'],
  ]) {
    const run = await runCli(['signing-key', 'revoke', id, '--json'], on.env)
    expect(run).toMatchObject({ code: 1 })
    expect(run.stderr).toContain(message)
  }
})

test('the revocation of a next or previous key leaves the current one in use, and keeps a next key', async () => {
  const cli = keywright(on.env)
  const states = async () =>
    Object.groupBy(
      (await cli('signing-key list')).keys.filter(({ algorithm }: { algorithm: string }) => algorithm === 'ES256') as {
        state: string
        kid: string
      }[],
      ({ state }) => state,
    )
  const before = await states()
  const next = await cli(`signing-key revoke ${before.next![0]!.kid}`)
  expect(next).toMatchObject({ successor: null, pending_nodes: 0 })
  const token = await newToken(0)
  expect(kidOf(token)).toBe(before.current![0]!.kid)
  const after = await states()
  expect(after.next).toHaveLength(1)
  await on.knex('signing_keys').where({ kid: after.next![0]!.kid }).update({ may_sign_from: on.knex.fn.now() })
  await cli('signing-key rotate')
  let kept = token
  await until(async () => {
    kept = await newToken(1)
    return kidOf(kept) === after.next![0]!.kid
  })
  expect(await activeAmong(on.nodes, [token, kept], api)).toEqual([token, kept])
  expect(await cli(`signing-key revoke ${kidOf(token)}`)).toMatchObject({ successor: null, pending_nodes: 0 })
  for (const n of [0, 1]) expect(await kidsAt(n)).not.toContain(kidOf(token))
  expect(await activeAmong(on.nodes, [token, kept], api)).toEqual([kept])
})

/** A token that the server never issued, as somebody signs it who has the private half of a key. */
async function forge(like: string): Promise<string> {
  const header = decodeProtectedHeader(like) as { kid: string; alg: string }
  const { private_jwk } = await on.knex('signing_keys').where({ kid: header.kid }).first()
  const keys = createEncryptionKeys([Buffer.from(on.env.ENCRYPTION_KEY!, 'base64')])
  const jwk = JSON.parse(unseal(keys, sealedFor(header.kid), private_jwk).toString())
  const key = await importJWK(jwk, header.alg)
  return await new SignJWT({ ...claimsOf(like), jti: newId(), scope: 'all' }).setProtectedHeader(header).sign(key)
}

test('a resource server that follows the feed of another node refuses a forged token as soon as its signing key is revoked', async () => {
  const node = on.nodes[1]!
  const toNode = (url: string, init?: RequestInit) => fetch(node.url + new URL(url).pathname, init)
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: api.identifier,
    fetch: toNode as typeof fetch,
    statusList: { feed: { clientId: api.clientId, clientSecret: api.clientSecret! } },
    onProblem: () => {},
  })
  const verdict = (token: string): Promise<string> =>
    verifier.verify({ headers: { authorization: `Bearer ${token}` } }).then(
      ({ status }) => status,
      ({ code }) => code,
    )
  try {
    const token = await newToken(0)
    const forged = await forge(token)
    await until(async () => (await verdict(forged)) === 'valid' && verifier.isLive())
    const { successor } = await keywright(on.env)(`signing-key revoke ${kidOf(token)}`)
    await until(async () => (await verdict(forged)) === 'not_signed_by_issuer')
    const next = await newToken(0)
    expect(kidOf(next)).toBe(successor)
    await until(async () => (await verdict(next)) === 'valid')
  } finally {
    await verifier.close()
  }
})
