import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import { mailSummary } from '../../src/mail/mail-summary.ts'

const SMTP = { SMTP_URL: 'smtp://mailer:p%40ss@smtp.example.com', MAIL_FROM: 'auth@example.com' }

const mailOf = (env: Record<string, string>) => loadConfig(env).mail

function errorOf(env: Record<string, string>): string {
  try {
    loadConfig(env)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

test('no e-mail is sent without SMTP_URL, also when MAIL_FROM is set', () => {
  expect(mailOf({})).toBeUndefined()
  expect(mailOf({ MAIL_FROM: 'auth@example.com' })).toBeUndefined()
  expect(mailSummary(undefined)).toBeUndefined()
})

test('smtp:// requires STARTTLS on port 587, and smtps:// is TLS on port 465', () => {
  expect(mailOf(SMTP)).toEqual({
    from: { address: 'auth@example.com' },
    smtp: { host: 'smtp.example.com', port: 587, secure: false, user: 'mailer', password: 'p@ss', requireTls: true },
  })
  const tls = mailOf({ ...SMTP, SMTP_URL: 'smtps://[2001:db8::1]' })
  expect(tls?.smtp).toMatchObject({ host: '2001:db8::1', port: 465, secure: true })
  expect(mailOf({ ...SMTP, SMTP_TLS: 'off' })?.smtp).toMatchObject({ requireTls: false })
})

test('MAIL_FROM may have a name', () => {
  const sender = (text: string) => mailOf({ ...SMTP, MAIL_FROM: text })?.from
  expect(sender('Example Login <auth@example.com>')).toEqual({ name: 'Example Login', address: 'auth@example.com' })
  expect(sender('"Login, Example" <auth@example.com>')).toEqual({ name: 'Login, Example', address: 'auth@example.com' })
  expect(sender('<auth@example.com>')).toEqual({ address: 'auth@example.com' })
})

test('DKIM signs for the domain of the sender', () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const env = { ...SMTP, DKIM_SELECTOR: 'kw1', DKIM_PRIVATE_KEY: pem.replaceAll('\n', '\\n') }
  expect(mailOf(env)?.smtp?.dkim).toEqual({ domain: 'example.com', selector: 'kw1', privateKey: pem })
})

test('MAIL=console needs no other setting', () => {
  expect(mailOf({ MAIL: 'console' })).toEqual({ from: { address: 'keywright@localhost' } })
  expect(mailSummary(mailOf({ MAIL: 'console' }))).toMatchObject({ server: null })
})

test.each([
  [{ ...SMTP, SMTP_URL: 'https://smtp.example.com' }, 'SMTP_URL'],
  [{ ...SMTP, SMTP_URL: 'smtp://user@smtp.example.com' }, 'SMTP_URL'],
  [{ ...SMTP, SMTP_URL: 'smtp://%zz:x@smtp.example.com' }, 'SMTP_URL'],
  [{ ...SMTP, SMTP_URL: 'smtp://smtp.example.com/path' }, 'SMTP_URL'],
  [{ ...SMTP, SMTP_URL: 'smtp://smtp.example.com?tls=off' }, 'SMTP_URL'],
  [{ ...SMTP, MAIL_FROM: '' }, 'MAIL_FROM: required'],
  [{ ...SMTP, MAIL_FROM: 'auth' }, 'MAIL_FROM'],
  [{ ...SMTP, MAIL_FROM: 'a@example.com, b@example.com' }, 'MAIL_FROM'],
  [{ ...SMTP, MAIL_FROM: 'x\r\nBcc: e@example.com <auth@example.com>' }, 'MAIL_FROM'],
  [{ ...SMTP, MAIL: 'console' }, 'MAIL: console and SMTP_URL'],
  [{ ...SMTP, DKIM_SELECTOR: 'kw1' }, 'DKIM_SELECTOR and DKIM_PRIVATE_KEY'],
  [{ ...SMTP, DKIM_SELECTOR: 'kw1', DKIM_PRIVATE_KEY: 'hush' }, 'DKIM_PRIVATE_KEY'],
  [{ ...SMTP, SMTP_CA: 'hush' }, 'SMTP_CA'],
  [{ ...SMTP, SMTP_TLS: 'maybe' }, 'SMTP_TLS'],
])('%o is rejected with one error that names the setting', (env, name) => {
  const error = errorOf(env)
  expect(error.split('\n')).toHaveLength(1)
  expect(error).toContain(name)
  expect(error).not.toMatch(/hush|p%40ss/)
})
