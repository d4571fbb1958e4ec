/** Each list of the discovery documents is what the endpoints accept: a value that it names works, and one that it does not name is refused. */
import { randomUUID } from 'node:crypto'
import { decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseClientCertificates } from '../../src/clients/client-certificates.ts'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import { JWT_BEARER_GRANT } from '../../src/clients/grant-types.ts'
import { assertionForm, newClientKey, signAssertion } from '../support/client-assertions.ts'
import { asNginx, createAuthority, createCertificate, type TestCertificate } from '../support/client-certificates.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, basicHeader, type Credentials, claimsOf, postForm, send } from '../support/requests.ts'
import { type Browser, openBrowser } from '../support/scriptless-browser.ts'
import { addTestPasskey } from '../support/second-factors.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  answerOf,
  createApplication,
  expectNoFieldErrors,
  getTokens,
  isForward,
} from './application-fixtures.ts'

type Check = (values: readonly string[], all: Answer['body']) => Promise<void>

const HEADER = 'x-ssl-client-cert'
const CALLBACK = 'https://app.example.com/callback'

/** Every authentication method of RFC 7591 and RFC 8705. */
const METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
]

/** Algorithms that a client might try (RFC 7518, section 3.1). */
const ALGS = ['ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'PS256', 'PS512', 'EdDSA', 'Ed25519', 'HS256']

let server: Keywright
let person: Person
let browser: Browser
let application: Application
let authority: TestCertificate
let own: TestCertificate
/** A client for each method, and the header and form with which it authenticates. */
let clients: Record<string, () => Promise<{ headers?: Record<string, string>; form: Record<string, string> }>>

const documents = async () =>
  await Promise.all(
    ['openid-configuration', 'oauth-authorization-server'].map(
      async (name) => (await send(`${server.url}/.well-known/${name}`)).body,
    ),
  )

const settingsFor = (settings: Partial<ClientSettings> = {}): Partial<ClientSettings> => ({
  grants: ['authorization_code', 'client_credentials', 'urn:ietf:params:oauth:grant-type:device_code'],
  redirectUris: [CALLBACK],
  ...settings,
})

async function byKey(alg: string) {
  if (alg === 'HS256') {
    const { clientId, clientSecret } = await server.make.register({ settings: settingsFor() })
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: clientId, sub: clientId, aud: server.issuer, iat: now, exp: now + 60, jti: randomUUID() }
    const signer = new SignJWT(claims).setProtectedHeader({ alg })
    return async () => ({ form: assertionForm(await signer.sign(Buffer.from(clientSecret))) })
  }
  const key = await newClientKey(['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'].includes(alg) ? alg : 'ES256')
  const settings = settingsFor({ authMethod: 'private_key_jwt' })
  const { clientId } = await server.make.register({ settings, keys: key.parsed })
  const signer =
    key.alg === alg ? key : { ...key, alg, privateKey: (await generateKeyPair(alg, { extractable: true })).privateKey }
  return async () => ({ form: assertionForm(await signAssertion(signer, { clientId, audience: server.issuer })) })
}

async function byCertificate(
  authMethod: 'tls_client_auth' | 'self_signed_tls_client_auth',
  certificate: TestCertificate,
) {
  const input =
    authMethod === 'tls_client_auth' ? { tlsClientAuthSubjectDn: 'CN=named' } : { certificates: certificate.cert }
  const certificates = parseClientCertificates(authMethod, input)
  const { clientId } = await server.make.register({ settings: settingsFor({ authMethod }), certificates })
  return async () => ({ headers: { [HEADER]: asNginx(certificate) }, form: { client_id: clientId } })
}

