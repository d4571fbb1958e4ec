/** Access and refresh tokens that are bound to a client certificate (RFC 8705, sections 3 and 4). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVerifier } from '../../packages/resource-server/src/verifier.ts'
import { parseClientCertificates } from '../../src/clients/client-certificates.ts'
import { TOKEN_EXCHANGE_GRANT } from '../../src/clients/grant-types.ts'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { asNginx, createCertificate, type TestCertificate } from '../support/client-certificates.ts'
import { createProver } from '../support/dpop-proofs.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { rawManagement } from '../support/management.ts'
import { type Answer, claimsOf, type FormData, postForm, send } from '../support/requests.ts'
import { openBrowser } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { type Application, createApplication, getCode } from './application-fixtures.ts'

const HEADER = 'x-ssl-client-cert'
const ORIGIN = 'https://mtls.example.com'
const BOUND = { certificateBoundAccessTokens: true }

let server: Keywright
let person: Person
let own: TestCertificate
let stolen: TestCertificate
let thumbprint: string

const by = (certificate?: TestCertificate) => ({
  headers: (certificate ? { [HEADER]: asNginx(certificate) } : {}) as Record<string, string>,
})

beforeAll(async () => {
  ;[own, stolen] = [createCertificate(), createCertificate()]
  thumbprint = Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(own.der))).toString('base64url')
  server = await startKeywright({
    env: {
      CLIENT_CERTIFICATE_HEADER: HEADER,
      CLIENT_CERTIFICATE_PROXIES: '127.0.0.1,::1',
      CLIENT_CERTIFICATE_ORIGIN: ORIGIN,
    },
  })
  person = await createTestUser(server.knex, server.firstStart.accountId)
})
afterAll(() => server.stop())

const cnfOf = (token: string) => claimsOf(token).cnf
const outcomeOf = ({ status, body }: Answer) => [status, body.error]

describe('a client that acts for itself', () => {
  test.each<[string, FormData]>([
    ['on the fast path', {}],
    ['through the engine', { unknown: 'parameter' }],
  ])('gets a token that is bound to the certificate of the request, %s', async (_, form) => {
    const client = await server.make.client(BOUND)
    const request = { grant_type: 'client_credentials', ...form }
    const { status, body } = await server.token(request, { basic: client, ...by(own) })
    expect([status, body.token_type, cnfOf(body.access_token)]).toEqual([200, 'Bearer', { 'x5t#S256': thumbprint }])
    expect(outcomeOf(await server.token(request, { basic: client }))).toEqual([400, 'invalid_request'])
    const malformed = { headers: { [HEADER]: 'x' } }
    expect(outcomeOf(await server.token(request, { basic: client, ...malformed }))).toEqual([400, 'invalid_request'])
    const issued = server.knex('access_tokens as t').join('clients as c', 'c.id', 't.client_id')
    expect(await issued.where({ 'c.client_id': client.clientId })).toHaveLength(1)
  })

  test('is bound by the certificate that it authenticates with', async () => {
    const { clientId } = await server.make.register({
      settings: { ...BOUND, authMethod: 'self_signed_tls_client_auth' },
      apis: [server.firstStart.api.identifier],
      certificates: parseClientCertificates('self_signed_tls_client_auth', { certificates: own.cert }),
    })
    const { body } = await server.token({ grant_type: 'client_credentials', client_id: clientId }, by(own))
    expect(cnfOf(body.access_token)).toEqual({ 'x5t#S256': thumbprint })
  })

  test('is bound from the change on that says so, also where the node has cached the registration', async () => {
    const client = await server.make.client()
    const request = { grant_type: 'client_credentials' }
    expect(cnfOf((await server.token(request, { basic: client, ...by(own) })).body.access_token)).toBeUndefined()
    await server
      .knex('clients')
      .where({ client_id: client.clientId })
      .update({
        certificate_bound_access_tokens: true,
        version: server.knex.raw('version + 1'),
      })
    const { body } = await server.token(request, { basic: client, ...by(own) })
    expect(cnfOf(body.access_token)).toEqual({ 'x5t#S256': thumbprint })
  })

  test('is described with its binding by introspection', async () => {
    const { api } = server.firstStart
    const client = await server.make.client(BOUND, [api.identifier])
    const { body } = await server.token({ grant_type: 'client_credentials' }, { basic: client, ...by(own) })
    expect((await server.introspect(body.access_token, api)).body).toMatchObject({
      active: true,
      token_type: 'Bearer',
      cnf: { 'x5t#S256': thumbprint },
    })
  })

  test('uses its token at resource servers and the management API with its certificate only', async () => {
    const { api } = server.firstStart
    const client = await server.make.client(BOUND, [api.identifier, MANAGEMENT_API])
    const tokenFor = async (resource: string) =>
      (await server.token({ grant_type: 'client_credentials', resource }, { basic: client, ...by(own) })).body
        .access_token as string
    const [token, management] = [await tokenFor(api.identifier), await tokenFor(MANAGEMENT_API)]
    const verifier = createVerifier({ issuer: server.issuer, audience: api.identifier, certificateHeader: HEADER })
    const verify = (certificate?: TestCertificate) =>
      verifier.verify({ headers: { authorization: `Bearer ${token}`, ...by(certificate).headers } }).then(
        () => 'accepted',
        ({ code }) => code,
      )
    try {
      expect([await verify(own), await verify(stolen), await verify()]).toEqual([
        'accepted',
        'certificate_wrong',
        'certificate_missing',
      ])
    } finally {
      await verifier.close()
    }
    const me = async (certificate?: TestCertificate) =>
      (await rawManagement(server.url, management).send('GET', '/me', by(certificate))).status
    expect([await me(own), await me(stolen), await me()]).toEqual([200, 401, 401])
  })

  test('cannot use tokens again', async () => {
    await expect(server.make.client({ ...BOUND, reuseWindow: 600 })).rejects.toThrow(/bound to a certificate/)
  })
})

describe('tokens of users', () => {
  const SCOPE = 'openid email offline_access all'
  let publicApp: Application
  let confidential: Application

  beforeAll(async () => {
    publicApp = await createApplication(server, { ...BOUND, isPublic: true })
    confidential = await createApplication(server, BOUND)
  })

  const codeOf = (app: Application) => getCode(openBrowser(server.url), app, person, { scope: SCOPE })
  const authOf = (app: Application) => (app === publicApp ? {} : { basic: app.basic })

  test('are bound, and a code without a certificate is refused and stays valid', async () => {
    for (const app of [publicApp, confidential]) {
      const code = await codeOf(app)
      expect(outcomeOf(await app.redeem(code, {}, authOf(app)))).toEqual([400, 'invalid_request'])
      const { body } = await app.redeem(code, {}, { ...authOf(app), ...by(own) })
      expect(cnfOf(body.access_token)).toEqual({ 'x5t#S256': thumbprint })
    }
  })

  test('of a public client are refreshed with the same certificate only (section 4)', async () => {
    const { body } = await publicApp.redeem(await codeOf(publicApp), {}, by(own))
    expect(outcomeOf(await publicApp.refresh(body.refresh_token, {}, by(stolen)))).toEqual([400, 'invalid_grant'])
    expect(outcomeOf(await publicApp.refresh(body.refresh_token, {}, by()))[0]).toBe(400)
    const refreshed = await publicApp.refresh(body.refresh_token, {}, by(own))
    expect(cnfOf(refreshed.body.access_token)).toEqual({ 'x5t#S256': thumbprint })
  })

  test('of a confidential client are bound to the certificate of each refresh', async () => {
    const { body } = await confidential.redeem(
      await codeOf(confidential),
      {},
      { ...authOf(confidential), ...by(stolen) },
    )
    const refreshed = await confidential.refresh(body.refresh_token, {}, { ...authOf(confidential), ...by(own) })
    expect(cnfOf(refreshed.body.access_token)).toEqual({ 'x5t#S256': thumbprint })
  })

  test('serve userinfo with the certificate only', async () => {
    const { body } = await publicApp.redeem(await codeOf(publicApp), {}, by(own))
    const userinfo = (certificate?: TestCertificate) =>
      send(`${server.url}/oauth2/userinfo`, {
        headers: { authorization: `Bearer ${body.access_token}`, ...by(certificate).headers },
      })
    expect((await userinfo(own)).body).toMatchObject({ sub: person.id })
    for (const certificate of [stolen, undefined]) {
      const { status, headers } = await userinfo(certificate)
      expect([status, headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('invalid_token')])
    }
  })
})

test('a bound subject token is exchanged with its certificate only, and the new token is bound too', async () => {
  const app = await createApplication(server, BOUND)
  const code = await getCode(openBrowser(server.url), app, person, { scope: 'openid all' })
  const { body } = await app.redeem(code, {}, { basic: app.basic, ...by(own) })
  const agent = await server.make.client({
    ...BOUND,
    grants: ['client_credentials', TOKEN_EXCHANGE_GRANT],
    exchangeFrom: [app.clientId],
  })
  const exchange = (certificate: TestCertificate) =>
    server.token(
      {
        grant_type: TOKEN_EXCHANGE_GRANT,
        subject_token: body.access_token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      },
      { basic: agent, ...by(certificate) },
    )
  expect(outcomeOf(await exchange(stolen))).toEqual([400, 'invalid_request'])
  const exchanged = await exchange(own)
  expect([exchanged.status, cnfOf(exchanged.body.access_token)]).toEqual([200, { 'x5t#S256': thumbprint }])
})

test('a DPoP proof names the URL of the endpoint at the origin for certificates, or that of the issuer, and no other one', async () => {
  const client = await server.make.client(BOUND)
  const request = async (origin: string, more = {}) => {
    const prover = await createProver(() => origin)
    const headers = { ...by(own).headers, ...(await prover.proof('/oauth2/token', more)).headers }
    const answer = await server.token({ grant_type: 'client_credentials' }, { basic: client, headers })
    return { prover, headers, answer }
  }
  for (const origin of [ORIGIN, server.issuer]) {
    const { prover, headers, answer } = await request(origin)
    expect([answer.status, cnfOf(answer.body.access_token)]).toEqual([200, { jkt: prover.jkt, 'x5t#S256': thumbprint }])
    const again = await server.token({ grant_type: 'client_credentials' }, { basic: client, headers })
    expect(outcomeOf(again)).toEqual([400, 'invalid_dpop_proof'])
  }
  expect(outcomeOf((await request('https://elsewhere.example')).answer)).toEqual([400, 'invalid_dpop_proof'])
  const otherPath = (await request(ORIGIN, { htu: `${ORIGIN}/oauth2/par` })).answer
  expect(outcomeOf(otherPath)).toEqual([400, 'invalid_dpop_proof'])
})

test('discovery names the binding, and the endpoints at the origin for certificates', async () => {
  for (const name of ['oauth-authorization-server', 'openid-configuration']) {
    const { body } = await send(`${server.url}/.well-known/${name}`)
    expect(body.tls_client_certificate_bound_access_tokens).toBe(true)
    expect(body.mtls_endpoint_aliases).toEqual({
      token_endpoint: `${ORIGIN}/oauth2/token`,
      revocation_endpoint: `${ORIGIN}/oauth2/revoke`,
      introspection_endpoint: `${ORIGIN}/oauth2/introspect`,
      pushed_authorization_request_endpoint: `${ORIGIN}/oauth2/par`,
      device_authorization_endpoint: `${ORIGIN}/oauth2/device`,
      userinfo_endpoint: `${ORIGIN}/oauth2/userinfo`,
    })
    const aliases = Object.values(body.mtls_endpoint_aliases as Record<string, string>)
    for (const alias of aliases) {
      const { status } = await postForm(server.url + new URL(alias).pathname, {})
      expect([alias, status]).not.toEqual([alias, 404])
    }
  }
})
