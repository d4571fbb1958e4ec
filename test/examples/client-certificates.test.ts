/** The configurations of docs/operating/client-certificates.md: real TLS by nginx, HAProxy and Caddy, and unmodified clients. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { Agent, fetch as fetchWith } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseClientCertificates } from '../../src/clients/client-certificates.ts'
import { createCertificates } from '../support/certificates.ts'
import { asNginx, createAuthority, createCertificate, type TestCertificate } from '../support/client-certificates.ts'
import { codeBlocksOf } from '../support/code-blocks.ts'
import { findProgram } from '../support/debian.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { freePort, openDirectory, type Program, removeDirectory, startProgram } from '../support/program.ts'
import { claimsOf } from '../support/requests.ts'

const PAGE = 'docs/operating/client-certificates.md'

const nginx = await findProgram('/usr/sbin/nginx', 'nginx')
const haproxy = await findProgram('/usr/sbin/haproxy', 'haproxy')
const caddy = await findProgram('/usr/bin/caddy', 'caddy')

let home: string
let server: Keywright
let tls: { ca: string; cert: string; key: string }
let authority: TestCertificate
let own: TestCertificate
let issued: TestCertificate
let clientIds: { selfSigned: string; byAuthority: string }

const blockOf = (language: string): string =>
  codeBlocksOf(PAGE, language)[0]!.replaceAll('127.0.0.1:3000', new URL(server.url).host)

async function fileWith(name: string, text: string): Promise<string> {
  const path = join(home, name)
  await writeFile(path, text)
  return path
}

const STARTS: Record<string, (port: number) => Promise<Program>> = {
  async nginx(port) {
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((use) => `${use}_temp_path ${home}/${use};`)
    const certificate = `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};`
    const config = await fileWith(
      'nginx.conf',
      `${process.getuid?.() === 0 ? 'user www-data;' : ''}
       worker_processes 1; pid ${home}/pid; error_log stderr warn; events {}
       http { access_log off; ${paths.join(' ')}
         server { listen 127.0.0.1:${port} ssl; ${certificate} ${blockOf('nginx')} } }`,
    )
    return await startProgram([nginx!, '-p', home, '-e', 'stderr', '-c', config, '-g', 'daemon off;'], port)
  },
  async HAProxy(port) {
    const site = await fileWith('site.pem', `${await readText(tls.cert)}${await readText(tls.key)}`)
    const clients = await fileWith('clients.pem', authority.cert)
    const lines = blockOf('haproxy')
      .replace(':443', `127.0.0.1:${port}`)
      .replace('/etc/haproxy/site.pem', site)
      .replace('/etc/haproxy/clients.pem', clients)
    const timeouts = 'defaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n'
    const backend = `default_backend keywright\nbackend keywright\n server one ${new URL(server.url).host}\n`
    const config = await fileWith('haproxy.cfg', `${timeouts}frontend site\n${lines}\n${backend}`)
    return await startProgram([haproxy!, '-db', '-f', config], port)
  },
  async Caddy(port) {
    const lines = blockOf('caddyfile').replace('tls {', `tls ${tls.cert} ${tls.key} {`)
    const site = `{\n\tadmin off\n\tauto_https disable_redirects\n}\nhttps://localhost:${port} {\n${lines}\n}\n`
    const config = await fileWith('Caddyfile', site)
    return await startProgram([caddy!, 'run', '--adapter', 'caddyfile', '--config', config], port, { HOME: home })
  },
}

const readText = (path: string): Promise<string> => readFile(path, 'utf8')

const agents: Agent[] = []

/** A fetch with a client certificate, or without one. */
async function fetchBy(certificate?: TestCertificate): Promise<typeof fetch> {
  const connect = { ca: await readText(tls.ca), ...(certificate && { cert: certificate.cert, key: certificate.key }) }
  const dispatcher = new Agent({ connect })
  agents.push(dispatcher)
  return ((url: string, options: object) => fetchWith(url, { ...options, dispatcher })) as never
}