beforeAll(async () => {
  authority = createAuthority()
  own = createCertificate()
  server = await startKeywright({
    env: {
      CLIENT_CERTIFICATE_HEADER: 'X-SSL-Client-Cert',
      CLIENT_CERTIFICATE_PROXIES: '127.0.0.1,::1',
      CLIENT_CERTIFICATE_AUTHORITIES: authority.cert,
    },
  })
  person = await createTestUser(server.knex, server.firstStart.accountId)
  application = await createApplication(server, { consent: 'skip' })
  browser = openBrowser(server.url)
  await getTokens(server, application, person, { browser })
  const secret = await server.make.register({ settings: settingsFor() })
  const open = await createApplication(server, {
    isPublic: true,
    grants: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
  })
  clients = {
    client_secret_basic: async () => ({ headers: { authorization: basicHeader(secret) }, form: {} }),
    client_secret_post: async () => ({ form: { client_id: secret.clientId, client_secret: secret.clientSecret } }),
    client_secret_jwt: await byKey('HS256'),
    private_key_jwt: await byKey('ES256'),
    tls_client_auth: await byCertificate(
      'tls_client_auth',
      createCertificate({ subject: '/CN=named', issuer: authority }),
    ),
    self_signed_tls_client_auth: await byCertificate('self_signed_tls_client_auth', own),
    none: async () => ({ form: { client_id: open.clientId } }),
  }
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

/** What each endpoint is sent beside the client authentication. */
const ENDPOINTS: Record<string, [path: string, form: Record<string, string>]> = {
  // The client authenticates before its grant is looked at.
  token: [
    '/oauth2/token',
    { grant_type: 'authorization_code', code: 'x', redirect_uri: CALLBACK, code_verifier: 'x'.repeat(43) },
  ],
  introspection: ['/oauth2/introspect', { token: 'x' }],
  revocation: ['/oauth2/revoke', { token: 'x' }],
}

/** Which of `candidates` the endpoint accepts as client authentication. */
async function acceptedAt(endpoint: string, candidates: Record<string, (typeof clients)[string]>): Promise<string[]> {
  const [path, form] = ENDPOINTS[endpoint]!
  const accepted: string[] = []
  for (const [name, authentication] of Object.entries(candidates)) {
    const { headers = {}, form: proof } = await authentication()
    const { status, body } = await postForm(server.url + path, { ...form, ...proof }, { headers })
    if (body?.error !== 'invalid_client') accepted.push(name)
    else expect([name, status]).toEqual([name, 401])
  }
  return accepted
}

const methodsOf =
  (endpoint: string): Check =>
  async (values) => {
    expect(Object.keys(clients)).toEqual(METHODS)
    expect([...values].sort()).toEqual((await acceptedAt(endpoint, clients)).sort())
  }

const assertionAlgsOf =
  (endpoint: string): Check =>
  async (values) => {
    const candidates = Object.fromEntries(await Promise.all(ALGS.map(async (alg) => [alg, await byKey(alg)])))
    expect([...values].sort()).toEqual((await acceptedAt(endpoint, candidates)).sort())
  }

/** Where an authorization request of a user who is signed in, and who allowed everything, leads. */
async function answerTo(params: Record<string, string | undefined>): Promise<Record<string, string>> {
  const page = await browser.visit(application.link(params))
  if (isForward(page)) return { code: 'in a form' }
  const { response, ...answer } = answerOf(page.left)
  return response ? (claimsOf(response) as Record<string, string>) : answer
}

/** The values that an authorization request may have. */
const accepted = async (name: string, candidates: readonly string[], more: Record<string, string> = {}) => {
  const found: string[] = []
  for (const value of candidates) if ((await answerTo({ [name]: value, ...more })).code) found.push(value)
  return found.sort()
}

async function withProof(alg: string): Promise<Answer> {
  const client = await server.make.client()
  const isSymmetric = alg.startsWith('HS')
  const { privateKey, publicKey } = await generateKeyPair(isSymmetric ? 'ES256' : alg, { extractable: true })
  const proof = await new SignJWT({ htm: 'POST', htu: `${server.issuer}/oauth2/token`, jti: randomUUID() })
    .setProtectedHeader({ alg, typ: 'dpop+jwt', jwk: await exportJWK(publicKey) })
    .setIssuedAt()
    .sign(isSymmetric ? Buffer.alloc(32, 1) : privateKey)
  return await server.token({ grant_type: 'client_credentials' }, { basic: client, headers: { dpop: proof } })
}

const CHECKS: Record<string, Check> = {
  token_endpoint_auth_methods_supported: methodsOf('token'),
  introspection_endpoint_auth_methods_supported: methodsOf('introspection'),
  revocation_endpoint_auth_methods_supported: methodsOf('revocation'),
  token_endpoint_auth_signing_alg_values_supported: assertionAlgsOf('token'),
  introspection_endpoint_auth_signing_alg_values_supported: assertionAlgsOf('introspection'),
  revocation_endpoint_auth_signing_alg_values_supported: assertionAlgsOf('revocation'),

  async dpop_signing_alg_values_supported(values) {
    const found: string[] = []
    for (const alg of ALGS) {
      const { status, body } = await withProof(alg)
      if (status === 200) found.push(alg)
      else expect([alg, status, body.error]).toEqual([alg, 400, 'invalid_dpop_proof'])
    }
    expect([...values].sort()).toEqual(found.sort())
  },

  async request_object_signing_alg_values_supported(values) {
    const found: string[] = []
    for (const alg of ALGS) {
      const key = await newClientKey(['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'].includes(alg) ? alg : 'ES256')
      const signer = key.alg === alg || alg.startsWith('HS') ? key : { ...key, alg, ...(await generateKeyPair(alg)) }
      const settings = settingsFor({ authMethod: 'private_key_jwt' })
      const { clientId } = await server.make.register({ settings, keys: key.parsed })
      const claims = {
        sub: undefined,
        client_id: clientId,
        response_type: 'code',
        redirect_uri: CALLBACK,
        scope: 'openid',
        code_challenge: 'x'.repeat(43),
        code_challenge_method: 'S256',
      }
      const request = alg.startsWith('HS')
        ? await new SignJWT({ ...claims, iss: clientId, aud: server.issuer })
            .setExpirationTime('1m')
            .setProtectedHeader({ alg })
            .sign(Buffer.alloc(32, 1))
        : await signAssertion(signer, { clientId, audience: server.issuer, claims })
      const form = assertionForm(await signAssertion(key, { clientId, audience: server.issuer }))
      const { status, body } = await postForm(`${server.url}/oauth2/par`, { ...form, request })
      if (status === 201) found.push(alg)
      else expect([alg, status, body.error]).toEqual([alg, 400, 'invalid_request_object'])
    }
    expect([...values].sort()).toEqual(found.sort())
  },

  async grant_types_supported(values) {
    const all = await createApplication(server, { grants: [...values] })
    const others = [
      'password',
      'implicit',
      'urn:ietf:params:oauth:grant-type:saml2-bearer',
      'urn:openid:params:grant-type:ciba',
    ]
    for (const grant_type of [...values, ...others]) {
      const { body } = await server.token({ grant_type }, { basic: all.basic })
      expect([grant_type, body.error === 'unsupported_grant_type']).toEqual([grant_type, others.includes(grant_type)])
    }
  },

  async authorization_grant_profiles_supported(values) {
    const types: Record<string, string> = {
      'oauth-id-jag+jwt': 'urn:ietf:params:oauth:grant-profile:id-jag',
      'other+jwt': 'other',
    }
    const client = await server.make.client({ grants: [JWT_BEARER_GRANT] })
    const found: string[] = []
    for (const [typ, profile] of Object.entries(types)) {
      const assertion = await new SignJWT({}).setProtectedHeader({ alg: 'HS256', typ }).sign(Buffer.alloc(32, 1))
      const { body } = await server.token({ grant_type: JWT_BEARER_GRANT, assertion }, { basic: client })
      if (/may not present identity assertions/.test(body.error_description)) found.push(profile)
    }
    expect(values).toEqual(found)
  },

  response_types_supported: async (values) =>
    expect([...values].sort()).toEqual(
      await accepted(
        'response_type',
        ['code', 'token', 'id_token', 'code id_token', 'id_token token', 'code token', 'none'],
        { nonce: 'n' },
      ),
    ),

  response_modes_supported: async (values) =>
    expect([...values].sort()).toEqual(
      await accepted('response_mode', [
        'query',
        'fragment',
        'form_post',
        'web_message',
        'jwt',
        'query.jwt',
        'fragment.jwt',
        'form_post.jwt',
      ]),
    ),

  code_challenge_methods_supported: async (values) =>
    expect(values).toEqual(await accepted('code_challenge_method', ['S256', 'plain', 'S512'])),

  scopes_supported: async (values) => {
    const found: string[] = []
    for (const scope of ['openid', 'profile', 'email', 'address', 'phone', 'offline_access']) {
      const tokens = await getTokens(server, application, person, {
        browser,
        params: { scope: `openid ${scope}`, prompt: scope === 'offline_access' ? 'consent' : undefined },
      })
      if (tokens.scope.split(' ').includes(scope)) found.push(scope)
    }
    expect([...values].sort()).toEqual(found.sort())
  },

  subject_types_supported: async (values) => {
    const others = await createApplication(server, {
      consent: 'skip',
      redirectUris: ['https://other.example.com/callback'],
    })
    const subjects = await Promise.all(
      [application, others].map(async (one) => claimsOf((await getTokens(server, one, person)).id_token).sub),
    )
    expect(values).toEqual(subjects[0] === subjects[1] ? ['public'] : ['pairwise'])
  },

  id_token_signing_alg_values_supported: async (values) => {
    const found: string[] = []
    for (const idTokenAlg of [...ALGS, 'none'] as never[]) {
      const made = await createApplication(server, { consent: 'skip', idTokenAlg }).catch(() => undefined)
      if (!made) continue
      const { id_token } = await getTokens(server, made, person, { browser })
      expect(decodeProtectedHeader(id_token).alg).toBe(idTokenAlg)
      found.push(idTokenAlg)
    }
    expect([...values].sort()).toEqual(found.sort())
  },

  authorization_signing_alg_values_supported: async (values) => {
    const found: string[] = []
    for (const idTokenAlg of [...ALGS, 'none'] as never[]) {
      const made = await createApplication(server, { consent: 'skip', idTokenAlg }).catch(() => undefined)
      if (!made) continue
      const { left } = await browser.visit(made.link({ response_mode: 'jwt' }))
      expect(decodeProtectedHeader(answerOf(left).response!).alg).toBe(idTokenAlg)
      found.push(idTokenAlg)
    }
    expect([...values].sort()).toEqual(found.sort())
  },

  introspection_signing_alg_values_supported: async (values) => {
    const found: string[] = []
    for (const signingAlg of ALGS as never[]) {
      const api = await server.make.api({ signingAlg }).catch(() => undefined)
      if (!api) continue
      const headers = { accept: 'application/token-introspection+jwt' }
      const { text } = await server.introspect('x', api as Credentials, { headers })
      expect(decodeProtectedHeader(text).alg).toBe(signingAlg)
      found.push(signingAlg)
    }
    expect([...values].sort()).toEqual(found.sort())
  },

  acr_values_supported: async (values) => {
    const who = await createTestUser(server.knex, server.firstStart.accountId)
    await addTestPasskey(server.knex, who.id)
    for (const value of [...values, 'urn:other']) {
      const claims = JSON.stringify({ id_token: { acr: { essential: true, value } } })
      const fresh = openBrowser(server.url)
      const page = await fresh.visit(application.link({ claims }))
      const next = await fresh.submit(page, /sign-in$/, { email: person.email, password: person.password })
      const isRefused = answerOf(next.left).error === 'unmet_authentication_requirements'
      expect([value, isRefused]).toEqual([value, value === 'urn:other'])
    }
  },

  claims_supported: async (values) => {
    await server.knex('users').where({ id: person.id }).update({ email_verified: true, language: 'de' })
    const made = await createApplication(server, {
      backchannelLogoutUri: 'https://app.example.com/out',
      consent: 'skip',
    })
    const params = { scope: 'openid profile email', nonce: 'n' }
    const { access_token, id_token } = await getTokens(server, made, person, { params, browser })
    const headers = { authorization: `Bearer ${access_token}` }
    const about = (await send(`${server.url}/oauth2/userinfo`, { headers })).body
    // Of the protocol, not about the user (OpenID Connect Core, sections 2 and 3.1.3.6).
    const protocol = ['aud', 'exp', 'iat', 'nonce', 'at_hash', 'jti']
    const found = new Set([...Object.keys(about), ...Object.keys(claimsOf(id_token))])
    expect([...values].sort()).toEqual([...found].filter((name) => !protocol.includes(name)).sort())
  },

  claim_types_supported: async (values) => {
    const { id_token } = await getTokens(server, application, person, { browser })
    expect(claimsOf(id_token)).not.toHaveProperty('_claim_sources')
    expect(values).toEqual(['normal'])
  },

  ui_locales_supported: async (values) => {
    for (const language of values) {
      const page = await openBrowser(server.url).visit(application.link({ ui_locales: language }))
      expect(page.text).toContain(`<html lang="${language}"`)
    }
    const other = await openBrowser(server.url).visit(application.link({ ui_locales: 'nl' }))
    expect(other.text).toContain('<html lang="en"')
  },
}

const listsOf = (document: Answer['body']): string[] =>
  Object.keys(document).filter((name) => Array.isArray(document[name]))

test('both documents have the same lists, and each has a check here', async () => {
  const [openid, oauth] = await documents()
  expect(oauth).toEqual(openid)
  expect(listsOf(openid).sort()).toEqual(Object.keys(CHECKS).sort())
})

test.each(Object.keys(CHECKS))('%s', async (name) => {
  const [document] = await documents()
  await CHECKS[name]!(document[name], document)
})
