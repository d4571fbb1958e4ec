import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../../src/shared/ids.ts'
import { disableWebhook } from '../../src/webhooks/webhooks.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import type { Page } from '../support/scriptless-browser.ts'
import { createTestUser } from '../support/test-users.ts'
import { type Admin, copyableOf, openAdmin } from '../web/console/admin-session.ts'
import { createOperator, enter, wordsOf } from '../web/console/console-visits.ts'
import { type Receiver, startReceiver } from './receiver.ts'

let server: Keywright
let receiver: Receiver
let account: string
let admin: Admin

beforeAll(async () => {
  receiver = await startReceiver()
  server = await startKeywright({ env: { OUTGOING_ALLOW: '127.0.0.1' } })
  account = await server.make.account()
  admin = await openAdmin(server, account)
})

afterAll(async () => {
  await server?.stop()
  receiver.stop()
})

const idIn = (page: Page) => /\/webhooks\/([0-9a-f-]{36})/.exec(page.text)![1]!

async function add(fields: Record<string, string> = {}) {
  const form = await admin.visit('/webhooks/new')
  return await admin.submit(form, /new$/, { name: 'Billing', url: receiver.url, events: 'all', ...fields })
}

test('an admin adds a webhook, sends a test, resends it, rotates the secret, disables, enables and deletes it', async () => {
  expect(wordsOf(await admin.visit('/webhooks'))).toContain('No webhooks yet')
  const added = await add()
  const secret = copyableOf(added, 'Signing secret')
  expect(secret).toMatch(/^whsec_/)
  const path = `/webhooks/${idIn(added)}`
  expect((await admin.visit(path)).text).not.toContain(secret)
  const sent = await admin.submit(await admin.visit(`${path}/test`), /test$/)
  expect(wordsOf(sent)).toContain('The message is sent within seconds')
  await until(() => receiver.messages().some(({ type }) => type === 'webhook.test'))
  const { headers, body } = receiver.received.find((one) => one.body.includes('webhook.test'))!
  new Webhook(secret).verify(body, headers as Record<string, string>)
  const delivery = /\/webhooks\/[0-9a-f-]{36}\/deliveries\/[0-9a-f-]{36}/.exec(sent.text)![0]
  await until(async () => wordsOf(await admin.visit(delivery)).includes('Delivered'))
  const count = () => receiver.received.filter((one) => one.headers['webhook-id'] === headers['webhook-id']).length
  await admin.submit(await admin.visit(`${delivery}/resend`), /resend$/)
  await until(() => count() === 2)
  const rotated = await admin.submit(await admin.visit(`${path}/secret`), /secret$/)
  expect(copyableOf(rotated, 'Signing secret')).not.toBe(secret)
  expect(wordsOf(await admin.visit(path))).toContain('signs too until then')
  const disabled = await admin.submit(await admin.visit(`${path}/status`), /status$/)
  expect(wordsOf(disabled)).toContain('Webhook disabled.')
  const enabled = await admin.submit(await admin.visit(`${path}/status`), /status$/)
  expect(wordsOf(enabled)).toContain('Webhook enabled.')
  const changed = await admin.submit(await admin.visit(`${path}/edit`), /edit$/, {
    events: 'some',
    'actions.client.archived': 'on',
  })
  expect(wordsOf(changed)).toContain('client.archived')
  expect(wordsOf(await admin.submit(await admin.visit(`${path}/delete`), /delete$/))).toContain('Webhook deleted.')
  const activity = wordsOf(await admin.visit('/activity'))
  for (const words of [
    'added the webhook',
    'generated a new signing secret for the webhook',
    'disabled the webhook',
    'deleted the webhook “Billing”',
  ])
    expect(activity).toContain(words)
})

test('the page of a delivery whose event was deleted says that nothing was sent', async () => {
  const id = idIn(await add())
  const [delivery, event, queue] = [newId(), newId(), newId()]
  const row = { id: delivery, webhook_id: id, event_id: event, seq: 0, action: 'client.archived', queue }
  await server.knex('webhook_deliveries').insert(row)
  const page = `/webhooks/${id}/deliveries/${delivery}`
  expect(wordsOf(await admin.visit(page))).toContain('No attempts yet')
  await server.knex('webhook_queues').insert({ webhook_id: id, queue, due_at: server.knex.fn.now() })
  await until(async () => wordsOf(await admin.visit(page)).includes('Nothing was sent to the receiver'))
  const words = wordsOf(await admin.visit(page))
  expect(words).toContain('the event was deleted from the activity log')
  expect(words).not.toContain('No attempts yet')
  await admin.submit(await admin.visit(`/webhooks/${id}/delete`), /delete$/)
})

test('a form with errors is shown again with them', async () => {
  const refused = await add({ name: '', url: 'http://example.com', events: 'some' })
  expect(refused.status).toBe(400)
  for (const words of ['This field is required', 'The URL must begin with https://', 'Select at least one event'])
    expect(wordsOf(refused)).toContain(words)
})

test('admins see a banner while a webhook is disabled because its receiver failed, and members and strangers do not', async () => {
  const BANNER = 'was disabled because its receiver failed'
  const id = idIn(await add())
  const member = await enter(server, await createTestUser(server.knex, account))
  const stranger = await openAdmin(server, await server.make.account())
  const operator = await enter(server, await createOperator(server.knex))
  expect(wordsOf(await admin.visit('/'))).not.toContain(BANNER)
  await disableWebhook(server.knex, id, 'failing')
  expect(wordsOf(await admin.visit('/users'))).toContain(`A webhook of your account ${BANNER}`)
  for (const other of [member, stranger, operator]) expect(wordsOf(await other.visit('/'))).not.toContain(BANNER)
  expect(wordsOf(await admin.visit(`/webhooks/${id}`))).toContain('the receiver failed for five days')
  expect(wordsOf(await operator.visit('/webhooks'))).toContain('Billing')
  expect((await stranger.visit(`/webhooks/${id}`)).status).toBe(404)
  // A user who disables it has seen the notice.
  await admin.post(await admin.visit(`/webhooks/${id}`), `/webhooks/${id}/status`, { status: 'disabled' })
  expect(wordsOf(await admin.visit('/'))).not.toContain(BANNER)
})
