/** Tokens of a revoked signing key, as one server and its database see them. */
import { decodeProtectedHeader } from 'jose'
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { lockAllClientsExclusive } from '../../src/clients/client-locks.ts'
import { createServerWatch } from '../../src/database/server-watch.ts'
import { inspectText } from '../../src/inspection/inspect-text.ts'
import { revokeSigningKey } from '../../src/management/signing-key-operations.ts'
import { newId } from '../../src/shared/ids.ts'
import { inGroups } from '../../src/status/revoked-key-tokens.ts'
import { createAccessTokenStore } from '../../src/tokens/access-token-store.ts'
import type { TokenRecord } from '../../src/tokens/token-recording.ts'
import { operator } from '../management/principals.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { awaitedLocks } from '../support/lock-waits.ts'
import { type Credentials, claimsOf, send } from '../support/requests.ts'
import { statusAt } from '../support/status.ts'

let server: Keywright
let client: Credentials

beforeAll(async () => {
  server = await startKeywright()
  client = await server.make.client()
})

afterAll(() => server.stop())

const kidOf = (token: string): string => decodeProtectedHeader(token).kid!

async function newToken(by: Credentials = client): Promise<string> {
  const { status, text, body } = await server.machineToken(by)
  expect(status, text).toBe(200)
  return body.access_token
}

/** In a transaction, the operation does not wait until the server has read the key ring again. */
const revokeIn = (trx: Knex, kid: string) =>
  revokeSigningKey({ knex: trx, encryptionKeys: server.instance.encryptionKeys }, operator, { kid })

const revoke = (kid: string) => server.knex.transaction((trx) => revokeIn(trx, kid))

/** This server has read the key ring again. */
const leftKeySet = (token: string) =>
  until(async () => !(await send(`${server.url}/oauth2/jwks`)).text.includes(kidOf(token)))

const rowOf = (token: string) =>
  server
    .knex('access_tokens')
    .where({ jti: claimsOf(token).jti })
    .first()

/** A record as a node plans it that copies an issued token. */
async function recordLike(token: string): Promise<TokenRecord> {
  const row = await rowOf(token)
  const [{ version: clientVersion }, { version: apiVersion }] = [
    await server.knex('clients').where({ id: row.client_id }).first(),
    await server.knex('apis').where({ id: row.api_id }).first(),
  ]
  const { iat, exp } = claimsOf(token) as { iat: number; exp: number }
  return {
    jti: newId(),
    clientKey: row.client_id,
    clientVersion,
    secretId: row.secret_id,
    secretRetiresAt: null,
    apiId: row.api_id,
    apiVersion,
    subject: '',
    scope: row.scope,
    issuedAt: iat,
    expiresAt: exp,
    single: false,
    grantId: null,
    statusList: row.status_list,
    statusIndex: row.status_index,
    signingKey: row.signing_key,
    quotaKey: null,
  } as TokenRecord
}

const isActive = async (token: string): Promise<boolean> =>
  (await server.knex('active_access_tokens').where({ jti: claimsOf(token).jti })).length > 0

test('no token that was planned before the revocation of its key is recorded, also when it waited for a lock', async () => {
  const { database } = server.instance
  const store = createAccessTokenStore(database, createServerWatch())
  const token = await newToken()
  const record = await recordLike(token)
  expect((await store.record(record)).recorded).toBe(true)
  const trx = await server.knex.transaction()
  await lockAllClientsExclusive(trx)
  const waiting = store.record({ ...record, jti: newId() })
  await until(async () => (await awaitedLocks(server.knex).where({ locktype: 'advisory' })).length > 0)
  await revokeIn(trx, kidOf(token))
  await trx.commit()
  expect((await waiting).recorded).toBe(false)
  expect((await store.record({ ...record, jti: newId() })).recorded).toBe(false)
})

test('a token that is recorded with a revoked key after all, by a server that did not know, is inactive', async () => {
  const token = await newToken()
  await revoke(kidOf(token))
  const record = await recordLike(token)
  const store = createAccessTokenStore(server.instance.database, createServerWatch())
  expect((await store.record(record)).recorded).toBe(true)
  expect(await server.knex('active_access_tokens').where({ jti: record.jti })).toEqual([])
})

test('a server that still has the revoked key issues the next token with another one, also with a refresh token', async () => {
  const refreshing = await server.make.client({ clientCredentialsRefresh: true })
  for (const by of [client, refreshing]) {
    const token = await newToken(by)
    const { successor } = await revoke(kidOf(token))
    const next = await newToken(by)
    expect(kidOf(next)).toBe(successor)
    expect([await isActive(token), await isActive(next)]).toEqual([false, true])
    await leftKeySet(token)
    await until(async () => (await statusAt(server, token)) === 1)
    expect(await statusAt(server, next)).toBe(0)
  }
})

test('a server whose estimate of the database’s clock is behind signs with the successor at once', async () => {
  const { clock } = server.instance.database
  const now = clock.now.bind(clock)
  const behind = vi.spyOn(clock, 'now').mockImplementation(() => now() - 1000)
  try {
    const { successor } = await revoke(kidOf(await newToken()))
    expect(kidOf(await newToken())).toBe(successor)
  } finally {
    behind.mockRestore()
  }
})

test('tokens of an earlier version, whose key is not known, are revoked with any key that has signed', async () => {
  const token = await newToken()
  await server
    .knex('access_tokens')
    .where({ jti: claimsOf(token).jti })
    .update({ signing_key: 0 })
  await server.knex('revoked_signing_keys').where({ id: 0 }).delete()
  const next = await server.knex('signing_keys').where({ alg: 'ES256' }).whereNull('signs_from').first()
  await revoke(next.kid)
  expect(await isActive(token)).toBe(true)
  await revoke(kidOf(token))
  expect(await isActive(token)).toBe(false)
  await leftKeySet(token)
  await until(async () => (await statusAt(server, token)) === 1)
})

test('Inspect tells that the signing key of a token was revoked, by the JWT and by its jti', async () => {
  const token = await newToken()
  const search = { knex: server.knex, account: null, expected: {} }
  expect(await inspectText(search, token)).toMatchObject({ works: true })
  await revoke(kidOf(token))
  for (const text of [token, String(claimsOf(token).jti)])
    expect(await inspectText(search, text)).toMatchObject({ works: false, reason: 'signing_key_revoked' })
})

test('a large list is searched alone for the tokens of a revoked key, and small ones together', () => {
  const lists = [600_000, 400_000, 1_048_576, 10, 20].map((next, id) => ({ id, next }))
  expect(inGroups(lists)).toEqual([[0, 1], [2], [3, 4]])
})
