/** Client authentication by the token of a workload, whose issuer the client trusts (RFC 7523). */
import type { JWTPayload } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { JWT_BEARER_GRANT } from '../../src/clients/grant-types.ts'
import { parseTrust, type TrustInput } from '../../src/clients/workload-trusts.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { readApplicationSecrets } from '../../src/management/client-secrets-reading.ts'
import { addTrust } from '../../src/management/client-trust-addition.ts'
import { readClientRefusals } from '../../src/management/client-usage-operations.ts'
import type { Management } from '../../src/management/operation.ts'
import { retireSecret } from '../../src/management/secret-retirement.ts'
import { operator } from '../management/principals.ts'
import { assertionForm, newClientKey, signAssertion } from '../support/client-assertions.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { githubClaims, type MockIssuer, newIssuerKey, signClaims, startMockIssuer } from '../support/mock-issuer.ts'
import { claimsOf } from '../support/requests.ts'

let server: Keywright
let github: MockIssuer
let api: { identifier: string }
let clientId: string

const management = () => ({ knex: server.knex }) as Management

const conditions = [{ claim: 'repository', anyOf: ['octo-org/octo-repo'] }]

async function register(trust: Partial<TrustInput> = {}, settings = {}) {
  const trusts = [await parseTrust({ issuer: github.issuer, conditions, ...trust })]
  return await server.make.register({
    settings: { authMethod: 'workload_identity', ...settings },
    apis: [api.identifier],
    trusts,
  })
}

beforeAll(async () => {
  github = await startMockIssuer()
  server = await startKeywright({ env: { OUTGOING_ALLOW: '127.0.0.1' } })
  api = await server.make.api()
  clientId = (await register()).clientId
})
afterAll(async () => {
  await server?.stop()
  await github?.stop()
})
beforeEach(() => {
  github.respond = undefined
})

const claims = (changed: JWTPayload = {}) => ({ ...githubClaims(github.issuer, server.url), ...changed })

const tokenFor = (assertion: string, id = clientId, form = {}) =>
  server.token({ grant_type: 'client_credentials', client_id: id, ...assertionForm(assertion), ...form })

const now = () => Math.floor(Date.now() / 1000)

/** The only refused request of a client, as its admin sees it. */
async function refusalOf(id: string) {
  const read = async () => (await readClientRefusals(management(), operator, { clientId: id })).samples[0]
  await until(async () => (await read()) !== undefined)
  return (await read())!
}

const secretsOf = async (id: string) => (await readApplicationSecrets(management(), operator, { clientId: id })).secrets

describe('a token with the claims that GitHub documents', () => {
  test('gets an access token, also several times, and its use is shown', async () => {
    const assertion = await github.sign(claims())
    for (const form of [{}, { unknown: 'parameter' }]) {
      const { status, body } = await tokenFor(assertion, clientId, form)
      expect([status, body.error]).toEqual([200, undefined])
      expect(claimsOf(body.access_token)).toMatchObject({ sub: clientId, client_id: clientId, aud: api.identifier })
    }
    expect(github.reads()).toBe(1)
  })

  test('is the grant of the jwt-bearer grant, for which the client also needs client_credentials', async () => {
    const form = async (id: string) => ({
      grant_type: JWT_BEARER_GRANT,
      client_id: id,
      assertion: await github.sign(claims()),
    })
    const both = await register({}, { grants: ['client_credentials', JWT_BEARER_GRANT] })
    const { status, body } = await server.token(await form(both.clientId))
    expect([status, body.token_type]).toEqual([200, 'Bearer'])
    expect(claimsOf(body.access_token)).toMatchObject({ sub: both.clientId, aud: api.identifier })
    const alone = await register({}, { grants: [JWT_BEARER_GRANT] })
    expect((await server.token(await form(alone.clientId))).body.error).toBe('unauthorized_client')
    expect((await server.token(await form(clientId))).body.error).toBe('unauthorized_client')
    const secret = await server.make.register({
      settings: { grants: ['client_credentials', JWT_BEARER_GRANT] },
      apis: [api.identifier],
    })
    const { grant_type, assertion } = await form(secret.clientId)
    const basic = { clientId: secret.clientId, clientSecret: secret.clientSecret }
    expect((await server.token({ grant_type, assertion }, { basic })).body.error).toBe('invalid_grant')
  })

  test('of another repository gets 401, with a reason that only the admin can read', async () => {
    const { clientId: id } = await register()
    const assertion = await github.sign(githubClaims(github.issuer, server.url, 'octo-org/other-repo'))
    const { status, body } = await tokenFor(assertion, id)
    expect([status, body]).toEqual([
      401,
      { error: 'invalid_client', error_description: 'client authentication failed' },
    ])
    expect(await refusalOf(id)).toMatchObject({
      reason: 'identity_condition',
      detail: 'repository: octo-org/other-repo (required: octo-org/octo-repo)',
    })
  })
})

