/** SCIM on two nodes: the same requests at once, and what a token of one account can do with the users of another. */
import { randomUUID } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { addMembership } from '../../src/accounts/membership-changes.ts'
import { SCIM_ROUTES } from '../../src/api/scim/scim-interface.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { type IdentityProvider, identityProviderOf, patchOf } from '../api/scim-fixtures.ts'
import { ACTOR } from '../support/factory.ts'
import { together } from '../support/load.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import { send } from '../support/requests.ts'

let on: SharedNodes

beforeAll(async () => {
  on = await shareNodes()
})

/** An account with its identity provider, at each node. */
async function createAccount() {
  const account = await on.make.account()
  const [first, second] = await Promise.all(on.nodes.map(({ url }) => identityProviderOf(on, url, account)))
  return { account, providers: [first!, second!] as const }
}

test('of ten identical POSTs at once on two nodes, one creates the user', async () => {
  const { providers } = await createAccount()
  for (let round = 0; round < 5; round++) {
    const userName = `${randomUUID()}@customer.example`
    const answers = await together(10, (n) =>
      providers[n % 2]!.request('POST', '/Users', { userName, externalId: userName }),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)])
    for (const { status, body } of answers) if (status === 409) expect(body.scimType).toBe('uniqueness')
    expect(await on.knex('users').where({ email: userName })).toHaveLength(1)
  }
})

test('of two users who get one external ID at once on two nodes, one has it', async () => {
  const { providers } = await createAccount()
  const post = (n: number) =>
    providers[0].request('POST', '/Users', { userName: `${randomUUID()}-${n}@customer.example` })
  const users = await together(6, post)
  const change = patchOf({ op: 'add', path: 'externalId', value: 'the same' })
  const answers = await together(6, (n) => providers[n % 2]!.request('PATCH', `/Users/${users[n]!.body.id}`, change))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(5).fill(409)])
})

test('patches of different attributes at once on two nodes are all kept', async () => {
  const { providers } = await createAccount()
  const { body } = await providers[0].request('POST', '/Users', { userName: `${randomUUID()}@customer.example` })
  // Each round is a chance for two requests to read the same state.
  for (let round = 0; round < 8; round++) {
    const wanted = [`external ${round}`, `given ${round}`, `family ${round}`, `name-${round}-${body.id}`]
    const paths = ['externalId', 'name.givenName', 'name.familyName', 'userName']
    await together(4, (n) => {
      const change = patchOf({ op: 'replace', path: paths[n], value: wanted[n] })
      return providers[n % 2]!.request('PATCH', `/Users/${body.id}`, change)
    })
    const { body: after } = await providers[1].request('GET', `/Users/${body.id}`)
    expect([after.externalId, after.name.givenName, after.name.familyName, after.userName]).toEqual(wanted)
  }
})

const BODIES: Readonly<Record<string, object>> = {
  put: { userName: 'mine@foreign.example', active: false },
  patch: patchOf({ op: 'replace', path: 'active', value: false }),
}

/** A request for each endpoint that names a user, from the table of endpoints. */
const OF_ONE_USER = SCIM_ROUTES.filter(([, path]) => path === '/Users/:id').map(([method]) => method)

test('no endpoint lets the token of one account see, change or count a user of another', async () => {
  const [home, foreign] = [await createAccount(), await createAccount()]
  const userName = `${randomUUID()}@customer.example`
  const { body: user } = await home.providers[0].request('POST', '/Users', { userName, externalId: 'home-id' })
  const others = [user.id, (await on.make.user(home.account)).id]
  expect(OF_ONE_USER).toEqual(['get', 'put', 'patch', 'delete'])
  const [stranger] = foreign.providers
  const unknown = randomUUID()
  const shape = async (provider: IdentityProvider, method: string, id: string) => {
    const { status, text } = await provider.request(method.toUpperCase(), `/Users/${id}`, BODIES[method])
    return [status, text.replaceAll(id, 'ID')]
  }
  for (const id of others)
    for (const method of OF_ONE_USER)
      expect(await shape(stranger, method, id)).toEqual(await shape(stranger, method, unknown))
  for (const filter of [
    `userName eq "${userName}"`,
    'externalId eq "home-id"',
    `emails eq "${userName}"`,
    `id eq "${user.id}"`,
  ]) {
    const answer = await stranger.request('GET', `/Users?filter=${encodeURIComponent(filter)}`)
    expect([filter, answer.status, answer.body.totalResults]).toEqual([filter, 200, 0])
  }
  expect((await stranger.request('GET', '/Users')).body.totalResults).toBe(0)
  expect((await home.providers[1].request('GET', `/Users/${user.id}`)).body).toEqual(user)
  for (const subject of [
    { format: 'email', email: userName },
    { format: 'opaque', id: user.id },
    { format: 'opaque', id: 'home-id' },
    { format: 'iss_sub', iss: 'https://keywright.test', sub: user.id },
  ]) {
    const revoke = (token: string) =>
      send(`${on.nodes[1]!.url}/oauth2/global-token-revocation`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ sub_id: subject }),
      })
    expect((await revoke(stranger.token)).status).toBe(404)
    expect((await revoke(home.providers[0].token)).status).toBe(204)
  }
})

