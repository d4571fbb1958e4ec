/** Client authentication by a certificate in TLS (RFC 8705, section 2), which a trusted proxy names in a header. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CertificateInput, parseClientCertificates } from '../../src/clients/client-certificates.ts'
import { takeCertificateHeader } from '../../src/http/certificate-header.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { retireSecret } from '../../src/management/secret-retirement.ts'
import { isPlainRequest } from '../../src/oidc/fast-path.ts'
import type { OidcContext } from '../../src/oidc/request-state.ts'
import { asNginx, createAuthority, createCertificate, type TestCertificate } from '../support/client-certificates.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { rawPost, sendRaw } from '../support/raw-http.ts'
import { type Answer, claimsOf, postForm, send } from '../support/requests.ts'

const HEADER = 'x-ssl-client-cert'

let server: Keywright
/** Nobody there is a trusted proxy. */
let untrusting: Keywright
let authority: TestCertificate
let otherAuthority: TestCertificate
let own: TestCertificate
let api: { identifier: string }
let clientId: string

const register = (
  authMethod: 'tls_client_auth' | 'self_signed_tls_client_auth',
  input: CertificateInput,
  on = server,
) =>
  on.make.register({
    settings: { authMethod },
    apis: on === server ? [api.identifier] : [],
    certificates: parseClientCertificates(authMethod, input),
  })

const selfSigned = (...certificates: TestCertificate[]) =>
  register('self_signed_tls_client_auth', { certificates: certificates.map(({ cert }) => cert).join('\n') })

const tokenWith = (id: string, value: string | undefined, form = {}): Promise<Answer> =>
  postForm(
    `${server.url}/oauth2/token`,
    { grant_type: 'client_credentials', client_id: id, ...form },
    { headers: value === undefined ? {} : { [HEADER]: value } },
  )

const tokenBy = (id: string, certificate: TestCertificate) => tokenWith(id, asNginx(certificate))

beforeAll(async () => {
  authority = createAuthority()
  otherAuthority = createAuthority()
  own = createCertificate()
  server = await startKeywright({
    env: {
      CLIENT_CERTIFICATE_HEADER: 'X-SSL-Client-Cert',
      CLIENT_CERTIFICATE_PROXIES: '127.0.0.1,::1',
      CLIENT_CERTIFICATE_AUTHORITIES: authority.cert,
    },
  })
  untrusting = await startKeywright({
    env: { CLIENT_CERTIFICATE_HEADER: 'X-SSL-Client-Cert', CLIENT_CERTIFICATE_PROXIES: '192.0.2.1' },
  })
  api = await server.make.api()
  clientId = (await selfSigned(own)).clientId
})
afterAll(async () => {
  await server?.stop()
  await untrusting?.stop()
})

