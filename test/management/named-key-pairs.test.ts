import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteReplacedKeyPairs } from '../../src/clients/key-pairs.ts'
import { updateApi } from '../../src/management/api-changes.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { inspect } from '../../src/management/inspection-operations.ts'
import { stopKeyPair } from '../../src/management/key-pair-details.ts'
import { generateKeyPair, type KeyPairRequest, MAX_NAMED_PAIRS } from '../../src/management/key-pair-generation.ts'
import { listKeyPairs, readKeyPair } from '../../src/management/key-pair-operations.ts'
import type { Management } from '../../src/management/operation.ts'
import { readAccountOverview } from '../../src/management/overview-operations.ts'
import { readRevocationEffect } from '../../src/management/revocation-effect.ts'
import { changeUserRole, changeUserStatus } from '../../src/management/user-changes.ts'
import { readUser } from '../../src/management/user-operations.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { claimsOf } from '../support/requests.ts'
import { adminOf, operator } from './principals.ts'

let on: Keywright
let named: { identifier: string; clientId: string; clientSecret: string }
let separated: { identifier: string; clientId: string; clientSecret: string }
let management: Management

beforeAll(async () => {
  on = await startKeywright()
  management = { knex: on.knex, encryptionKeys: undefined as never }
  named = await on.make.api({ keyPairs: 'named' })
  separated = await on.make.api({ keyPairs: 'environments' })
})

afterAll(() => on?.stop())

async function generate(user: string, request: Partial<KeyPairRequest> = {}) {
  const made = await generateKeyPair(on.knex, { user, apis: [named.identifier], ...request }, ACTOR)
  return { clientId: made.client.clientId, clientSecret: made.clientSecret!, client: made.client }
}

const tokenOf = async (pair: { clientId: string; clientSecret: string }): Promise<string> =>
  (await on.machineToken(pair)).body.access_token

const isActive = async (token: string, api = named) => (await on.introspect(token, api)).body.active

const refused = (field: string) => ({ code: 'invalid_input', fieldErrors: [expect.objectContaining({ field })] })

test('new keys for a name replace the key pair of this name with its tokens, and leave the others alone', async () => {
  const { id } = await on.make.user()
  const pairs = [
    await generate(id),
    await generate(id, { pairName: 'Night job' }),
    await generate(id, { pairName: 'CI' }),
  ]
  const tokens = await Promise.all(pairs.map(tokenOf))
  const next = await generate(id, { pairName: ' night JOB ', replaces: pairs[1]!.clientId })
  expect(next.client).toMatchObject({ pairName: 'Night job', environment: null })
  expect(await Promise.all(tokens.map((token) => isActive(token)))).toEqual([true, false, true])
  expect(await Promise.all(pairs.map(async (pair) => (await on.machineToken(pair)).status))).toEqual([200, 401, 200])
  expect((await on.machineToken(next)).status).toBe(200)
  const stale = generate(id, { pairName: 'Night job', replaces: pairs[1]!.clientId })
  await expect(stale).rejects.toMatchObject({ code: 'stale' })
})

test('a named key pair calls only APIs that allow it, and has an environment only where they have environments', async () => {
  const { id } = await on.make.user()
  const environments = [separated.identifier]
  await expect(generate(id, { pairName: 'a', apis: [] })).rejects.toMatchObject(refused('apis'))
  await expect(generate(id, { pairName: 'a', environment: 'test' })).rejects.toMatchObject(refused('environment'))
  await expect(generate(id, { pairName: 'a', apis: environments })).rejects.toMatchObject(refused('environment'))
  await expect(generate(id, { environment: 'test' })).rejects.toMatchObject(refused('environment'))
  for (const pairName of ['', ' ', 'n'.repeat(61), 'a\u0000b', 'a\u202eb'])
    await expect(generate(id, { pairName })).rejects.toMatchObject(refused('pairName'))
  const { clientId } = await generate(id, { pairName: 'a' })
  const change = (apis: string[]) => updateClient(on.knex, clientId, { settings: {}, apis }, ACTOR)
  await expect(change([named.identifier, on.firstStart.api.identifier])).rejects.toMatchObject(refused('apis'))
  await expect(change(environments)).rejects.toMatchObject(refused('environment'))
})

test('the environment is in the client ID, the client secret, the API key and the tokens, and stays with the name', async () => {
  const { id } = await on.make.user()
  const first = await generate(id, { pairName: 'Shop', environment: 'test', apis: [separated.identifier] })
  await updateClient(on.knex, first.clientId, { settings: { apiKeyRequired: true } }, ACTOR)
  const made = await generateKeyPair(on.knex, { user: id, pairName: 'Shop', apis: [] }, ACTOR)
  const pair = { clientId: made.client.clientId, clientSecret: made.clientSecret! }
  expect(pair.clientId).toMatch(/^kwc_test_[0-9A-Za-z]{20}$/)
  expect([pair.clientSecret, made.apiKey]).toEqual([
    expect.stringMatching(/^kws_test_/),
    expect.stringMatching(/^kwk_test_/),
  ])
  const { body } = await on.machineToken(pair, {}, { headers: { 'x-api-key': made.apiKey! } })
  expect(claimsOf(body.access_token)).toMatchObject({ environment: 'test', client_id: pair.clientId })
  expect((await on.introspect(body.access_token, separated)).body).toMatchObject({ active: true, environment: 'test' })
  const live = generate(id, { pairName: 'Shop', environment: 'live', apis: [separated.identifier] })
  await expect(live).rejects.toMatchObject(refused('environment'))
  expect(claimsOf(await tokenOf(await generate(id, { apis: [separated.identifier] })))).not.toHaveProperty(
    'environment',
  )
})

