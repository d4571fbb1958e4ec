import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { keywright, runCli } from '../support/cli-in-process.ts'
import type { Environment } from '../support/environment.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

let created: TestDatabase
let database: Database
let env: Environment
let cli: ReturnType<typeof keywright>

beforeAll(async () => {
  created = await createTestDatabase()
  database = openDatabase(created.url)
  env = { DATABASE_URL: created.url, ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  cli = keywright(env)
})

afterAll(async () => {
  await database?.close()
  await created?.drop()
})

const actionsOn = (id: string): Promise<string[]> =>
  database.knex('audit_log').where({ target_id: id, actor_type: 'cli' }).orderBy('at').orderBy('id').pluck('action')

test('account update and account api change an account', async () => {
  const { account_id: id } = await cli('account create --name ACME')
  const quota = { quota_per_hour: null, quota_per_day: null, quota_mode: 'enforce' }
  const secrets = { leaked_credentials: 'revoke', max_secret_lifetime: null, second_factor_required: 'nobody' }
  const external = { external_id: null, metadata: {} }
  const initial = { allowed_networks: 'off', ...external, ...quota, ...secrets, status: 'active', api: 'on' }
  const account = { account_id: id, name: 'New name', ...initial }
  expect(await cli(`account update ${id} --name`, 'New name')).toEqual(account)
  expect(await cli(`account api ${id} off`)).toEqual({ ...account, api: 'off' })
  const [listed] = (await cli('account list')).accounts
  expect(listed).toMatchObject({ ...account, api: 'off' })
  expect(await cli(`account api ${id} on`)).toEqual(account)
  expect((await runCli(['account', 'api', id, 'maybe'], env)).code).toBe(2)
  const actions = ['account.created', 'account.updated', 'account.api_disabled', 'account.api_enabled']
  expect(await actionsOn(id)).toEqual(actions)
})

test('user update, role and reset-password change a user', async () => {
  const { account_id: account } = await cli('account create --name ACME')
  const made = await cli(`user create --account ${account} --email ann@example.com --role member`)
  const { password, ...ann } = made
  const named = { ...ann, name: 'Ann Archer', email: 'anna@example.com' }
  expect(await cli('user update ann@example.com --email anna@example.com --name', 'Ann Archer')).toEqual(named)
  expect(await cli(`user role ${ann.user_id} admin`)).toEqual({ ...named, role: 'admin' })
  const reset = await cli('user reset-password anna@example.com')
  expect(reset).toEqual({ ...named, role: 'admin', password: expect.any(String) })
  expect(reset.password).not.toBe(password)
  expect((await runCli(['user', 'role', ann.user_id, 'operator'], env)).code).toBe(2)
  const actions = ['user.created', 'user.updated', 'user.role_changed', 'user.password_reset']
  expect(await actionsOn(ann.user_id)).toEqual(actions)
})

test('api update changes the given settings and creates keys for another algorithm', async () => {
  const first = await cli('api create --identifier https://a.example.com --default --scopes', 'read write')
  await cli('api create --identifier https://b.example.com --scopes read')
  const options =
    '--token-ttl 600 --policy single --alg EdDSA --token-type JWT --default --claims plan=account.plan --scopes'
  const changed = await cli(`api update https://b.example.com ${options}`, 'read list')
  const expected = {
    scopes: 'read list',
    token_ttl: 600,
    policy: 'single',
    alg: 'EdDSA',
    token_type: 'JWT',
    networks_claim: 'off',
    dpop: 'optional',
    claims: 'plan=account.plan',
    key_pairs: 'one',
    max_secret_lifetime: null,
    default: true,
  }
  expect(changed).toEqual({ identifier: 'https://b.example.com', ...expected })
  const { apis } = await cli('api list')
  expect(apis).toMatchObject([{ identifier: first.identifier, default: false }, expected])
  const nothing = await runCli(['api', 'update', 'https://b.example.com', '--json'], env)
  expect([nothing.code, nothing.stdout]).toEqual([2, ''])
  expect(await actionsOn('https://b.example.com')).toEqual(['api.created', 'api.updated'])
})

test('client create registers an application of an account or of the instance, and --access-type excludes grant types', async () => {
  const own = await cli('client create --instance --grants client_credentials --access-type client --name', 'Our job')
  expect(own).toMatchObject({ account_id: null, access_type: 'client', client_secret: expect.any(String) })
  const wrong = await runCli(['client', 'update', own.client_id, '--access-type', 'user'], env)
  expect(wrong.code).toBe(2)
  expect(wrong.stderr).toContain('cannot use client_credentials')
  expect(await cli(`client update ${own.client_id} --access-type both`)).toMatchObject({ access_type: 'both' })
  const command = ['client', 'create', '--grants', 'client_credentials', '--name', 'x']
  for (const owner of [[], ['--instance', '--account', 'x']]) {
    expect((await runCli([...command, ...owner], env)).code).toBe(2)
  }
})

test('signing-key rotate is recorded in the activity log', async () => {
  await cli('signing-key rotate')
  const [entry] = await database.knex('audit_log').where({ action: 'signing_key.rotated' })
  expect(entry).toMatchObject({ actor_type: 'cli', target_type: 'signing_key' })
})
