import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { SmtpConfig } from '../../src/config/mail-config.ts'
import { languageOf } from '../../src/languages/languages.ts'
import { translateTo } from '../../src/languages/translator.ts'
import type { MailTransport, OutgoingMessage } from '../../src/mail/mail-transport.ts'
import { createSmtpTransport } from '../../src/mail/smtp-transport.ts'
import { createCertificates } from '../support/certificates.ts'
import {
  decodedHeader,
  rejection,
  type SmtpServerOptions,
  startScriptedServer,
  startSmtpServer,
} from '../support/smtp-servers.ts'

let directory: string
let tls: { ca: string; cert: string; key: string }

const open: { stop?(): Promise<unknown>; close?(): void }[] = []

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'keywright-smtp-'))
  const files = createCertificates(directory, 'own')
  tls = {
    ca: readFileSync(files.ca, 'utf8'),
    cert: readFileSync(files.cert, 'utf8'),
    key: readFileSync(files.key, 'utf8'),
  }
})
afterAll(() => rmSync(directory, { recursive: true }))
afterEach(async () => {
  // A server waits for its connections: first those who opened them.
  for (const one of open.splice(0).reverse()) {
    one.close?.()
    await one.stop?.()
  }
})

const MESSAGE: OutgoingMessage = {
  id: '019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90',
  date: new Date('2026-11-29T12:00:00Z'),
  from: { name: 'Acme Login', address: 'auth@example.com' },
  to: 'ada@example.com',
  language: 'en',
  subject: 'Choose your password',
  text: 'Open https://auth.example.com/password/new?token=kwl_0\n',
  html: '<p>Open it</p>',
}

async function transportTo(port: number, config: Partial<SmtpConfig> = {}): Promise<MailTransport> {
  const transport = await createSmtpTransport({ host: 'localhost', port, secure: false, requireTls: true, ...config })
  open.push(transport)
  return transport
}

async function serverWith(options: SmtpServerOptions = {}) {
  const server = await startSmtpServer(options)
  open.push(server)
  return server
}

const withTls = (): SmtpServerOptions => ({ key: tls.key, cert: tls.cert })

const send = (
  transport: MailTransport,
  message: Partial<OutgoingMessage> = {},
  signal = new AbortController().signal,
) => transport.send({ ...MESSAGE, ...message }, signal)

const PLAIN = { requireTls: false }

test('a message has a stable Message-ID and date, and tells programs not to answer', async () => {
  const server = await serverWith()
  const transport = await transportTo(server.port, PLAIN)
  await send(transport)
  await send(transport)
  const [first, second] = server.accepted
  expect(first).toMatchObject({ from: 'auth@example.com', to: ['ada@example.com'] })
  for (const { headers } of [first!, second!]) {
    expect(headers.get('message-id')).toBe('<019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90@example.com>')
    expect(headers.get('date')).toMatch(/^Sun, 29 Nov 2026 12:00:00/)
    expect(headers.get('auto-submitted')).toBe('auto-generated')
    expect(headers.get('from')).toBe('Acme Login <auth@example.com>')
  }
})

test('STARTTLS encrypts before anything is sent, and SMTP_CA names who may have signed the certificate', async () => {
  const server = await serverWith({
    ...withTls(),
    authOptional: false,
    onAuth: (_, __, done) => done(null, { user: 1 }),
  })
  await send(await transportTo(server.port, { ca: tls.ca, user: 'mailer', password: 'secret' }))
  expect(server.accepted).toMatchObject([{ isEncrypted: true }])
})

test('a server without STARTTLS, or whose certificate nobody known signed, receives nothing', async () => {
  const seen: string[] = []
  const record = (line: string) => {
    seen.push(line.split(' ')[0]!)
    return line.startsWith('EHLO') ? '250 localhost' : '502 not implemented'
  }
  const without = await startScriptedServer('220 localhost', record)
  open.push(without)
  const credentials = { user: 'mailer', password: 'secret' }
  await expect(send(await transportTo(without.port, credentials))).rejects.toMatchObject({ isFinal: false })
  expect(seen.filter((command) => !['EHLO', 'STARTTLS', 'QUIT'].includes(command))).toEqual([])
  const untrusted = await serverWith(withTls())
  await expect(send(await transportTo(untrusted.port))).rejects.toMatchObject({ isFinal: false })
  expect(untrusted.seen).toEqual([])
})

test('a server that offers STARTTLS and then fails to encrypt receives nothing', async () => {
  const seen: string[] = []
  const server = await startScriptedServer('220 localhost', (line) => {
    seen.push(line)
    if (line.startsWith('EHLO')) return '250-localhost\r\n250 STARTTLS'
    return line === 'STARTTLS' ? '220 go ahead\r\n250 this is no TLS' : '250 ok'
  })
  open.push(server)
  await expect(send(await transportTo(server.port))).rejects.toMatchObject({ isFinal: false })
  expect(seen.filter((line) => /MAIL FROM|RCPT TO|AUTH/.test(line))).toEqual([])
})

