import { afterAll, beforeAll, expect, test } from 'vitest'
import { changeAccountValues } from '../../src/management/account-changes.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { ACTOR } from '../support/factory.ts'
import { createTestUser } from '../support/test-users.ts'
import { openAdmin } from '../web/console/admin-session.ts'
import { createOperator, enter, wordsOf } from '../web/console/console-visits.ts'
import { bodyOf, PLACE, startLeakEnvironment } from './leak-environment.ts'

let env: Awaited<ReturnType<typeof startLeakEnvironment>>

beforeAll(async () => {
  env = await startLeakEnvironment()
})

afterAll(() => env?.stop())

const BANNER = 'of your account was reported as leaked'

/** An admin of a new account with a client. */
async function setUp() {
  const account = await env.on.make.account()
  const client = await env.on.make.register({ account, settings: { name: 'Nightly import' } })
  return { account, client, admin: await openAdmin(env.on, account) }
}

test('admins of the account see a banner on each page until one of them dismisses it, and others never', async () => {
  const { account, client, admin } = await setUp()
  const stranger = await openAdmin(env.on, await env.on.make.account())
  const member = await enter(env.on, await createTestUser(env.on.knex, account))
  expect(wordsOf(await admin.visit('/'))).not.toContain(BANNER)
  await env.fromGithub(bodyOf(client.clientSecret))
  for (const path of ['/', '/applications', `/applications/${client.clientId}`, '/users']) {
    expect([path, wordsOf(await admin.visit(path))]).toEqual([path, expect.stringContaining(BANNER)])
  }
  expect(wordsOf(await member.visit('/'))).not.toContain('reported as leaked')
  expect(wordsOf(await stranger.visit('/'))).not.toContain(BANNER)
  expect(wordsOf(await stranger.visit('/leaks'))).not.toContain('Nightly import')
  const list = wordsOf(await admin.visit('/leaks'))
  expect(list).not.toContain('Search')
  for (const part of ['Nightly import', PLACE, 'Revoked', 'by GitHub secret scanning', client.clientSecret.slice(-4)])
    expect(list).toContain(part)
  expect(wordsOf(await admin.visit('/activity'))).toContain(
    'GitHub secret scanning reported a leaked client secret of Nightly import',
  )
  const { id } = await env.on.knex('leaks').where({ client_id: client.key }).first('id')
  expect((await stranger.visit(`/leaks/${id}/dismiss`)).status).toBe(404)
  const ask = await admin.visit(`/leaks/${id}/dismiss`)
  expect(wordsOf(await admin.submit(ask, /dismiss$/))).toContain('Report dismissed.')
  expect(wordsOf(await admin.visit('/'))).not.toContain(BANNER)
  expect(await env.eventsOf(client.clientId, 'leak.dismissed')).toHaveLength(1)
})

test('the banner disappears when the secret is replaced; of a secret that still works, when it is retired', async () => {
  const { account, client, admin } = await setUp()
  const showsBanner = async () => wordsOf(await admin.visit('/')).includes(BANNER)
  await env.fromGithub(bodyOf(client.clientSecret))
  expect(await showsBanner()).toBe(true)
  const { clientSecret } = await rotateSecret(env.on.knex, client.clientId, 0, ACTOR)
  expect(await showsBanner()).toBe(false)
  await changeAccountValues(env.on.knex, account, { leakedCredentials: 'report' }, ACTOR)
  await env.fromGithub(bodyOf(clientSecret!))
  await rotateSecret(env.on.knex, client.clientId, 3600, ACTOR)
  expect(await showsBanner()).toBe(true)
  expect(wordsOf(await admin.visit('/leaks'))).toContain('May still work')
  await rotateSecret(env.on.knex, client.clientId, 0, ACTOR)
  expect(await showsBanner()).toBe(false)
})

test('operators see the reports of all accounts, and a banner for credentials of the instance only', async () => {
  const { client } = await setUp()
  const operator = await enter(env.on, await createOperator(env.on.knex))
  await env.fromGithub(bodyOf(client.clientSecret))
  expect(wordsOf(await operator.visit('/'))).not.toContain('reported as leaked')
  expect(wordsOf(await operator.visit('/leaks'))).toContain('Nightly import')
  const api = await env.on.make.api()
  await env.fromGithub(bodyOf(api.clientSecret))
  expect(wordsOf(await operator.visit('/'))).toContain('of this instance was reported as leaked')
})
