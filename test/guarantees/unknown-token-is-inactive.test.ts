import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, expect, test } from 'vitest'
import { withOtherStart } from '../support/altered-texts.ts'
import { activeAmong } from '../support/load.ts'
import { type SharedNodes, shareNodes, startNode } from '../support/nodes.ts'
import { type Credentials, claimsOf } from '../support/requests.ts'

let on: SharedNodes
let api: Credentials & { identifier: string }
let client: Credentials

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api()
  client = await on.make.client([api.identifier])
})

async function newToken(n = 0): Promise<string> {
  return (await on.nodes[n]!.machineToken(client)).body.access_token
}

const json = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
const headerOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString())

/** Expects introspection to return only `active: false`, and revocation to succeed (RFC 7009, section 2.2). */
async function expectUnknown(token: string): Promise<void> {
  for (const node of on.nodes) {
    for (const caller of [api, client]) expect((await node.introspect(token, caller)).body).toEqual({ active: false })
    expect((await node.revoke(token, client)).status).toBe(200)
  }
}

test('a JWT is introspected and revoked on any node', async () => {
  const token = await newToken(0)
  const { body } = await on.nodes[1]!.introspect(token, api)
  expect(body).toEqual({ active: true, token_type: 'Bearer', ...claimsOf(token) })
  expect((await on.nodes[1]!.revoke(token, client)).status).toBe(200)
  expect(await activeAmong(on.nodes, [token], api)).toEqual([])
})

test('a token that was never issued is inactive: any text, a token of a foreign key, a forged or tampered token', async () => {
  const token = await newToken()
  const [header, payload, signature] = token.split('.') as [string, string, string]
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const foreign = await new SignJWT(claimsOf(token)).setProtectedHeader(headerOf(token)).sign(privateKey)
  const more = json({ ...claimsOf(token), scope: 'read write admin' })
  const unsigned = `${json({ alg: 'none', typ: 'at+jwt' })}.${payload}.`
  const jwk = { ...headerOf(token), jwk: await exportJWK(publicKey) }
  const known = [
    ...['x', 'a.b.c', '..', 'kws_x', 'kwr_x', 'null', '0', `${'x'.repeat(9000)}`],
    ...[foreign, `${header}.${more}.${signature}`, `${header}.${payload}.`, unsigned],
    ...[`${json(jwk)}.${payload}.${signature}`, `${header}.${payload}.${withOtherStart(signature)}`],
    ...[`${token}=`, `${token}.`, token.slice(0, -1)],
  ]
  for (const one of known) await expectUnknown(one)
  expect(await activeAmong(on.nodes, [token], api)).toEqual([token])
})

test('a JWT with a valid signature that is not in the access-token store is inactive', async () => {
  const token = await newToken()
  await on
    .knex('access_tokens')
    .where({ jti: claimsOf(token).jti as string })
    .delete()
  await expectUnknown(token)
})

test('a token of another issuer with the same keys is inactive', async () => {
  const other = await startNode({ ...on.env, ISSUER: 'https://other.test' })
  const { access_token } = (await other.machineToken(client)).body
  await expectUnknown(access_token)
  await other.stop()
})
