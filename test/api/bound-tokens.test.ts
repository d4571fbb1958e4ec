/** Access tokens that are bound to a key, at the management API (RFC 9449, sections 7 to 9). */
import { decodeProtectedHeader } from 'jose'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { asNginx, createCertificate } from '../support/client-certificates.ts'
import { createProver, type Prover } from '../support/dpop-proofs.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication } from '../support/management.ts'
import { type Answer, type Credentials, send } from '../support/requests.ts'

let server: Keywright
let prover: Prover
let client: Required<Credentials>
let token: string

const create = (more: Partial<ClientSettings> = {}) =>
  managingApplication(server, server.firstStart.accountId, { dpop: 'required', ...more })

async function boundToken(by: Credentials, who = prover): Promise<string> {
  const { status, body } = await server.machineToken(by, { resource: MANAGEMENT_API }, await who.proof())
  expect([status, body.token_type]).toEqual([200, 'DPoP'])
  return body.access_token
}

beforeAll(async () => {
  server = await startKeywright({
    env: {
      CLIENT_CERTIFICATE_HEADER: 'X-SSL-Client-Cert',
      CLIENT_CERTIFICATE_PROXIES: '127.0.0.1,::1',
      CLIENT_CERTIFICATE_ORIGIN: 'https://mtls.keywright.example',
    },
  })
  prover = await createProver(() => server.issuer)
  client = await create()
  token = await boundToken(client)
})

afterAll(async () => {
  expect(server.logLines().filter((line) => (line.level as number) >= 50)).toEqual([])
  await server.stop()
})

interface Request {
  readonly method?: string
  readonly body?: string
  readonly scheme?: string
  /** Instead of a right proof; null: none. */
  readonly proof?: string | null
  readonly with?: Record<string, unknown>
  readonly token?: string
}