describe('refuses a token', () => {
  const CASES: [string, () => Promise<string>, string, string?][] = [
    ['of another audience', () => github.sign(claims({ aud: 'https://other.example' })), 'identity_condition', 'aud: '],
    [
      'with a further audience',
      () => github.sign(claims({ aud: [server.url, 'https://other.example'] })),
      'identity_condition',
      'aud: ',
    ],
    ['that has expired', () => github.sign(claims({ exp: now() - 60 })), 'identity_expired', 'exp: '],
    ['that is valid for too long', () => github.sign(claims({ exp: now() + 100_000 })), 'identity_invalid', 'exp: '],
    ['without an end', () => github.sign(claims({ exp: undefined })), 'identity_invalid', 'exp: '],
    ['from the future', () => github.sign(claims({ nbf: now() + 600 })), 'identity_invalid', 'nbf: '],
    ['issued in the future', () => github.sign(claims({ iat: now() + 600 })), 'identity_invalid', 'iat: '],
    ['without the claim', () => github.sign(claims({ repository: undefined })), 'identity_condition', 'repository: '],
    [
      'with a list in place of the claim',
      () => github.sign(claims({ repository: ['octo-org/octo-repo'] })),
      'identity_condition',
      'repository: ',
    ],
    [
      'of another issuer with the same keys',
      () => github.sign(claims({ iss: 'https://other.example' })),
      'issuer_not_trusted',
    ],
    [
      'whose issuer has a slash at its end',
      () => github.sign(claims({ iss: `${github.issuer}/` })),
      'issuer_not_trusted',
    ],
    [
      'with a claim that is shortened within a character',
      () => github.sign(claims({ repository: `${'x'.repeat(119)}😀` })),
      'identity_condition',
      'repository: ',
    ],
    ['of another type', () => github.sign(claims(), { typ: 'at+jwt' }), 'identity_invalid'],
    ['by another key of the same name', async () => signClaims(await newIssuerKey('first'), claims()), 'identity_key'],
    ['by an unknown key', async () => signClaims(await newIssuerKey('unknown'), claims()), 'identity_key'],
    [
      'without a signature',
      async () => {
        const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
        return `${part({ alg: 'none' })}.${part(claims())}.`
      },
      'identity_invalid',
    ],
    ['that is no JWT', async () => 'x.y.z', 'identity_invalid'],
    ['that is too long', () => github.sign(claims({ long: 'x'.repeat(9000) })), 'identity_invalid'],
  ]

  test.concurrent.each(CASES)('%s', async (_, make, reason, detail = '') => {
    const { clientId: id } = await register()
    const { status, body } = await tokenFor(await make(), id)
    expect([status, body]).toEqual([
      401,
      { error: 'invalid_client', error_description: 'client authentication failed' },
    ])
    const refusal = await refusalOf(id)
    expect([refusal.reason, refusal.detail.slice(0, detail.length)]).toEqual([reason, detail])
    if (!detail) expect(refusal.detail).toBe('')
  })

  test('with two members of one name', async () => {
    const { CompactSign } = await import('jose')
    const payload = JSON.stringify(claims({ repository: 'octo-org/other-repo' }))
    const doubled = payload.replace('{', '{"repository":"octo-org/octo-repo",')
    const sign = (text: string) =>
      new CompactSign(Buffer.from(text)).setProtectedHeader({ alg: 'RS256', kid: 'first' }).sign(github.key.privateKey)
    expect((await tokenFor(await sign(doubled))).status).toBe(401)
    expect((await tokenFor(await sign(JSON.stringify(claims())))).status).toBe(200)
  })

  test('of a client without a client ID, and with a client secret', async () => {
    const assertion = await github.sign(claims())
    const { status } = await server.token({ grant_type: 'client_credentials', ...assertionForm(assertion) })
    expect(status).toBe(401)
    const other = await server.make.register({ apis: [api.identifier] })
    expect((await tokenFor(assertion, other.clientId)).status).toBe(401)
    expect((await tokenFor(assertion, clientId, { client_secret: 'x' })).status).toBe(400)
  })
})

