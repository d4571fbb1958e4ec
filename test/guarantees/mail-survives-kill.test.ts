import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'
import { openBrowser } from '../support/scriptless-browser.ts'
import { linkIn, startSmtpServer } from '../support/smtp-servers.ts'
import { createTestUser } from '../support/test-users.ts'

let smtp: Awaited<ReturnType<typeof startSmtpServer>>
let cluster: Nodes

/** Resolves when the server may answer. */
let mayAnswer = Promise.resolve()

beforeAll(async () => {
  smtp = await startSmtpServer({ accept: () => mayAnswer })
  const env = { SMTP_URL: smtp.url, SMTP_TLS: 'off', MAIL_FROM: 'auth@example.com', ISSUER: undefined }
  cluster = await startNodes(2, { env })
})
afterAll(async () => {
  await cluster?.stop()
  await smtp?.stop()
})

async function requestLink(url: string, email: string): Promise<void> {
  const browser = openBrowser(url)
  const page = await browser.submit(await browser.visit('/password/forgot'), /\/password\/forgot$/, { email })
  expect(page.text).toContain('Check your email')
}

test('a message arrives though the node that sends it is killed, and its copies are one message for the reader', async () => {
  const user = await createTestUser(cluster.knex, await cluster.make.account())
  let answer = () => {}
  mayAnswer = new Promise((resolve) => {
    answer = resolve
  })
  await requestLink(cluster.nodes[0]!.url, user.email)
  await until(() => smtp.seen.some(({ to }) => to.includes(user.email)))
  // Nobody knows which node sends it: both are killed in the middle of the message.
  await Promise.all(cluster.nodes.map((node) => node.kill()))
  answer()
  const row = () => cluster.knex('mail_messages').where({ user_id: user.id }).first()
  expect(await row()).toMatchObject({ status: 'queued', attempts: 1 })
  // What two minutes would do.
  await cluster.knex('mail_messages').where({ user_id: user.id }).update({ next_attempt_at: cluster.knex.fn.now() })
  await cluster.restart(0)
  await until(async () => (await row()).status === 'sent')
  const copies = smtp.seen.filter(({ to }) => to.includes(user.email))
  expect(copies.length).toBeGreaterThanOrEqual(2)
  expect(new Set(copies.map(({ headers }) => headers.get('message-id'))).size).toBe(1)
  expect(new Set(copies.map((copy) => linkIn(copy).search)).size).toBe(1)
  expect((await row()).parameters).toBeNull()
})