test('a rejected recipient or message is final; a rejected sign-in or sender, and a temporary rejection, are not', async () => {
  const outcome = async (options: SmtpServerOptions, config: Partial<SmtpConfig> = {}) => {
    const server = await serverWith(options)
    const error = await send(await transportTo(server.port, { ...PLAIN, ...config })).catch((reason) => reason)
    return [error.isFinal, /\b[45]\d\d\b/.exec(error.message)?.[0]]
  }
  const refuse = (code: number) => (_: unknown, __: unknown, done: (error: Error) => void) =>
    done(rejection(code, 'no such mailbox'))
  expect(await outcome({ onRcptTo: refuse(550) })).toEqual([true, '550'])
  expect(await outcome({ onRcptTo: refuse(451) })).toEqual([false, '451'])
  expect(await outcome({ onMailFrom: refuse(550) })).toEqual([false, '550'])
  const accept = () => {
    throw rejection(554, 'spam')
  }
  expect(await outcome({ accept })).toEqual([true, '554'])
  const onAuth: SmtpServerOptions['onAuth'] = (_, __, done) => done(rejection(535, 'wrong password'))
  const auth = { onAuth, authOptional: false, allowInsecureAuth: true }
  expect(await outcome(auth, { user: 'mailer', password: 'x' })).toEqual([false, '535'])
})

test('a server that refuses the connection is a failure that passes', async () => {
  const server = await startSmtpServer()
  await server.stop()
  await expect(send(await transportTo(server.port, PLAIN))).rejects.toMatchObject({ isFinal: false })
})

test('an attempt at a server that hangs ends when its time is over', async () => {
  const silent = await startScriptedServer(undefined, () => undefined)
  const inData = await startScriptedServer('220 localhost', (line) => {
    if (line === 'DATA') return '354 go on'
    return /^(EHLO|MAIL|RCPT)/.test(line) ? '250 ok' : undefined
  })
  open.push(silent, inData)
  for (const { port } of [silent, inData]) {
    const transport = await transportTo(port, PLAIN)
    const attempt = send(transport, {}, AbortSignal.timeout(200))
    await expect(attempt).rejects.toMatchObject({ isFinal: false, message: expect.stringContaining('in time') })
  }
})

test('line breaks in names and subjects add no header field and no recipient', async () => {
  const server = await serverWith()
  const evil = 'x\r\nBcc: eve@example.com\r\n\r\nbody'
  const transport = await transportTo(server.port, PLAIN)
  await send(transport, { subject: evil, from: { name: evil, address: 'auth@example.com' } })
  const [mail] = server.accepted
  expect(mail!.to).toEqual(['ada@example.com'])
  expect(mail!.headers.has('bcc')).toBe(false)
  expect(mail!.body).not.toMatch(/^body/)
})

test.each(['ja', 'ar'] as const)(
  'a long subject and a long name in %s keep to the limits of header fields',
  async (code) => {
    const server = await serverWith()
    const name = translateTo(languageOf(code)!)('mail.emailUsed.text', {
      email: 'ada@example.com',
      instance: 'Keywright',
    })
    const subject = `${name} ${name}`
    const from = { name, address: 'auth@example.com' }
    await send(await transportTo(server.port, PLAIN), {
      language: code,
      subject,
      from,
      text: subject,
      html: `<p>${subject}</p>`,
    })
    const [mail] = server.accepted
    const head = mail!.raw.slice(0, mail!.raw.indexOf('\r\n\r\n'))
    expect(head).toMatch(/^[\r\n\t\x20-\x7e]*$/)
    // RFC 2047, section 2.
    for (const [word] of head.matchAll(/=\?[^?]+\?[BQ]\?[^?]*\?=/g)) expect(word.length).toBeLessThanOrEqual(75)
    // RFC 5322, section 2.1.1.
    expect(Math.max(...mail!.raw.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998)
    expect(Math.max(...head.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(78)
    expect(decodedHeader(mail!, 'subject')).toBe(subject)
    expect(decodedHeader(mail!, 'from')).toContain(name)
    expect(mail!.headers.get('content-language')).toBe(code)
    expect(mail!.body).toContain(subject)
  },
)

test('an address with a comma or quotes is one recipient, and never another address', async () => {
  const server = await serverWith()
  const transport = await transportTo(server.port, PLAIN)
  const addresses = ['ada,eve@example.com', 'eve@example.org,ada@example.com', 'a"b@example.com', 'ada;eve@example.com']
  for (const to of addresses) await send(transport, { to }).catch(() => {})
  for (const { to } of server.accepted) {
    expect(to).toHaveLength(1)
    expect(to[0]!.endsWith('@example.com')).toBe(true)
    expect(to[0]!.replace(/^"|"(?=@)|\\/g, '')).toBeOneOf(addresses)
  }
  expect(server.accepted.length).toBeGreaterThanOrEqual(2)
})

test('a message is signed with DKIM for the domain of the sender', async () => {
  const server = await serverWith()
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const dkim = { domain: 'example.com', selector: 'kw1', privateKey: pem }
  await send(await transportTo(server.port, { ...PLAIN, dkim }))
  const signature = server.accepted[0]!.headers.get('dkim-signature')
  expect(signature).toMatch(/ d=example\.com; .*s=kw1;/)
  expect(signature).toMatch(/h=[^;]*from[^;]*subject/)
})