describe('a registered certificate', () => {
  const quoted = () => `Hash=${'0'.repeat(64)};Cert="${asNginx(own)}";Subject="CN=client, Cert=x"`
  const FORMS: [string, () => string][] = [
    ['nginx', () => asNginx(own)],
    ['HAProxy and Caddy', () => own.der.toString('base64')],
    ['RFC 9440', () => `:${own.der.toString('base64')}:`],
    ['Envoy', quoted],
  ]
  test.each(FORMS)('in the form of %s gets a token', async (_, value) => {
    const { status, body } = await tokenWith(clientId, value())
    expect(status).toBe(200)
    expect(claimsOf(body.access_token)).toMatchObject({ sub: clientId, client_id: clientId, aud: api.identifier })
  })

  test('gets the same response on the fast path and from the engine', async () => {
    const [fast, engine] = [
      await tokenBy(clientId, own),
      await tokenWith(clientId, asNginx(own), { unknown: 'parameter' }),
    ]
    const comparable = ({ status, body: { access_token, ...rest } }: Answer) => {
      const { jti, iat, exp, status: _, ...claims } = claimsOf(access_token)
      return { status, rest, claims, lifetime: Number(exp) - Number(iat), hasId: typeof jti }
    }
    expect(comparable(fast)).toEqual(comparable(engine))
  })

  test('is served on the fast path, if a trusted proxy sent it', async () => {
    const isPlain = async (remoteAddress: string) => {
      const req = { headers: { [HEADER]: asNginx(own) }, rawHeaders: [HEADER, asNginx(own)], socket: { remoteAddress } }
      const form = { grant_type: 'client_credentials', client_id: clientId }
      const ctx = { req, state: { credentials: { clientId }, form } } as unknown as OidcContext
      await takeCertificateHeader({ header: HEADER, proxies: ['192.0.2.0/24'] })(ctx as never, async () => {})
      expect(req.headers).toEqual({})
      return isPlainRequest(ctx)
    }
    expect([await isPlain('192.0.2.7'), await isPlain('::ffff:192.0.2.7'), await isPlain('198.51.100.7')]).toEqual([
      true,
      true,
      false,
    ])
  })

  test('authenticates at every endpoint where clients do, and a request without it does not', async () => {
    const redirectUri = 'https://app.example.com/callback'
    const { clientId: id } = await server.make.register({
      settings: {
        authMethod: 'self_signed_tls_client_auth',
        grants: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code', 'client_credentials'],
        redirectUris: [redirectUri],
      },
      apis: [api.identifier],
      certificates: parseClientCertificates('self_signed_tls_client_auth', { certificates: own.cert }),
    })
    const { access_token: token } = (await tokenBy(id, own)).body
    const request = {
      response_type: 'code',
      redirect_uri: redirectUri,
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
      scope: 'openid',
    }
    const forms: [string, Record<string, string>, number][] = [
      ['/oauth2/par', request, 201],
      ['/oauth2/device', { scope: 'openid' }, 200],
      ['/oauth2/introspect', { token }, 200],
      ['/oauth2/revoke', { token }, 200],
    ]
    for (const [path, form, status] of forms) {
      const post = (headers: Record<string, string>) =>
        postForm(server.url + path, { client_id: id, ...form }, { headers })
      expect([path, (await post({})).status]).toEqual([path, 401])
      expect([path, (await post({ [HEADER]: asNginx(createCertificate()) })).status]).toEqual([path, 401])
      expect([path, (await post({ [HEADER]: asNginx(own) })).status]).toEqual([path, status])
    }
  })

  test('is one of several, or that of a key in a JWK set (x5c)', async () => {
    const [first, second] = [createCertificate(), createCertificate()]
    const { clientId: several } = await selfSigned(first, second)
    for (const one of [first, second]) expect((await tokenBy(several, one)).status).toBe(200)
    const jwks = JSON.stringify({ keys: [{ kty: 'EC', x5c: [first.der.toString('base64')] }] })
    const { clientId: id } = await register('self_signed_tls_client_auth', { jwks })
    expect((await tokenBy(id, first)).status).toBe(200)
    expect((await tokenBy(id, second)).status).toBe(401)
  })

  test('expires with the certificate, and so do its tokens', async () => {
    const { key } = await selfSigned(createCertificate({ days: 1 }))
    const { retires_at, expires_at, certificate_subject } = await server
      .knex('client_secrets')
      .where({ client_id: key })
      .first()
    expect(expires_at).toEqual(retires_at)
    expect(Math.abs(expires_at.getTime() - Date.now() - 86_400_000)).toBeLessThan(60_000)
    expect(certificate_subject).toBe('CN=client')
  })
})

