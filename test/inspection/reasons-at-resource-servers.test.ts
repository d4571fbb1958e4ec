/** What a resource server says about a token that it refused leads the operator to the reason. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../packages/resource-server/src/clock.ts'
import { createVerifier } from '../../packages/resource-server/src/verifier.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { inspect } from '../../src/management/inspection-operations.ts'
import { revokeToken } from '../../src/tokens/revocation.ts'
import { operator } from '../management/principals.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { type Credentials, claimsOf } from '../support/requests.ts'

const OTHER_API = 'https://other.example.com'

let on: Keywright

beforeAll(async () => {
  on = await startKeywright()
})

afterAll(() => on?.stop())

async function issue(client: Credentials): Promise<string> {
  return (await on.machineToken(client)).body.access_token
}

/** What the API answers. A new verifier each time: it has no status list in memory. */
async function refusal(token: string, audience = claimsOf(token).aud as string, requiredScopes: string[] = []) {
  const verifier = createVerifier({ issuer: on.issuer, audience, statusList: {} })
  const request = { headers: { authorization: `Bearer ${token}` } }
  return await verifier.verify(request, { requiredScopes }).then(
    () => ({ code: 'accepted', tokenId: undefined }),
    ({ code, tokenId }) => ({ code: code as string, tokenId: tokenId as string | undefined }),
  )
}

async function reasonOf(text: string, expected: { api?: string; scope?: string } = {}) {
  const services = { knex: on.knex, encryptionKeys: undefined as never }
  return (await inspect(services, operator, { text, ...expected })).reason
}

/** Each `act` ends the token of a new client or key pair. */
const REVOCATIONS: Record<string, () => Promise<{ token: string; act: () => Promise<unknown> }>> = {
  async token_replaced() {
    const { identifier } = await on.make.api({ policy: 'single' })
    const client = await on.make.register({ apis: [identifier] })
    return { token: await issue(client), act: () => issue(client) }
  },
  async key_pair_replaced() {
    const user = await on.make.user()
    const token = await issue(await on.make.keyPair(user.id))
    return { token, act: () => on.make.keyPair(user.id) }
  },
  async token_revoked() {
    const token = await issue(await on.make.register({}))
    return { token, act: () => revokeToken(on.knex, String(claimsOf(token).jti), ACTOR) }
  },
  async client_archived() {
    const client = await on.make.register({})
    return { token: await issue(client), act: () => changeClientStatus(on.knex, client.clientId, 'archived', ACTOR) }
  },
  async secret_retired() {
    const client = await on.make.register({})
    return { token: await issue(client), act: () => rotateSecret(on.knex, client.clientId, 0, ACTOR) }
  },
}

test.each(Object.entries(REVOCATIONS))(
  'an API refuses the token as revoked, and its jti leads to the reason %s',
  async (reason, create) => {
    const { token, act } = await create()
    expect(await refusal(token)).toMatchObject({ code: 'accepted' })
    await act()
    const refused = { code: 'token_revoked', tokenId: claimsOf(token).jti }
    await until(async () => (await refusal(token)).code === refused.code)
    expect(await refusal(token)).toEqual(refused)
    expect(await reasonOf(refused.tokenId as string)).toBe(reason)
  },
)

test('an expired token, a token for another API and one without the scope have the same code at the API and in Inspect', async () => {
  const token = await issue(await on.make.register({}))
  const { jti, aud } = claimsOf(token) as Record<string, string>
  expect(await refusal(token, OTHER_API)).toEqual({ code: 'wrong_audience', tokenId: jti })
  expect(await reasonOf(jti!, { api: OTHER_API })).toBe('wrong_audience')
  expect(await refusal(token, aud, ['never-granted'])).toEqual({ code: 'insufficient_scope', tokenId: jti })
  expect(await reasonOf(jti!, { scope: 'never-granted' })).toBe('insufficient_scope')

  const tomorrow = { ...systemClock, wall: () => Date.now() + 86_400_000 }
  const late = createVerifier({ issuer: on.issuer, audience: aud!, statusList: false }, tomorrow)
  await expect(late.verify({ headers: { authorization: `Bearer ${token}` } })).rejects.toMatchObject({
    code: 'token_expired',
    tokenId: jti,
  })
  await on
    .knex('access_tokens')
    .where({ jti })
    .update({ expires_at: on.knex.raw(`now() - interval '1 minute'`) })
  expect(await reasonOf(jti!)).toBe('token_expired')
})

test('a token that the issuer did not sign has the same code at the API and in Inspect', async () => {
  const token = await issue(await on.make.register({}))
  const [header, , signature] = token.split('.')
  const [, claims] = (await issue(await on.make.register({}))).split('.')
  const forged = `${header}.${claims}.${signature}`
  expect(await refusal(forged, claimsOf(token).aud as string)).toMatchObject({ code: 'not_signed_by_issuer' })
  expect(await reasonOf(forged)).toBe('not_signed_by_issuer')
})
