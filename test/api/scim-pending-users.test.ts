/** What the identity provider of an account learns of addresses that users of other accounts have: nothing. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isPendingKey } from '../../src/database/address-keys.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { send } from '../support/requests.ts'
import { createTestUser } from '../support/test-users.ts'
import { type IdentityProvider, identityProviderOf, patchOf } from './scim-fixtures.ts'

let server: Keywright
let account: string
let provider: IdentityProvider

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  provider = await identityProviderOf(server, server.url, account)
})
afterAll(async () => await server?.stop())

/** One that a user of another account has, and one that nobody has. */
async function twoAddresses(): Promise<[used: string, free: string]> {
  const { email } = await createTestUser(server.knex, await server.make.account())
  return [email, `${randomUUID()}@free.example`]
}

const keyOf = async (id: string): Promise<string> => (await server.knex('users').where({ id }).first()).email_key

test('an address of a user elsewhere is added, found, changed and revoked like a new one', async () => {
  const emails = await twoAddresses()
  const seen: unknown[] = []
  for (const email of emails) {
    const { status, body } = await provider.request('POST', '/Users', { userName: email })
    const again = await provider.request('POST', '/Users', { userName: randomUUID(), emails: [{ value: email }] })
    const found: number[] = []
    for (const attribute of ['userName', 'emails.value']) {
      const filter = encodeURIComponent(`${attribute} eq "${email}"`)
      found.push((await provider.request('GET', `/Users?filter=${filter}`)).body.totalResults)
    }
    const revoked = await send(`${server.url}/oauth2/global-token-revocation`, {
      method: 'POST',
      headers: { authorization: `Bearer ${provider.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sub_id: { format: 'email', email } }),
    })
    const renamed = await provider.request(
      'PATCH',
      `/Users/${body.id}`,
      patchOf({ op: 'replace', path: 'displayName', value: 'A' }),
    )
    seen.push([status, Object.keys(body), again.status, found, revoked.status, renamed.status])
  }
  expect(seen[0]).toEqual(seen[1])
  expect(seen[1]).toMatchObject([201, {}, 409, [1, 1], 204, 200])
})

test('another address of a user who has not signed in can be any, and the user is pending then', async () => {
  const { body } = await provider.request('POST', '/Users', { userName: `${randomUUID()}@free.example` })
  for (const [n, email] of (await twoAddresses()).entries()) {
    const change = patchOf({ op: 'replace', path: 'emails', value: [{ value: email, primary: true }] })
    const changed = await provider.request('PATCH', `/Users/${body.id}`, change)
    expect([changed.status, changed.body.emails?.[0].value]).toEqual([200, email])
    expect(isPendingKey(await keyOf(body.id))).toBe(n === 0)
  }
})

test('the address of a user who has signed in stays, whether the other one is used or free', async () => {
  const person = await createTestUser(server.knex, account)
  for (const email of await twoAddresses()) {
    const change = patchOf(
      { op: 'replace', path: 'emails', value: [{ value: email, primary: true }] },
      { op: 'replace', path: 'displayName', value: email },
    )
    const { status, body } = await provider.request('PATCH', `/Users/${person.id}`, change)
    expect([status, body.displayName, body.emails[0].value]).toEqual([200, email, person.email])
  }
})