test('the provider of one account ends the membership of a user of two, and nothing of the other account', async () => {
  const [home, other] = [await createAccount(), await createAccount()]
  const api = await on.make.api()
  const user = await on.make.user(home.account)
  const membership = { userId: user.id, accountId: other.account, role: 'developer' } as const
  const key = { user_id: user.id, account_id: other.account }
  for (const end of ['PATCH', 'DELETE'] as const) {
    await on.knex('memberships').where(key).delete()
    await on.knex.transaction((trx) => addMembership(trx, membership, ACTOR))
    const kept = await on.make.keyPair(user.id, [api.identifier])
    const [provider] = other.providers
    const profile = {
      userName: 'elsewhere',
      externalId: 'elsewhere',
      displayName: 'Other',
      emails: [{ value: 'x@y.example' }],
    }
    const linked = await provider.request('PUT', `/Users/${user.id}`, profile)
    expect(linked.body).toMatchObject({
      userName: 'elsewhere',
      externalId: 'elsewhere',
      emails: [{ value: user.email }],
    })
    const body = end === 'PATCH' ? patchOf({ op: 'replace', path: 'active', value: false }) : undefined
    expect((await provider.request(end, `/Users/${user.id}`, body)).status).toBe(end === 'PATCH' ? 200 : 204)
    const left = await on.knex('memberships').where(key).pluck('status')
    expect(left).toEqual(end === 'PATCH' ? ['disabled'] : [])
    const { body: athome } = await home.providers[1].request('GET', `/Users/${user.id}`)
    expect(athome).toMatchObject({ userName: user.email, active: true, roles: [{ value: 'admin' }] })
    expect((await on.nodes[1]!.machineToken(kept)).status).toBe(200)
  }
  const { status } = await other.providers[1].request('POST', '/Users', {
    userName: 'elsewhere',
    externalId: 'elsewhere',
    emails: [{ value: `${randomUUID()}@customer.example` }],
  })
  expect(status).toBe(201)
})

test('a user whom an operator has disabled stays off-boarded in the account when the operator enables them again', async () => {
  const [home, other] = [await createAccount(), await createAccount()]
  const user = await on.make.user(home.account)
  const membership = { userId: user.id, accountId: other.account, role: 'member' } as const
  await on.knex.transaction((trx) => addMembership(trx, membership, ACTOR))
  await changeUserStatus(on.knex, user.id, 'disabled', ACTOR)
  const [provider] = other.providers
  const off = patchOf({ op: 'replace', path: 'active', value: false })
  expect((await provider.request('PATCH', `/Users/${user.id}`, off)).status).toBe(200)
  await changeUserStatus(on.knex, user.id, 'active', ACTOR)
  expect((await provider.request('GET', `/Users/${user.id}`)).body.active).toBe(false)
  expect((await home.providers[0].request('GET', `/Users/${user.id}`)).body.active).toBe(true)
})

test('external IDs and user names are unique in each account, not in the instance', async () => {
  for (const { providers } of [await createAccount(), await createAccount()]) {
    const body = {
      userName: 'the same',
      externalId: 'the same',
      emails: [{ value: `${randomUUID()}@customer.example` }],
    }
    expect((await providers[0].request('POST', '/Users', body)).status).toBe(201)
  }
})

test('a SCIM token works neither at the management API nor for a disabled account, nor after its end', async () => {
  const { account, providers } = await createAccount()
  const [provider] = providers
  const management = await send(`${on.nodes[0]!.url}/api/v1/users`, {
    headers: { authorization: `Bearer ${provider.token}` },
  })
  expect(management.status).toBe(401)
  const status = async () => (await provider.request('GET', '/Users')).status
  expect(await status()).toBe(200)
  await on.knex('accounts').where({ id: account }).update({ status: 'disabled' })
  expect(await status()).toBe(401)
  await on.knex('accounts').where({ id: account }).update({ status: 'active' })
  await on.knex('scim_tokens').where({ account_id: account }).update({ expires_at: on.knex.fn.now() })
  expect(await status()).toBe(401)
})