describe('a certificate of a trusted authority', () => {
  const NAMES = [
    'subjectAltName=DNS:Client.example.com,URI:spiffe://example.com/client,IP:192.0.2.7,IP:2001:db8::7,email:client@example.com',
  ]
  const CASES: [string, CertificateInput, CertificateInput][] = [
    [
      'subject',
      { tlsClientAuthSubjectDn: 'CN=client\\, one+OU=a, O=Exämple ,C=DE' },
      { tlsClientAuthSubjectDn: 'C=DE,O=Exämple,CN=client\\, one+OU=a' },
    ],
    ['DNS name', { tlsClientAuthSanDns: 'client.example.com' }, { tlsClientAuthSanDns: 'example.com' }],
    [
      'URI',
      { tlsClientAuthSanUri: 'spiffe://example.com/client' },
      { tlsClientAuthSanUri: 'spiffe://example.com/Client' },
    ],
    ['IPv4 address', { tlsClientAuthSanIp: '192.0.2.7' }, { tlsClientAuthSanIp: '192.0.2.8' }],
    ['IPv6 address', { tlsClientAuthSanIp: '2001:DB8:0::7' }, { tlsClientAuthSanIp: '2001:db8::8' }],
    ['email address', { tlsClientAuthSanEmail: 'client@example.com' }, { tlsClientAuthSanEmail: 'other@example.com' }],
    [
      'DNS name, not a URI',
      { tlsClientAuthSanDns: 'client.example.com' },
      { tlsClientAuthSanUri: 'dns:client.example.com' },
    ],
  ]
  let certificate: TestCertificate
  const subject = '/C=DE/O=Exämple/OU=a+CN=client, one'
  beforeAll(() => {
    certificate = createCertificate({ subject, issuer: authority, extensions: NAMES })
  })

  test.concurrent.for(CASES)('authenticates by its %s, and by no other name', async ([, right, wrong], { expect }) => {
    expect((await tokenBy((await register('tls_client_auth', right)).clientId, certificate)).status).toBe(200)
    const { clientId: id } = await register('tls_client_auth', wrong)
    expect((await tokenBy(id, certificate)).body.error).toBe('invalid_client')
    await expect.poll(() => reasonsOf(id)).toEqual(['certificate_mismatch'])
  })

  const FLAWS: [string, () => TestCertificate][] = [
    ['another authority', () => createCertificate({ subject, issuer: otherAuthority, extensions: NAMES })],
    ['itself', () => createCertificate({ subject, extensions: NAMES })],
    [
      'another certificate that the authority issued',
      () => createCertificate({ subject, issuer: createCertificate({ issuer: authority }), extensions: NAMES }),
    ],
    [
      'an authority for servers only',
      () => createCertificate({ subject, issuer: authority, extensions: [...NAMES, 'extendedKeyUsage=serverAuth'] }),
    ],
    ['an authority that used SHA-1', () => createCertificate({ subject, issuer: authority, digest: 'sha1' })],
    [
      'an authority, with a critical extension that is unknown',
      () => createCertificate({ subject, issuer: authority, extensions: ['1.2.3.4=critical,DER:0500'] }),
    ],
    ['an authority, and has expired', () => createCertificate({ subject, issuer: authority, days: 0 })],
  ]
  test.concurrent.for(FLAWS)('is refused if it comes from %s', async ([, make], { expect }) => {
    const { clientId: id } = await register('tls_client_auth', {
      tlsClientAuthSubjectDn: 'CN=client\\, one+OU=a,O=Exämple,C=DE',
    })
    expect((await tokenBy(id, certificate)).status).toBe(200)
    const { status, body } = await tokenBy(id, make())
    expect([status, body.error]).toEqual([401, 'invalid_client'])
    await expect.poll(() => reasonsOf(id)).toEqual(['certificate_invalid'])
  })
})

const reasonsOf = (id: string): Promise<string[]> =>
  server
    .knex('client_usage_hours as h')
    .join('clients as c', 'c.id', 'h.client_id')
    .where({ 'c.client_id': id })
    .whereNot('h.outcome', 'issued')
    .pluck('h.outcome')

const tokensOf = (id: string): Promise<unknown[]> =>
  server.knex('access_tokens as t').join('clients as c', 'c.id', 't.client_id').where({ 'c.client_id': id })