/** A request with a right proof, unless it says otherwise. */
async function request(path: string, given: Request = {}): Promise<Answer> {
  const { method = 'GET', scheme = 'DPoP', body, token: sent = token } = given
  const right = () => prover.prove(path.replace(/\?.*/, ''), { method, token: sent, ...given.with })
  const proof = given.proof === undefined ? await right() : given.proof
  const headers = {
    authorization: `${scheme} ${sent}`,
    ...(proof !== null && { dpop: proof }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  return await send(server.url + path, { method, headers, ...(body !== undefined && { body }) })
}

const ME = '/api/v1/me'

/** It is refused, with a challenge for DPoP. */
function expectRefused({ status, body, headers }: Answer, code: string): void {
  expect([status, body.type]).toEqual([401, `urn:keywright:error:${code}`])
  expect(headers.get('www-authenticate')).toMatch(
    new RegExp(`^DPoP realm="Keywright management", error="${code}", error_description="[^"]+", algs="ES256 [\\w ]+"$`),
  )
}

describe('a token that is bound to a key', () => {
  test('is accepted with its proof, whatever the case of the scheme and the query are', async () => {
    for (const scheme of ['DPoP', 'dpop', 'DPOP']) expect((await request(ME, { scheme })).status).toBe(200)
    expect((await request('/api/v1/applications?limit=1')).status).toBe(200)
    const htu = `${server.issuer}${ME}?x=1#y`
    expect((await request(ME, { with: { htu } })).status).toBe(200)
  })

  test('and to a certificate too is accepted with both, where the proxy asks for certificates', async () => {
    const certificate = { 'x-ssl-client-cert': asNginx(createCertificate()) }
    const both = await create({ certificateBoundAccessTokens: true })
    const { dpop } = (await prover.proof()).headers
    const { body } = await server.machineToken(
      both,
      { resource: MANAGEMENT_API },
      { headers: { ...certificate, dpop } },
    )
    const sent: string = body.access_token
    const use = async (more: Record<string, string>) => {
      const proof = await prover.prove(ME, { method: 'GET', token: sent, htu: `https://mtls.keywright.example${ME}` })
      return (await send(server.url + ME, { headers: { authorization: `DPoP ${sent}`, dpop: proof, ...more } })).status
    }
    expect([await use(certificate), await use({})]).toEqual([200, 401])
  })

  test('is refused as a bearer token, also with its proof', async () => {
    expectRefused(await request(ME, { scheme: 'Bearer' }), 'invalid_token')
    expectRefused(await request(ME, { scheme: 'Bearer', proof: null }), 'invalid_token')
  })

  test('is refused without a proof, and with one that was used before', async () => {
    expectRefused(await request(ME, { proof: null }), 'invalid_dpop_proof')
    const proof = await prover.prove(ME, { method: 'GET', token })
    expect((await request(ME, { proof })).status).toBe(200)
    expectRefused(await request(ME, { proof }), 'invalid_dpop_proof')
  })

  test.each<[string, Record<string, unknown>]>([
    ['another method', { method: 'POST' }],
    ['another path', { htu: 'https://keywright.example/api/v1/me' }],
    ['no URL', { htu: 'none' }],
    ['no hash of the token', { ath: undefined, token: undefined }],
    ['the hash of another token', { token: 'another' }],
    ['a time an hour ago', { iat: Math.floor(Date.now() / 1000) - 3600 }],
    ['a time in an hour', { iat: Math.floor(Date.now() / 1000) + 3600 }],
    ['no jti', { jti: undefined }],
    ['a jti that is no text', { jti: 7 }],
  ])('is refused with a proof for %s', async (_, claims) => {
    expectRefused(await request(ME, { with: claims }), 'invalid_dpop_proof')
  })

  test('is refused with a proof of another key, of no type, with a private key, twice, or that is no JWT', async () => {
    const other = await createProver(() => server.issuer)
    const right = await prover.prove(ME, { method: 'GET', token })
    const { jwk } = decodeProtectedHeader(right)
    const withHeader = (header: object) => prover.prove(ME, { method: 'GET', token, header })
    const proofs = [
      await other.prove(ME, { method: 'GET', token }),
      await withHeader({ typ: 'JWT' }),
      await withHeader({ jwk: { ...jwk, d: 'A'.repeat(43) } }),
      await withHeader({ jwk: { kty: 'oct', k: 'AA' } }),
      await withHeader({ jwk: undefined }),
      `${right}, ${right}`,
      `${right.slice(0, right.lastIndexOf('.'))}.AAAA`,
      'a.b.c',
      'x',
    ]
    for (const proof of proofs) expectRefused(await request(ME, { proof }), 'invalid_dpop_proof')
    expect((await request(ME, { proof: right })).status).toBe(200)
  })

  test('changes something with one proof, whose body comes after the first check', async () => {
    const path = '/api/v1/applications'
    const body = JSON.stringify({ name: 'By DPoP', type: 'service' })
    const proof = await prover.prove(path, { method: 'POST', token })
    const made = await request(path, { method: 'POST', body, proof })
    expect(made.status).toBe(201)
    expectRefused(await request(path, { method: 'POST', body, proof }), 'invalid_dpop_proof')
  })

  test('of a client for FAPI 2.0 needs a proof by another algorithm than RS256', async () => {
    const rsa = await createProver(() => server.issuer, 'RS256')
    const other = await create()
    const bound = await boundToken(other, rsa)
    const use = async () =>
      await request(ME, { token: bound, proof: await rsa.prove(ME, { method: 'GET', token: bound }) })
    expect((await use()).status).toBe(200)
    await server.knex('clients').where({ client_id: other.clientId }).update({ fapi2: true })
    expectRefused(await use(), 'invalid_dpop_proof')
  })

  test('revokes all tokens of a user (Global Token Revocation)', async () => {
    const user = await server.make.user('member')
    const path = '/oauth2/global-token-revocation'
    const body = JSON.stringify({ sub_id: { format: 'opaque', id: user.id } })
    const proof = await prover.prove(path, { method: 'POST', token })
    expect((await request(path, { method: 'POST', body, proof })).status).toBe(204)
    const again = await request(path, { method: 'POST', body, proof })
    expect([again.status, again.body.error]).toEqual([401, 'invalid_dpop_proof'])
    expect(again.headers.get('www-authenticate')).toContain('DPoP ')
  })
})

test('a token that is bound to no key is refused as one that is', async () => {
  const free = await managementToken(server, await create({ dpop: 'optional' }))
  expectRefused(await request(ME, { token: free }), 'invalid_token')
  expect((await request(ME, { token: free, scheme: 'Bearer', proof: null })).status).toBe(200)
})

describe('a nonce', () => {
  let bound: string

  beforeAll(async () => {
    bound = await boundToken(client)
    await server.knex('clients').where({ client_id: client.clientId }).update({ dpop: 'nonce' })
  })
  afterAll(async () => {
    await server.knex('clients').where({ client_id: client.clientId }).update({ dpop: 'required' })
  })

  test('is asked for where the client requires it, and works at the token endpoint too', async () => {
    const asked = await request(ME, { token: bound })
    expectRefused(asked, 'use_dpop_nonce')
    const nonce = asked.headers.get('dpop-nonce')!
    const iat = Math.floor(Date.now() / 1000) - 3600
    expect((await request(ME, { token: bound, with: { nonce, iat } })).status).toBe(200)
    const { status } = await server.machineToken(client, {}, await prover.proof('/oauth2/token', { nonce }))
    expect(status).toBe(200)
  })

  test('that is not of this server is refused with one that is', async () => {
    const refused = await request(ME, { token: bound, with: { nonce: 'another' } })
    expectRefused(refused, 'use_dpop_nonce')
    const nonce = refused.headers.get('dpop-nonce')!
    expect((await request(ME, { token: bound, with: { nonce } })).status).toBe(200)
  })

  test('is sent by openid-client as it is', async () => {
    const { clientId, clientSecret } = client
    const execute = [openid.allowInsecureRequests]
    const config = await openid.discovery(new URL(server.issuer), clientId, clientSecret, undefined, { execute })
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair())
    const issued = await openid.clientCredentialsGrant(config, { resource: MANAGEMENT_API }, { DPoP })
    const url = new URL(`${server.issuer}/api/v1/applications?limit=1`)
    for (const again of [1, 2]) {
      const sent = await openid.fetchProtectedResource(config, issued.access_token, url, 'GET', null, undefined, {
        DPoP,
      })
      expect([again, sent.status]).toEqual([again, 200])
    }
  })
})
