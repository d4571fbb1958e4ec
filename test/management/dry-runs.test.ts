import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { recordCallers } from '../../src/clients/client-callers.ts'
import { recordSecretCallers } from '../../src/clients/secret-callers.ts'
import { setAccountApi, setAccountStatus } from '../../src/management/account-operations.ts'
import { archiveApplication } from '../../src/management/application-operations.ts'
import { archiveApplications } from '../../src/management/bulk-archive.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import type { DryRunResult } from '../../src/management/dry-run.ts'
import { setInstanceApi } from '../../src/management/instance-operations.ts'
import { generateKeyPair } from '../../src/management/key-pair-operations.ts'
import { addMembership } from '../../src/management/membership-operations.ts'
import type { DestructiveOperation, Management } from '../../src/management/operation.ts'
import type { Principal } from '../../src/management/principal.ts'
import { retireApplicationSecret } from '../../src/management/secret-retirement.ts'
import {
  revokeAllOfClient,
  revokeAllOfUser,
  revokeOneGrant,
  revokeOneToken,
} from '../../src/management/token-operations.ts'
import { readUser, setUserStatus } from '../../src/management/user-operations.ts'
import { newId } from '../../src/shared/ids.ts'
import { ACTOR } from '../support/factory.ts'
import { adminOf, openManagement, operator } from './principals.ts'

let on: Awaited<ReturnType<typeof openManagement>>
let objects: Objects

beforeAll(async () => {
  on = await openManagement()
  objects = await makeObjects()
})
afterAll(async () => await on?.close())

type Run = (management: Management, principal: Principal, input: never) => Promise<unknown>

const directory = new URL('../../src/management/', import.meta.url)

/** Every operation with a dry run, by its name. */
async function destructiveOperations(): Promise<[string, DestructiveOperation<never, unknown, never, unknown>][]> {
  const modules = await Promise.all(readdirSync(directory).map((name) => import(new URL(name, directory).href)))
  const exported = modules.flatMap((module) => Object.entries(module as Record<string, unknown>))
  return exported.filter(([, one]) => typeof one === 'function' && 'dryRun' in one) as never
}

const accessToken = (key: number, api: number, more: object = {}) => ({
  jti: newId(),
  expires_at: on.knex.raw(`now() + interval '1 hour'`),
  issued_at: on.knex.fn.now(),
  client_id: key,
  sequence: 0,
  api_id: api,
  revocation_epoch: 0,
  subject: '',
  scope: 'read',
  ...more,
})

const refreshToken = (key: number, api: number, more: object = {}) => ({
  grant_id: newId(),
  family_hash: randomBytes(32),
  current_hash: randomBytes(32),
  client_id: key,
  api_id: api,
  revocation_epoch: 0,
  subject: '',
  scope: 'read',
  expires_at: on.knex.raw(`now() + interval '1 day'`),
  ...more,
})

const callerOf = (clientKey: number, apiId: number, ip: string) => ({ clientKey, ip, apiId, at: new Date() })

/** An account whose application and key pair have tokens and callers, and objects that can be deleted. */
async function makeObjects() {
  const { knex, make } = on
  const api = await make.api()
  const { id: apiId } = await knex('apis').where({ identifier: api.identifier }).first('id')
  const account = await make.account()
  const client = await make.register({ settings: { name: 'Night job' }, apis: [api.identifier], account })
  const [secret] = await knex('client_secrets').where({ client_id: client.key }).pluck('id')
  await rotateSecret(knex, client.clientId, 3600, ACTOR)
  const apiClient = await knex('clients').where({ client_id: api.clientId }).first('id')
  const [apiSecret] = await knex('client_secrets').where({ client_id: apiClient.id }).pluck('id')
  await rotateSecret(knex, api.clientId, 3600, ACTOR)
  const user = await make.user(account, 'admin')
  const pair = await make.keyPair(user.id)
  const { id: pairKey } = await knex('clients').where({ client_id: pair.clientId }).first('id')
  const token = accessToken(client.key, apiId, { secret_id: secret })
  const grant = refreshToken(client.key, apiId)
  const delegated = accessToken(client.key, apiId, { subject: user.id, grant_id: grant.grant_id })
  await knex('access_tokens').insert(
    [token, delegated, accessToken(pairKey, apiId)].map((row) => ({ secret_id: null, grant_id: null, ...row })),
  )
  await knex('refresh_tokens').insert([grant, refreshToken(client.key, apiId, { subject: user.id })])
  const uses = [callerOf(client.key, apiId, '192.0.2.1'), callerOf(client.key, 0, '192.0.2.2')]
  await recordCallers(knex, [...uses, callerOf(pairKey, apiId, '192.0.2.3')])
  await recordSecretCallers(knex, [{ ...uses[0]!, secretIds: [secret], userAgent: 'curl' }])
  const foreign = await make.register({ account: await make.account() })
  const held = { subject: user.id, secret_id: null, grant_id: null }
  await knex('access_tokens').insert(accessToken(foreign.key, apiId, held))
  await knex('refresh_tokens').insert(refreshToken(foreign.key, apiId, { subject: user.id }))
  const old = await make.register({ settings: { name: 'Old job' }, account })
  await archiveApplication(on.management, operator, { clientId: old.clientId })
  const disabled = await make.user(account, 'member')
  await setUserStatus(on.management, operator, { userId: disabled.id, status: 'disabled' })
  const gone = await make.account()
  await setAccountStatus(on.management, operator, { accountId: gone, status: 'disabled' })
  const unused = await make.api()
  const { kid } = await knex('signing_keys').whereNull('signs_from').first('kid')
  return { api, unused, account, gone, client, secret, apiSecret, user, disabled, pair, token, grant, old, kid }
}