beforeAll(async () => {
  home = await openDirectory()
  tls = createCertificates(home, 'site')
  authority = createAuthority()
  own = createCertificate()
  issued = createCertificate({ issuer: authority, subject: '/O=Example/CN=issued' })
  server = await startKeywright({
    env: {
      CLIENT_CERTIFICATE_HEADER: 'X-SSL-Client-Cert',
      CLIENT_CERTIFICATE_PROXIES: '127.0.0.1,::1',
      CLIENT_CERTIFICATE_AUTHORITIES: authority.cert,
    },
  })
  const register = async (authMethod: 'tls_client_auth' | 'self_signed_tls_client_auth', input: object) =>
    (
      await server.make.register({
        settings: { authMethod },
        apis: [server.firstStart.api.identifier],
        certificates: parseClientCertificates(authMethod, input),
      })
    ).clientId
  clientIds = {
    selfSigned: await register('self_signed_tls_client_auth', { certificates: own.cert }),
    byAuthority: await register('tls_client_auth', { tlsClientAuthSubjectDn: 'CN=issued,O=Example' }),
  }
})
afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.close()))
  await server?.stop()
  if (home) await removeDirectory(home)
})

describe.each([
  ['nginx', nginx],
  ['HAProxy', haproxy],
  ['Caddy', caddy],
])('%s', (name, program) => {
  let proxy: Program
  let url: string

  beforeAll(async () => {
    if (!program) return
    const port = await freePort()
    proxy = await STARTS[name]!(port)
    url = `https://localhost:${port}`
  })
  afterAll(() => proxy?.stop())

  async function tokenBy(clientId: string, certificate?: TestCertificate, headers: Record<string, string> = {}) {
    const request = await fetchBy(certificate)
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId }).toString()
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    const response = await request(`${url}/oauth2/token`, { method: 'POST', headers: { ...headers, ...type }, body })
    return { status: response.status, body: (await response.json()) as { access_token: string; error?: string } }
  }

  test.skipIf(!program)('passes on the certificate of the connection, and no other one', async () => {
    const { selfSigned, byAuthority } = clientIds
    expect((await tokenBy(selfSigned, own)).status).toBe(200)
    expect((await tokenBy(byAuthority, issued)).status).toBe(200)
    expect((await tokenBy(selfSigned, issued)).body.error).toBe('invalid_client')
    expect((await tokenBy(byAuthority, own)).body.error).toBe('invalid_client')
    expect((await tokenBy(selfSigned)).body.error).toBe('invalid_client')
    for (const header of ['X-SSL-Client-Cert', 'x-ssl-client-cert', 'X_SSL_Client_Cert']) {
      const forged = { [header]: asNginx(own) }
      expect([header, (await tokenBy(selfSigned, undefined, forged)).body.error]).toEqual([header, 'invalid_client'])
      expect([header, (await tokenBy(selfSigned, issued, forged)).body.error]).toEqual([header, 'invalid_client'])
    }
  })

  test.skipIf(!program)('serves openid-client and oauth4webapi as they are', async () => {
    const customFetch = await fetchBy(own)
    const { selfSigned: clientId } = clientIds
    const metadata = { issuer: server.issuer, token_endpoint: `${url}/oauth2/token` }
    const config = new client.Configuration(metadata, clientId, undefined, client.TlsClientAuth())
    config[client.customFetch] = customFetch as never
    const tokens = await client.clientCredentialsGrant(config)
    expect(claimsOf(tokens.access_token)).toMatchObject({ client_id: clientId })
    const response = await oauth.clientCredentialsGrantRequest(
      metadata,
      { client_id: clientId },
      oauth.TlsClientAuth(),
      {},
      { [oauth.customFetch]: customFetch as never },
    )
    const processed = await oauth.processClientCredentialsResponse(metadata, { client_id: clientId }, response)
    expect(claimsOf(processed.access_token)).toMatchObject({ client_id: clientId })
  })
})