describe('is refused, and nothing is stored', () => {
  const twice = () => `Cert="${asNginx(own)}"`
  const CASES: [string, () => string | undefined, number, string, string][] = [
    ['no certificate', () => undefined, 401, 'invalid_client', 'certificate_missing'],
    ['an empty header', () => '', 401, 'invalid_client', 'certificate_missing'],
    [
      "the name of Caddy's placeholder",
      () => '{http.request.tls.client.certificate_der_base64}',
      401,
      'invalid_client',
      'certificate_missing',
    ],
    ['an element of Envoy without a certificate', () => 'Hash=00', 401, 'invalid_client', 'certificate_missing'],
    [
      'the certificate of another client',
      () => asNginx(createCertificate()),
      401,
      'invalid_client',
      'certificate_mismatch',
    ],
    [
      'an expired certificate',
      () => asNginx(createCertificate({ days: 0 })),
      401,
      'invalid_client',
      'certificate_invalid',
    ],
    ['two certificates in one text', () => asNginx(own) + asNginx(own), 400, 'invalid_request', 'certificate_invalid'],
    ['two elements of Envoy', () => `${twice()},By=x`, 400, 'invalid_request', 'certificate_invalid'],
    ['an element of Envoy before the own one', () => `By=x,${twice()}`, 400, 'invalid_request', 'certificate_invalid'],
    ['two certificates in one element', () => `${twice()};${twice()}`, 400, 'invalid_request', 'certificate_invalid'],
    [
      'a malformed PEM',
      () => asNginx({ ...own, cert: own.cert.replace('MII', 'MIX') }),
      400,
      'invalid_request',
      'certificate_invalid',
    ],
    [
      'a PEM without its end',
      () => asNginx({ ...own, cert: own.cert.slice(0, 300) }),
      400,
      'invalid_request',
      'certificate_invalid',
    ],
    [
      'half of the DER',
      () => own.der.subarray(0, 200).toString('base64'),
      400,
      'invalid_request',
      'certificate_invalid',
    ],
    ['what is not base64', () => 'certificate: yes', 400, 'invalid_request', 'certificate_invalid'],
    ['a wrong percent-encoding', () => '-----BEGIN%2', 400, 'invalid_request', 'certificate_invalid'],
    ['a private key', () => encodeURIComponent(own.key), 400, 'invalid_request', 'certificate_invalid'],
    ['12,001 characters', () => 'A'.repeat(12_001), 400, 'invalid_request', 'certificate_invalid'],
  ]

  test.concurrent.for(CASES)('%s', async ([, value, status, error, reason], { expect }) => {
    const { clientId: id } = await selfSigned(own)
    const answer = await tokenWith(id, value())
    expect([answer.status, answer.body.error]).toEqual([status, error])
    await expect.poll(() => reasonsOf(id)).toEqual([reason])
    expect(await tokensOf(id)).toEqual([])
    expect((await tokenBy(id, own)).status).toBe(200)
  })

  test('a header that is given twice', async () => {
    const { clientId: id } = await selfSigned(own)
    const form = `grant_type=client_credentials&client_id=${id}`
    const value = asNginx(own)
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' }
    for (const second of [value, '']) {
      const headers = { ...type, [HEADER]: value, 'X-SSL-Client-Cert': second }
      expect(await sendRaw(server.url, rawPost('/oauth2/token', headers, form))).toMatch(
        /^HTTP\/1.1 400[\s\S]*invalid_request/,
      )
    }
    expect(await tokensOf(id)).toEqual([])
  })

  test('a header of 20,000 characters, by the server itself', async () => {
    expect((await tokenWith(clientId, 'A'.repeat(20_000))).status).toBe(431)
  })

  test('a header from anybody but a trusted proxy', async () => {
    const certificates = parseClientCertificates('self_signed_tls_client_auth', { certificates: own.cert })
    const { identifier } = await untrusting.make.api()
    const settings = { authMethod: 'self_signed_tls_client_auth' } as const
    const { clientId: id } = await untrusting.make.register({ settings, certificates, apis: [identifier] })
    const form = { grant_type: 'client_credentials', client_id: id }
    for (const name of [HEADER, 'client-cert', 'x-forwarded-client-cert']) {
      const headers = { [name]: asNginx(own), 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.1' }
      const { status, body } = await postForm(`${untrusting.url}/oauth2/token`, form, { headers })
      expect([status, body.error]).toEqual([401, 'invalid_client'])
    }
  })

  test('another header than the configured one', async () => {
    const form = { grant_type: 'client_credentials', client_id: clientId }
    for (const name of ['client-cert', 'x-forwarded-client-cert', 'ssl-client-cert']) {
      const headers = { [name]: asNginx(own) }
      expect((await postForm(`${server.url}/oauth2/token`, form, { headers })).status).toBe(401)
    }
  })

  test('a client secret, an assertion, or both with the certificate', async () => {
    const withSecret = await server.make.client({}, [api.identifier])
    expect((await tokenWith(clientId, asNginx(own), { client_secret: withSecret.clientSecret })).status).toBe(401)
    expect((await tokenWith(withSecret.clientId, asNginx(own))).status).toBe(401)
    const assertion = {
      client_assertion: 'x',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    }
    expect((await tokenWith(clientId, asNginx(own), assertion)).status).toBe(401)
  })
})

describe('certificates', () => {
  test('new ones end the earlier ones and their tokens at once', async () => {
    const [first, second] = [createCertificate(), createCertificate()]
    const { clientId: id } = await selfSigned(first)
    const { access_token: token } = (await tokenBy(id, first)).body
    const isActive = async () =>
      (
        await postForm(
          `${server.url}/oauth2/introspect`,
          { client_id: id, token },
          { headers: { [HEADER]: asNginx(second) } },
        )
      ).body.active
    const certificates = parseClientCertificates('self_signed_tls_client_auth', { certificates: second.cert })
    await rotateSecret(server.knex, id, 3600, ACTOR, { certificates })
    expect([(await tokenBy(id, first)).status, (await tokenBy(id, second)).status, await isActive()]).toEqual([
      200,
      200,
      true,
    ])
    await rotateSecret(server.knex, id, 0, ACTOR, { certificates })
    expect([(await tokenBy(id, first)).status, (await tokenBy(id, second)).status, await isActive()]).toEqual([
      401,
      200,
      false,
    ])
  })

  test('of one registration are equals: each can be retired alone, and the last one cannot', async () => {
    const { key, clientId: id } = await selfSigned(createCertificate(), own)
    const [first, second] = await server.knex('client_secrets').where({ client_id: key }).orderBy('id').pluck('id')
    await retireSecret(server.knex, id, first, ACTOR)
    expect((await tokenBy(id, own)).status).toBe(401)
    await expect(retireSecret(server.knex, id, second, ACTOR)).rejects.toMatchObject({ code: 'conflict' })
  })

  test('a client with certificates needs some, and has no secret', async () => {
    await expect(rotateSecret(server.knex, clientId, 0, ACTOR)).rejects.toMatchObject({ code: 'invalid_input' })
    expect(
      await server
        .knex('client_secrets as s')
        .join('clients as c', 'c.id', 's.client_id')
        .where({ 'c.client_id': clientId })
        .pluck('s.kind'),
    ).toEqual(['certificate'])
  })

  const INVALID: [string, CertificateInput, RegExp][] = [
    ['none', {}, /needs a certificate/],
    ['malformed', { certificates: 'x' }, /no certificate in PEM/],
    ['a private key', { certificates: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----' }, /private key/],
    ['no certificate in the set', { jwks: '{"keys":[{"kty":"EC"}]}' }, /x5c/],
    ['a name', { tlsClientAuthSanDns: 'client.example.com' }, /only a client with tls_client_auth/],
  ]
  test.each(INVALID)('are refused at registration: %s', (_, input, message) => {
    expect(() => parseClientCertificates('self_signed_tls_client_auth', input)).toThrow(message)
  })

  test('are refused at registration: expired, twice, eleven', () => {
    const parse = (certificates: string) => () =>
      parseClientCertificates('self_signed_tls_client_auth', { certificates })
    expect(parse(createCertificate({ days: 0 }).cert)).toThrow(/expired/)
    expect(parse(own.cert + own.cert)).toThrow(/twice/)
    expect(parse(own.cert.repeat(11))).toThrow(/at most 10/)
  })

  test('a name is refused at registration: none, two, malformed', () => {
    const parse = (input: CertificateInput) => () => parseClientCertificates('tls_client_auth', input)
    expect(parse({})).toThrow(/one name/)
    expect(parse({ tlsClientAuthSanDns: 'a.example', tlsClientAuthSanUri: 'a:b' })).toThrow(/not several/)
    for (const input of [
      { tlsClientAuthSanDns: 'a b' },
      { tlsClientAuthSanIp: '192.0.2' },
      { tlsClientAuthSanUri: 'client' },
      { tlsClientAuthSanEmail: 'client' },
      { tlsClientAuthSubjectDn: 'client' },
      { tlsClientAuthSubjectDn: 'CN=\0' },
    ])
      expect(parse(input)).toThrow()
  })
})

test('discovery names the methods that the configuration allows', async () => {
  const methodsOf = async ({ url }: Keywright) => {
    const { body } = await send(`${url}/.well-known/oauth-authorization-server`)
    return (['token', 'introspection', 'revocation'] as const).map((name) =>
      body[`${name}_endpoint_auth_methods_supported`].filter((method: string) => method.includes('tls')),
    )
  }
  const both = ['tls_client_auth', 'self_signed_tls_client_auth']
  expect(await methodsOf(server)).toEqual([both, both, both])
  const one = ['self_signed_tls_client_auth']
  expect(await methodsOf(untrusting)).toEqual([one, one, one])
})