type Objects = Awaited<ReturnType<typeof makeObjects>>

/** What each operation is asked about. */
const INPUTS: Record<string, (o: Objects) => object> = {
  archiveApplication: ({ client }) => ({ clientId: client.clientId }),
  archiveApplications: ({ client }) => ({ clientIds: [client.clientId] }),
  deleteAccount: ({ gone }) => ({ accountId: gone }),
  deleteApi: ({ unused }) => ({ identifier: unused.identifier }),
  deleteApplication: ({ old }) => ({ clientId: old.clientId }),
  deleteUser: ({ disabled }) => ({ userId: disabled.id }),
  endAccessOfUser: ({ user }) => ({ userId: user.id }),
  offboardUser: ({ user }) => ({ userId: user.id }),
  generateKeyPair: ({ user }) => ({ userId: user.id }),
  retireApiSecret: ({ api, apiSecret }) => ({ identifier: api.identifier, secretId: apiSecret }),
  retireApplicationSecret: ({ client, secret }) => ({ clientId: client.clientId, secretId: secret }),
  revokeAllOfClient: ({ client }) => ({ clientId: client.clientId }),
  revokeAllOfUser: ({ user }) => ({ userId: user.id }),
  revokeOneGrant: ({ client, grant }) => ({ clientId: client.clientId, grantId: grant.grant_id }),
  revokeOneToken: ({ client, token }) => ({ clientId: client.clientId, jti: token.jti }),
  revokeSigningKey: ({ kid }) => ({ kid }),
  revokeTokenByJti: ({ token }) => ({ jti: token.jti }),
  rotateApiSecret: ({ api }) => ({ identifier: api.identifier, overlap: 0 }),
  rotateApplicationSecret: ({ client }) => ({ clientId: client.clientId, overlap: 0 }),
  setAccountApi: ({ account }) => ({ accountId: account, enabled: false }),
  setAccountStatus: ({ account }) => ({ accountId: account, status: 'disabled' }),
  setInstanceApi: () => ({ enabled: false }),
  setRole: ({ user }) => ({ userId: user.id, role: 'member' }),
  removeMembership: ({ user }) => ({ userId: user.id, accountId: user.accountId }),
  setUserStatus: ({ user }) => ({ userId: user.id, status: 'disabled' }),
  stopKeyPair: ({ pair }) => ({ clientId: pair.clientId }),
}

/** A hash of the rows of each table. */
async function dump(): Promise<Record<string, string>> {
  const names = await on.knex('pg_tables').where({ schemaname: 'public' }).orderBy('tablename').pluck('tablename')
  const hashes = names.map((name) =>
    on.knex.raw(
      `SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '\n' ORDER BY t::text)), '') AS rows FROM ${name} t`,
    ),
  )
  const rows = await Promise.all(hashes)
  return Object.fromEntries(names.map((name, n) => [name, rows[n].rows[0].rows]))
}

test('no dry run changes anything in the database', async () => {
  const before = await dump()
  expect(before.audit_log).toMatch(/^[1-9]/)
  for (const [name, { dryRun }] of await destructiveOperations()) {
    const input = INPUTS[name]
    if (!input) throw new Error(`dry-runs.test.ts has no input for ${name}`)
    await (dryRun as Run)(on.management, operator, input(objects) as never)
    expect([name, await dump()]).toEqual([name, before])
  }
})

const none = { count: 0, isMore: false }
const counted = (count: number) => ({ count, isMore: false })
const addressesOf = ({ callers }: DryRunResult) => callers.map(({ ip }) => ip).sort()