test('accepts the only audience in a list, as Kubernetes has it, and an audience of the trust', async () => {
  expect((await tokenFor(await github.sign(claims({ aud: [server.url] })))).status).toBe(200)
  const { clientId: id } = await register({ audience: 'keywright' })
  expect((await tokenFor(await github.sign(claims({ aud: 'keywright' })), id)).status).toBe(200)
  expect((await tokenFor(await github.sign(claims()), id)).status).toBe(401)
})

test('accepts no token of this server itself, which the API that receives it could use', async () => {
  const other = await server.make.api({ tokenType: 'JWT' })
  const issued = await server.make.register({ apis: [other.identifier] })
  const basic = { clientId: issued.clientId, clientSecret: issued.clientSecret }
  const { body } = await server.token({ grant_type: 'client_credentials' }, { basic })
  const { clientId: id } = await register({
    issuer: server.url,
    audience: other.identifier,
    conditions: [{ claim: 'sub', anyOf: [issued.clientId] }],
  })
  expect((await tokenFor(body.access_token, id)).status).toBe(401)
  expect((await refusalOf(id)).reason).toBe('identity_invalid')
})

test('accepts each token once, where the trust says so', async () => {
  const { clientId: id } = await register({ singleUse: true })
  const assertion = await github.sign(claims())
  expect((await tokenFor(assertion, id)).status).toBe(200)
  expect((await tokenFor(assertion, id)).status).toBe(401)
  expect(await refusalOf(id)).toMatchObject({ reason: 'assertion_replayed' })
  expect((await tokenFor(await github.sign(claims({ jti: undefined })), id)).status).toBe(401)
})

test('several trusts: each is enough, and one that is retired ends with its tokens', async () => {
  const { clientId: id } = await register()
  const other = await github.sign(githubClaims(github.issuer, server.url, 'octo-org/other-repo'))
  expect((await tokenFor(other, id)).status).toBe(401)
  const trust = await parseTrust({
    issuer: github.issuer,
    conditions: [{ claim: 'sub', anyOf: ['repo:octo-org/other-*:environment:prod'] }],
  })
  await addTrust(server.knex, id, { trust }, ACTOR)
  const { status, body } = await tokenFor(other, id)
  expect(status).toBe(200)
  const secrets = await secretsOf(id)
  expect(secrets).toMatchObject([
    { kind: 'trust', trust: { conditions: [{ claim: 'sub' }], hasKeys: false } },
    { kind: 'trust', trust: { issuer: github.issuer, audience: null, singleUse: false } },
  ])
  await retireSecret(server.knex, id, secrets[0]!.id, ACTOR)
  expect((await tokenFor(other, id)).status).toBe(401)
  expect((await tokenFor(await github.sign(claims()), id)).status).toBe(200)
  const active = await server.knex('active_access_tokens').where({ jti: claimsOf(body.access_token).jti })
  expect(active).toEqual([])
})