test('an admin has a bounded number of active named key pairs; stopped ones do not count, and are deleted later', async () => {
  const { id } = await on.make.user()
  const pairs: Awaited<ReturnType<typeof generate>>[] = []
  for (let n = 0; n < MAX_NAMED_PAIRS; n++) pairs.push(await generate(id, { pairName: `job ${n}` }))
  await expect(generate(id, { pairName: 'one more' })).rejects.toMatchObject({ code: 'conflict' })
  await generate(id, { pairName: 'job 0' })
  await generate(id)
  const { clientId } = pairs[1]!
  await stopKeyPair(management, operator, { clientId })
  await generate(id, { pairName: 'one more' })
  await expect(generate(id, { pairName: 'job 1' })).rejects.toMatchObject({ code: 'conflict' })
  expect(await deleteReplacedKeyPairs(on.knex, 100)).toBe(0)
  await on
    .knex('clients')
    .where({ client_id: clientId })
    .update({ deactivated_at: on.knex.raw(`now() - interval '41 days'`) })
  expect(await deleteReplacedKeyPairs(on.knex, 100)).toBe(1)
})

test('an admin who becomes a member, or is disabled, loses every key pair with its tokens', async () => {
  const losses = [
    (id: string) => changeUserRole(on.knex, id, 'member', ACTOR),
    (id: string) => changeUserStatus(on.knex, id, 'disabled', ACTOR),
  ]
  for (const lose of losses) {
    const { id } = await on.make.user()
    const pairs = [await generate(id), await generate(id, { pairName: 'a' }), await generate(id, { pairName: 'b' })]
    const tokens = await Promise.all(pairs.map(tokenOf))
    expect(await Promise.all(tokens.map((token) => isActive(token)))).toEqual([true, true, true])
    await lose(id)
    expect(await Promise.all(tokens.map((token) => isActive(token)))).toEqual([false, false, false])
    for (const pair of pairs) expect((await on.machineToken(pair)).status).toBe(401)
  }
})

test('an API keeps allowing the named key pairs that call it', async () => {
  const api = await on.make.api({ keyPairs: 'named' })
  const { id } = await on.make.user()
  const { clientId } = await generate(id, { pairName: 'a', apis: [api.identifier] })
  const conflict = { code: 'conflict', message: expect.stringContaining(clientId) }
  for (const keyPairs of ['one', 'environments'] as const)
    await expect(updateApi(on.knex, api.identifier, { keyPairs }, ACTOR)).rejects.toMatchObject(conflict)
  await stopKeyPair(management, operator, { clientId })
  expect(await updateApi(on.knex, api.identifier, { keyPairs: 'one' }, ACTOR)).toMatchObject({ keyPairs: 'one' })
  await expect(generate(id, { pairName: 'a', apis: [] })).rejects.toMatchObject(refused('apis'))
})

test('pages and lists that show one key pair of an admin show the default one beside the others', async () => {
  const user = await on.make.user()
  const first = await generate(user.id, { pairName: 'b' })
  const who = adminOf(user.accountId!, user.id)
  expect(await readKeyPair(management, who, {})).toMatchObject({
    pair: null,
    namedPairs: [{ clientId: first.clientId, pairName: 'b', apis: [named.identifier] }],
  })
  const normal = await generate(user.id)
  const second = await generate(user.id, { pairName: 'A' })
  expect(await readKeyPair(management, who, {})).toMatchObject({ pair: { client: { clientId: normal.clientId } } })
  expect(await readAccountOverview(management, who, {})).toMatchObject({ keyPair: { clientId: normal.clientId } })
  const details = await readUser(management, who, { userId: user.id })
  expect(details).toMatchObject({ keyPair: normal.clientId, namedKeyPairs: 2 })
  const listed = await listKeyPairs(management, who, {})
  expect(listed.map(({ client }) => client.clientId)).toEqual([normal.clientId, second.clientId, first.clientId])
  expect(listed[1]).toMatchObject({ lastFour: second.clientSecret.slice(-4), apis: [{ identifier: named.identifier }] })
  const other = listKeyPairs(management, adminOf(user.accountId!), { userId: user.id })
  await expect(other).rejects.toMatchObject({ code: 'forbidden' })
})

test('a replaced client secret is recognized with its environment, and names the key pair of the same name', async () => {
  const { id } = await on.make.user()
  const request = { pairName: 'Shop', environment: 'live' as const, apis: [separated.identifier] }
  const first = await generate(id, request)
  await generate(id)
  const next = await generate(id, request)
  await generate(id)
  for (const text of [first.clientId, first.clientSecret, `kws_live_…${first.clientSecret.slice(-4)}`]) {
    const { reason, findings } = await inspect(management, operator, { text })
    expect({ text, reason }).toEqual({ text, reason: 'key_pair_replaced' })
    expect(findings).toMatchObject([{ replacedBy: next.clientId, client: { clientId: first.clientId } }])
  }
  expect(await inspect(management, operator, { text: first.clientSecret.slice(0, -1) })).toMatchObject({
    reason: 'secret_malformed',
  })
})

test('after a revocation, the successor of a named key pair is the present one of the same name', async () => {
  const { id } = await on.make.user()
  const first = await generate(id, { pairName: 'Shop' })
  await generate(id, { pairName: 'shop' })
  await generate(id)
  const present = await generate(id, { pairName: 'Shop' })
  const effect = await readRevocationEffect(management, operator, { clientId: first.clientId })
  expect(effect).toMatchObject({ successor: present.clientId, revokedAt: expect.any(Date) })
})
