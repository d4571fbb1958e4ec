/** Applications that authenticate in TLS: registered, shown and given new certificates in the console, the API and the command line. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../support/cli-in-process.ts'
import { asNginx, createAuthority, createCertificate, type TestCertificate } from '../../support/client-certificates.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import type { Browser } from '../../support/scriptless-browser.ts'
import { createTestUser } from '../../support/test-users.ts'
import { enter, wordsOf } from './console-visits.ts'
import { sendForm } from './filled-forms.ts'

const HEADER = 'x-ssl-client-cert'

let server: Keywright
let admin: Browser
let authority: TestCertificate
let own: TestCertificate

beforeAll(async () => {
  authority = createAuthority()
  own = createCertificate({ subject: '/O=Example/CN=night job' })
  const env = {
    CLIENT_CERTIFICATE_HEADER: HEADER,
    CLIENT_CERTIFICATE_PROXIES: '127.0.0.1,::1',
    CLIENT_CERTIFICATE_AUTHORITIES: authority.cert,
  }
  server = await startKeywright({ env })
  admin = await enter(server, await createTestUser(server.knex, await server.make.account(), 'admin'))
})
afterAll(() => server.stop())

const add = async (name: string, values: Record<string, string>) =>
  await sendForm(admin, await admin.visit('/applications/new?type=service'), /\/applications\/new$/, {
    name,
    ...values,
  })

const clientIdOf = async (name: string): Promise<string> =>
  (await server.knex('clients').where({ name }).first('client_id')).client_id

const tokenStatus = async (clientId: string, by: TestCertificate): Promise<number> =>
  (
    await server.token(
      { grant_type: 'client_credentials', client_id: clientId },
      { headers: { [HEADER]: asNginx(by) } },
    )
  ).status

const SELF_SIGNED = 'self_signed_tls_client_auth'

describe('an application with a registered certificate', () => {
  it('gets a token from the form on, and its page shows the certificate with its end, and no secret', async () => {
    await add('Night job', { authMethod: SELF_SIGNED, certificates: own.cert })
    const clientId = await clientIdOf('Night job')
    expect(await tokenStatus(clientId, own)).toBe(200)
    const page = await admin.visit(`/applications/${clientId}`)
    const words = wordsOf(page)
    for (const text of [
      'Registered certificate',
      'Certificate',
      'CN=night job,O=Example',
      'then it stops working',
      'Replace certificate',
    ])
      expect(words).toContain(text)
    expect(words).not.toMatch(/client secret|public key/i)
    expect(words).not.toContain('CLIENT_SECRET')
  })

  it('has an error at the field for what is no certificate, and registers nothing', async () => {
    for (const [name, certificates, error] of [
      ['None', '', 'needs a certificate'],
      ['Malformed', 'x', 'has no certificate'],
      ['Private', own.key, 'private key'],
      ['Expired', createCertificate({ days: 0 }).cert, 'has expired'],
    ] as const) {
      const page = await add(name, { authMethod: SELF_SIGNED, certificates })
      expect([name, page.status]).toEqual([name, 400])
      expect(page.text).toMatch(new RegExp(`id="field-certificates-error"[^>]*>[^<]*${error}`, 'i'))
      expect(await server.knex('clients').where({ name })).toEqual([])
    }
  })

  it('gets a new one, which ends the earlier one at once or later', async () => {
    await add('Replaced', { authMethod: SELF_SIGNED, certificates: own.cert })
    const clientId = await clientIdOf('Replaced')
    const replace = async ({ cert }: TestCertificate, when: string) =>
      await sendForm(admin, await admin.visit(`/applications/${clientId}/key`), /\/key$/, { certificates: cert, when })
    const [second, third] = [createCertificate(), createCertificate()]
    expect(wordsOf(await replace(second, '3600'))).toContain('Certificate replaced.')
    expect([await tokenStatus(clientId, own), await tokenStatus(clientId, second)]).toEqual([200, 200])
    const all = await admin.visit(`/applications/${clientId}/secrets`)
    const [, retire] = /href="([^"]*\/retire)"/.exec(all.text)!
    for (const page of [all, await admin.visit(retire!), await admin.visit(`${retire}-unused`)]) {
      expect(wordsOf(page)).toMatch(/certificate/i)
      expect(wordsOf(page)).not.toMatch(/client secret|public key|rotate secret/i)
    }
    await replace(third, '0')
    expect([await tokenStatus(clientId, second), await tokenStatus(clientId, third)]).toEqual([401, 200])
  })
})

describe('an application with a certificate of an authority', () => {
  it('is registered with a name, which is changed like a secret', async () => {
    const [first, second] = ['a.example.com', 'b.example.com'].map((name) =>
      createCertificate({ issuer: authority, extensions: [`subjectAltName=DNS:${name}`] }),
    )
    const named = (value: string) => ({ certificateNameField: 'tlsClientAuthSanDns', certificateName: value })
    await add('By authority', { authMethod: 'tls_client_auth', ...named('a.example.com') })
    const clientId = await clientIdOf('By authority')
    expect([await tokenStatus(clientId, first!), await tokenStatus(clientId, second!)]).toEqual([200, 401])
    expect(wordsOf(await admin.visit(`/applications/${clientId}`))).toContain('a.example.com')
    const form = await admin.visit(`/applications/${clientId}/key`)
    const wrong = await sendForm(admin, form, /\/key$/, { ...named('a b'), when: '0' })
    expect(wrong.text).toMatch(/id="field-certificateName-error"[^>]*>[^<]*must be a DNS name/i)
    await sendForm(admin, form, /\/key$/, { ...named('b.example.com'), when: '0' })
    expect([await tokenStatus(clientId, first!), await tokenStatus(clientId, second!)]).toEqual([401, 200])
  })
})

it('the command line registers both kinds, and prints what was registered', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'keywright-certificates-')), 'client.crt')
  writeFileSync(file, own.cert)
  const create = async (...options: string[]) => {
    const account = ['--account', server.firstStart.accountId, '--name', 'By command', '--type', 'service']
    const { stdout } = await runCli(['client', 'create', ...account, ...options, '--json'], server.env)
    return JSON.parse(stdout)
  }
  const byFile = await create('--auth-method', SELF_SIGNED, '--certificates', file)
  expect(byFile.secrets).toMatchObject([{ kind: 'certificate', certificate_subject: 'CN=night job,O=Example' }])
  expect(byFile.client_secret).toBeUndefined()
  expect(await tokenStatus(byFile.client_id, own)).toBe(200)
  const byName = await create(
    '--auth-method',
    'tls_client_auth',
    '--tls-client-auth-subject-dn',
    'CN=night job,O=Example',
  )
  expect(byName.secrets).toMatchObject([{ kind: 'certificate', certificate_subject: 'CN=night job,O=Example' }])
  const issued = createCertificate({ issuer: authority, subject: '/O=Example/CN=night job' })
  expect(await tokenStatus(byName.client_id, issued)).toBe(200)
})