describe('an issuer whose keys cannot be read: the admin of the account reads no more than that, and the log has the cause', () => {
  const RESPONSES: [string, MockIssuer['respond'], RegExp][] = [
    ['does not respond in time', () => undefined, /did not answer within 3 s/],
    ['responds with an error', (_, response) => void response.writeHead(500).end(), /status 500/],
    [
      'redirects to a private address',
      (_, response) => void response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
      /status 302/,
    ],
    [
      'responds with too much',
      (_, response) => void response.end(JSON.stringify({ keys: ['x'.repeat(200_000)] })),
      /answered more than/,
    ],
    [
      'names another issuer',
      (_, response) => void response.end(JSON.stringify({ issuer: 'https://other.example', jwks_uri: 'https://x' })),
      /names another issuer/,
    ],
    [
      'names keys at what is no URI',
      ({ headers }, response) => {
        const issuer = `http://${headers.host}`
        response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/keys\0` }))
      },
      /no valid jwks_uri/,
    ],
    [
      'has two members of one name',
      (_, response) => void response.end('{"issuer":"x","issuer":"y"}'),
      /no valid JSON object/,
    ],
  ]

  test.each(RESPONSES)('%s', async (_, respond, detail) => {
    const failing = await startMockIssuer()
    try {
      failing.respond = respond
      const { clientId: id } = await register({ issuer: failing.issuer })
      const assertion = await failing.sign({ ...claims(), iss: failing.issuer })
      expect((await tokenFor(assertion, id)).status).toBe(401)
      const { reason, detail: shown, requestId } = await refusalOf(id)
      expect([reason, shown]).toEqual(['issuer_unavailable', ''])
      const line = server.logLines().find(({ request_id }) => request_id === requestId)
      expect(line?.detail).toMatch(detail)
    } finally {
      await failing.stop()
    }
  })

  test('is not needed where the trust has the keys', async () => {
    const cluster = await newIssuerKey('cluster', 'ES256')
    const issuer = 'https://kubernetes.default.svc.cluster.local'
    const subject = 'system:serviceaccount:billing:export'
    const { clientId: id } = await register({
      issuer,
      conditions: [{ claim: 'sub', anyOf: [subject] }],
      jwks: JSON.stringify({ keys: [cluster.jwk] }),
    })
    const of = (sub: string) =>
      signClaims(
        cluster,
        { iss: issuer, sub, aud: [server.url], iat: now(), nbf: now(), exp: now() + 3600 },
        { typ: undefined },
      )
    expect((await tokenFor(await of(subject), id)).status).toBe(200)
    expect((await tokenFor(await of('system:serviceaccount:billing:other'), id)).status).toBe(401)
  })
})

test('works beside the earlier public key of the client within its overlap, which ends with its tokens', async () => {
  const key = await newClientKey()
  const { clientId: id } = await server.make.register({
    settings: { authMethod: 'private_key_jwt' },
    apis: [api.identifier],
    keys: key.parsed,
  })
  const trusts = [await parseTrust({ issuer: github.issuer, conditions })]
  await rotateSecret(server.knex, id, 3600, ACTOR, { authMethod: 'workload_identity', trusts })
  const byKey = async () => await tokenFor(await signAssertion(key, { clientId: id, audience: server.issuer }), id)
  const { status, body } = await byKey()
  expect([status, (await tokenFor(await github.sign(claims()), id)).status]).toEqual([200, 200])
  const [earlier] = (await secretsOf(id)).filter(({ kind }) => kind === 'key')
  await retireSecret(server.knex, id, earlier!.id, ACTOR)
  expect((await byKey()).status).toBe(401)
  const active = await server.knex('active_access_tokens').where({ jti: claimsOf(body.access_token).jti })
  expect(active).toEqual([])
})
