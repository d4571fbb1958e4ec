import { afterAll, beforeAll, expect, test } from 'vitest'
import { keywright } from '../support/cli-in-process.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import {
  managementToken,
  managingApplication,
  managingForUsers,
  rawManagement,
  tokenOfUser,
} from '../support/management.ts'
import { send } from '../support/requests.ts'
import { createTestUser } from '../support/test-users.ts'

let on: Keywright

beforeAll(async () => {
  on = await startKeywright()
})
afterAll(() => on?.stop())

const statusWith = async (token: string) =>
  (await send(`${on.url}/scim/v2/Users`, { headers: { authorization: `Bearer ${token}` } })).status

test('the command line generates, lists and revokes SCIM tokens, and off-boards a user', async () => {
  const account = await on.make.account()
  const user = await on.make.user('admin', account)
  const cli = keywright(on.env)
  const made = (await cli(`scim-token generate --account ${account} --role developer --days 30`)) as Record<
    string,
    string
  >
  expect(made).toMatchObject({ account_id: account, role: 'developer', last_four: made.token!.slice(-4) })
  expect(await statusWith(made.token!)).toBe(200)
  const { scim_tokens: listed } = (await cli(`scim-token list --account ${account}`)) as { scim_tokens: object[] }
  expect(listed).toMatchObject([{ scim_token_id: made.scim_token_id, last_used_at: expect.anything() }])
  expect(JSON.stringify(listed)).not.toContain(made.token)
  await cli(`scim-token revoke ${made.scim_token_id}`)
  expect(await statusWith(made.token!)).toBe(401)
  expect(await cli(`user offboard ${user.email}`)).toMatchObject({ user_id: user.id, status: 'disabled' })
})

test('the management API limits the number and lifetime of the tokens of an account', async () => {
  const account = await on.make.account()
  const api = rawManagement(on.url, await managementToken(on, await managingApplication(on, account)))
  for (const [days, status] of [
    [0, 400],
    [731, 400],
    [1, 201],
    [730, 201],
    [30, 409],
  ])
    expect((await api.json('POST', '/scim-tokens', { days })).status, `${days} days`).toBe(status)
  await on.knex('scim_tokens').where({ account_id: account }).update({ expires_at: on.knex.fn.now() })
  expect((await api.json('POST', '/scim-tokens', {})).status).toBe(201)
  expect(await on.knex('scim_tokens').where({ account_id: account })).toHaveLength(1)
})

test('a program that acts for a user generates no SCIM token', async () => {
  const account = await on.make.account()
  const admin = await createTestUser(on.knex, account, 'admin')
  const token = await tokenOfUser(on, await managingForUsers(on, account), admin)
  const answer = await rawManagement(on.url, token).json('POST', '/scim-tokens', {})
  expect([answer.status, answer.body.type]).toEqual([403, 'urn:keywright:error:forbidden'])
})

test('the last admin is off-boarded by the provider, and not by a colleague', async () => {
  const account = await on.make.account()
  const admin = await on.make.user('admin', account)
  const api = rawManagement(on.url, await managementToken(on, await managingApplication(on, account)))
  expect((await api.json('POST', `/users/${admin.id}/offboard`, {})).status).toBe(409)
  const { token } = (await api.json('POST', '/scim-tokens', {})).body
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' }
  const body = JSON.stringify({ Operations: [{ op: 'replace', path: 'active', value: false }] })
  expect((await send(`${on.url}/scim/v2/Users/${admin.id}`, { method: 'PATCH', headers, body })).body.active).toBe(
    false,
  )
})