test('the dry run of archiving an application lists its callers and counts its tokens', async () => {
  const { client, account, api } = objects
  const result = await archiveApplication.dryRun(on.management, adminOf(account), { clientId: client.clientId })
  expect(result).toMatchObject({
    clients: counted(1),
    accessTokens: counted(2),
    refreshTokens: counted(2),
    hasMoreCallers: false,
  })
  expect(addressesOf(result)).toEqual(['192.0.2.1', '192.0.2.2'])
  expect(result.callers).toContainEqual({
    clientId: client.clientId,
    clientName: 'Night job',
    ip: '192.0.2.1',
    api: api.identifier,
    lastUsedAt: expect.any(String),
  })
  const several = { clientIds: [client.clientId] }
  expect(await archiveApplications.dryRun(on.management, adminOf(account), several)).toEqual(result)
  expect(await revokeAllOfClient.dryRun(on.management, adminOf(account), client)).toEqual(result)
})

test('the dry run of retiring a secret lists the callers with this secret, and counts the tokens that it obtained', async () => {
  const { client, account, secret } = objects
  const result = await retireApplicationSecret.dryRun(on.management, adminOf(account), { ...client, secretId: secret })
  expect(result).toMatchObject({ accessTokens: counted(1), refreshTokens: none })
  expect(addressesOf(result)).toEqual(['192.0.2.1'])
  const newest = await on.knex('client_secrets').where({ client_id: client.key }).max('id AS id').first()
  const retired = retireApplicationSecret.dryRun(on.management, adminOf(account), { ...client, secretId: newest!.id })
  await expect(retired).rejects.toMatchObject({ code: 'not_found' })
})

test('the dry runs of revoking a token and a grant count what they would revoke', async () => {
  const { client, account, token, grant } = objects
  const { clientId } = client
  const one = await revokeOneToken.dryRun(on.management, adminOf(account), { clientId, jti: token.jti })
  expect(one).toMatchObject({ accessTokens: counted(1), refreshTokens: none })
  expect(addressesOf(one)).toEqual(['192.0.2.1'])
  const granted = await revokeOneGrant.dryRun(on.management, adminOf(account), { clientId, grantId: grant.grant_id })
  expect(granted).toMatchObject({ accessTokens: counted(1), refreshTokens: counted(1) })
  const unknown = revokeOneToken.dryRun(on.management, adminOf(account), { clientId, jti: newId() })
  await expect(unknown).rejects.toMatchObject({ code: 'not_found' })
})

test('the dry runs about a user count the tokens of the key pair, and those that applications have for the user', async () => {
  const { user, account } = objects
  const all = await revokeAllOfUser.dryRun(on.management, adminOf(account), { userId: user.id })
  expect(all).toMatchObject({ clients: counted(1), accessTokens: counted(3), refreshTokens: counted(2) })
  expect(addressesOf(all)).toEqual(['192.0.2.3'])
  const pair = await generateKeyPair.dryRun(on.management, operator, { userId: user.id })
  expect(pair).toMatchObject({ clients: counted(1), accessTokens: counted(1), refreshTokens: none })
  expect(addressesOf(pair)).toEqual(['192.0.2.3'])
  const named = await generateKeyPair.dryRun(on.management, operator, { userId: user.id, pairName: 'Other' })
  expect(named).toMatchObject({ clients: none, accessTokens: none, callers: [] })
})

test('the dry runs about an account and the instance cover all their clients', async () => {
  const { account } = objects
  const disabled = await setAccountStatus.dryRun(on.management, operator, { accountId: account })
  // Another account's application has a token for its user.
  expect(disabled).toMatchObject({ clients: counted(2), accessTokens: counted(4), refreshTokens: counted(3) })
  const off = await setAccountApi.dryRun(on.management, operator, { accountId: account })
  expect(off).toMatchObject({ clients: counted(2), accessTokens: counted(3), refreshTokens: counted(2) })
  for (const result of [disabled, off, await setInstanceApi.dryRun(on.management, operator, {})])
    expect(addressesOf(result)).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3'])
})

test('the dry run of disabling an account counts the tokens of its users that act for it, whichever their first account is', async () => {
  const { knex, make } = on
  const [first, second] = [await make.account(), await make.account()]
  const user = await make.user(first, 'member')
  await addMembership(on.management, operator, { userId: user.id, accountId: second, role: 'member' })
  const foreign = await make.register({ account: await make.account() })
  const { id: apiId } = await knex('apis').first('id')
  const held = { subject: user.id, secret_id: null, grant_id: null }
  const rows = [null, first, second, second, second].map((account) => ({
    ...accessToken(foreign.key, apiId, held),
    user_account_id: account,
  }))
  await knex('access_tokens').insert(rows)
  const consent = { id: newId(), given_by: user.id, account_id: second, client_id: foreign.key }
  await knex('consents').insert({ ...consent, identity_scopes: [], claims: [], apis: '{}' })
  const refreshing = [null, null, null, consent.id].map((consent_id) => ({
    ...refreshToken(foreign.key, apiId, { subject: user.id }),
    consent_id,
  }))
  await knex('refresh_tokens').insert(refreshing)
  const counts = [first, second].map(async (accountId) => {
    const { accessTokens, refreshTokens } = await setAccountStatus.dryRun(on.management, operator, { accountId })
    return [accessTokens, refreshTokens]
  })
  expect(await Promise.all(counts)).toEqual([
    [counted(2), counted(3)],
    [counted(3), counted(1)],
  ])
})

