import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keywright, runCli } from '../support/cli-in-process.ts'
import type { Environment } from '../support/environment.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let env: Environment
let cli: ReturnType<typeof keywright>

beforeAll(async () => {
  database = await createTestDatabase()
  env = { DATABASE_URL: database.url, ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  cli = keywright(env)
  await cli('bootstrap')
})

afterAll(() => database.drop())

const URL = 'https://example.com/hook'
const SECRET = /^whsec_[A-Za-z0-9+/]{43}=$/

test('webhook commands create, show, change, test, resend and delete a webhook', async () => {
  const made = await cli(`webhook create --name SIEM --url ${URL}`)
  expect(made).toMatchObject({
    account_id: null,
    name: 'SIEM',
    url: URL,
    events: 'all',
    status: 'enabled',
    secret: expect.stringMatching(SECRET),
  })
  const id = made.webhook_id
  expect((await cli('webhook list')).webhooks).toMatchObject([{ webhook_id: id }])
  expect(await cli(`webhook update ${id} --events`, 'client.archived api.created')).toMatchObject({
    events: 'client.archived api.created',
  })
  expect(await cli(`webhook show ${id}`)).not.toHaveProperty('secret')
  const { secret, previous_secret_expires_at } = await cli(`webhook rotate-secret ${id} --overlap 60`)
  expect([secret, previous_secret_expires_at]).toEqual([expect.stringMatching(SECRET), expect.any(String)])
  expect(secret).not.toBe(made.secret)
  const { delivery_id } = await cli(`webhook test ${id}`)
  expect((await cli(`webhook deliveries ${id}`)).deliveries).toMatchObject([
    { delivery_id, event: 'webhook.test', state: 'pending' },
  ])
  expect(await cli(`webhook delivery ${id} ${delivery_id}`)).toMatchObject({
    attempt_log: [],
    message: expect.stringContaining(id),
  })
  expect(await cli(`webhook resend ${id} ${delivery_id}`)).toMatchObject({ state: 'pending' })
  expect(await cli(`webhook disable ${id}`)).toMatchObject({ status: 'disabled', disabled_reason: 'by_user' })
  expect(await cli(`webhook enable ${id}`)).toMatchObject({ status: 'enabled', disabled_reason: null })
  expect(await cli(`webhook delete ${id}`)).toEqual({ webhook_id: id, status: 'deleted' })
  expect(await cli('webhook list')).toEqual({ webhooks: [] })
})

test('webhook commands name what is wrong with their arguments', async () => {
  const refused = async (...args: string[]) => {
    const { code, stderr } = await runCli(['webhook', ...args], env)
    return [code, stderr]
  }
  expect(await refused('create', '--name', 'Bad', '--url', 'http://example.com')).toEqual([
    2,
    expect.stringContaining('https://'),
  ])
  expect(await refused('create', '--name', 'Bad', '--url', URL, '--events', 'no.event')).toEqual([
    2,
    expect.stringContaining('no.event'),
  ])
  expect(await refused('show', 'nothing')).toEqual([1, expect.stringContaining('there is no webhook')])
  expect(await refused('update', 'nothing')).toEqual([2, expect.stringContaining('at least one setting')])
})
