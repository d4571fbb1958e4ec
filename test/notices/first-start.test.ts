import { expect, test } from 'vitest'
import { startKeywright } from '../support/keywright.ts'
import { startSmtpServer } from '../support/smtp-servers.ts'

test('a server that sends e-mail for the first time notices what happens from its first request on', async () => {
  const smtp = await startSmtpServer()
  const env = { SMTP_URL: smtp.url, SMTP_TLS: 'off', MAIL_FROM: 'auth@example.com' }
  const server = await startKeywright({ env })
  // Without waiting for a job, which begins within seconds.
  expect(await server.knex('mail_notice_cursor')).toHaveLength(1)
  await server.stop()
  await smtp.stop()
})
