/** Seed 004: an application access for one audience; the API asks the server whether a token is still good. */
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keywright } from '../support/cli-in-process.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import type { Credentials } from '../support/requests.ts'

const USAGE = 'https://usage.example.com/api'
const BILLING = 'https://billing.example.com/api'

let server: Keywright
let cli: ReturnType<typeof keywright>
let usage: Credentials
let billing: Credentials
let application: Credentials

async function declare(identifier: string, scopes: string): Promise<Credentials> {
  const made = await cli(`api create --identifier ${identifier} --scopes`, scopes)
  return { clientId: made.client_id, clientSecret: made.client_secret }
}

beforeAll(async () => {
  server = await startKeywright()
  cli = keywright(server.env)
  usage = await declare(USAGE, 'usage:read usage:write')
  billing = await declare(BILLING, 'billing:read')
  const owner = `client create --account ${server.firstStart.accountId} --grants client_credentials`
  const made = await cli(`${owner} --api ${USAGE} --api ${BILLING} --name`, 'Usage exporter')
  application = { clientId: made.client_id, clientSecret: made.client_secret }
})

afterAll(() => server.stop())

test('a request that names the audience answers a token of 1 hour with its scopes, and no refresh token', async () => {
  const { status, body } = await server.machineToken(application, { audience: USAGE })
  expect(status).toBe(200)
  expect(body).toEqual({
    access_token: expect.any(String),
    token_type: 'Bearer',
    expires_in: 3600,
    scope: 'usage:read usage:write',
  })
})

test('the token is an RFC 9068 JWT for that audience only, and jose verifies it with the server’s keys', async () => {
  const { body } = await server.machineToken(application, { audience: BILLING })
  const keys = createRemoteJWKSet(new URL(`${server.url}/oauth2/jwks`))
  const options = { issuer: server.issuer, typ: 'at+jwt' }
  const { payload } = await jwtVerify(body.access_token, keys, { ...options, audience: BILLING })
  expect(payload).toMatchObject({
    sub: application.clientId,
    client_id: application.clientId,
    aud: BILLING,
    scope: 'billing:read',
    jti: expect.any(String),
  })
  expect(payload.exp! - payload.iat!).toBe(3600)
  await expect(jwtVerify(body.access_token, keys, { ...options, audience: USAGE })).rejects.toThrow(/aud/)
})

test('a scope that is asked for narrows the token', async () => {
  const { body } = await server.machineToken(application, { audience: USAGE, scope: 'usage:read' })
  expect(body.scope).toBe('usage:read')
})

test('the API asks with its own credentials, and hears of tokens for itself only', async () => {
  const { access_token } = (await server.machineToken(application, { audience: USAGE })).body
  const own = await server.introspect(access_token, usage)
  expect(own.body).toMatchObject({
    active: true,
    aud: USAGE,
    client_id: application.clientId,
    scope: 'usage:read usage:write',
    token_type: 'Bearer',
  })
  expect((await server.introspect(access_token, billing)).body).toEqual({ active: false })
})

test('when an administrator ends the token, the API hears it with the next question', async () => {
  const { access_token } = (await server.machineToken(application, { audience: USAGE })).body
  const [listed] = (await cli(`token list --client ${application.clientId}`)).tokens
  expect((await cli(`token revoke --jti ${listed.jti}`)).revoked).toBe(1)
  expect((await server.introspect(access_token, usage)).body).toEqual({ active: false })
})

test('an audience that the application has no access to is refused, and nothing is issued', async () => {
  const before = (await cli(`token list --client ${application.clientId}`)).tokens.length
  const { status, body } = await server.machineToken(application, { audience: server.firstStart.api.identifier })
  expect([status, body.error]).toEqual([400, 'invalid_target'])
  expect((await cli(`token list --client ${application.clientId}`)).tokens).toHaveLength(before)
})