test('a dry run is refused where the operation is refused, and hides what another account has', async () => {
  const { client, user, token } = objects
  const stranger = adminOf(await on.make.account())
  const asked = [
    () => archiveApplication.dryRun(on.management, stranger, client),
    () => archiveApplications.dryRun(on.management, stranger, { clientIds: [client.clientId] }),
    () => revokeOneToken.dryRun(on.management, stranger, { clientId: client.clientId, jti: token.jti }),
    () => revokeAllOfUser.dryRun(on.management, stranger, { userId: user.id }),
  ]
  for (const ask of asked) await expect(ask()).rejects.toMatchObject({ code: 'not_found' })
  const operations = Object.fromEntries(await destructiveOperations())
  const conflicts: Record<string, object> = {
    deleteAccount: { accountId: objects.account },
    deleteApi: { identifier: objects.api.identifier },
    deleteApplication: { clientId: client.clientId },
    deleteUser: { userId: user.id },
  }
  for (const [name, input] of Object.entries(conflicts)) {
    const refused = (operations[name]!.dryRun as Run)(on.management, operator, input as never)
    await expect(refused, name).rejects.toMatchObject({ code: 'conflict' })
  }
  await expect(setInstanceApi.dryRun(on.management, stranger, {})).rejects.toMatchObject({ code: 'forbidden' })
})

test('the dry run about the instance lists no callers of clients that are archived, or that APIs introspect with', async () => {
  const { old, api } = objects
  const { id } = await on.knex('clients').where({ client_id: api.clientId }).first('id')
  await recordCallers(on.knex, [callerOf(old.key, 0, '192.0.2.8'), callerOf(id, 0, '192.0.2.9')])
  const result = await setInstanceApi.dryRun(on.management, operator, {})
  expect(addressesOf(result)).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3'])
})

interface Plan {
  readonly 'Relation Name'?: string
  readonly 'Actual Loops': number
  readonly Plans?: readonly Plan[]
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]

test('a dry run about an object of another account counts nothing, so that its time tells nothing', async () => {
  const stranger = adminOf(await on.make.account())
  const tables = async (
    principal: Principal,
    ask: (management: Management, principal: Principal) => Promise<unknown>,
  ) => {
    const trx = await on.knex.transaction()
    const run: { sql: string; bindings: readonly unknown[] }[] = []
    trx.on('query', (one) => run.push(one))
    await ask({ ...on.management, knex: trx }, principal).catch(() => undefined)
    const found: Plan[] = []
    for (const { sql, bindings } of [...run]) {
      const { response } = await trx.client.query(await trx.client.acquireConnection(), {
        sql: `EXPLAIN (ANALYZE, FORMAT JSON) ${sql.replaceAll('\\?', '?')}`,
        bindings,
      })
      found.push(...nodesOf(response.rows[0]['QUERY PLAN'][0].Plan))
    }
    await trx.rollback()
    const read = found.filter((node) => node['Actual Loops'] > 0).map((node) => node['Relation Name'] ?? '')
    return new Set(read.map((name) => name.replace(/(access_tokens)_.*/, '$1')))
  }
  const { client, user } = objects
  for (const ask of [
    (management: Management, principal: Principal) => archiveApplication.dryRun(management, principal, client),
    (management: Management, principal: Principal) =>
      revokeAllOfUser.dryRun(management, principal, { userId: user.id }),
  ]) {
    expect(await tables(adminOf(objects.account), ask)).toContain('access_tokens')
    expect([...(await tables(stranger, ask))].filter((name) => /token|caller/.test(name))).toEqual([])
  }
})

test('the callers of a user are read for the pages that show them only', async () => {
  const { user } = objects
  const read = (more: object) => readUser(on.management, operator, { userId: user.id, ...more })
  expect((await read({ withCallers: true })).affected).toMatchObject({ callers: [{ ip: '192.0.2.3' }] })
  expect(await read({})).not.toHaveProperty('affected')
})

test('a dry run lists at most 50 callers, and says that there are more', async () => {
  const client = await on.make.register({})
  const uses = Array.from({ length: 51 }, (_, n) => callerOf(client.key, 0, `198.51.100.${n}`))
  await recordCallers(on.knex, uses)
  const result = await archiveApplication.dryRun(on.management, operator, client)
  expect([result.callers.length, result.hasMoreCallers]).toEqual([50, true])
})
