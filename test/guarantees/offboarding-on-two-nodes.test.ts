/** Off-boarding by an identity provider or by the management API ends everything of a user, at resource servers that verify offline too. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createVerifier, type Verifier } from '../../packages/resource-server/src/index.ts'
import { insertScimToken } from '../../src/accounts/scim-tokens.ts'
import { activeAmong, startLoad, until } from '../support/load.ts'
import { countWaiting } from '../support/lock-waits.ts'
import { managementToken, managingApplication } from '../support/management.ts'
import { ISSUER, type Nodes, startNodes } from '../support/nodes.ts'
import { type Credentials, postForm, send } from '../support/requests.ts'
import { openSignedInBrowser, redemptionOf } from '../support/signed-in-browsers.ts'

let on: Nodes
let api: Credentials & { identifier: string }
let operator: string
const open: Verifier[] = []

beforeAll(async () => {
  on = await startNodes(2, { env: { STATUS_LIST_TTL: '5' } })
  api = await on.make.api()
  operator = await managementToken(on.nodes[0]!, await managingApplication(on, null))
})
afterEach(() => {
  for (const verifier of open.splice(0)) verifier.close()
})
afterAll(async () => await on.stop())

const nodeOf = (n: number) => on.nodes[n % on.nodes.length]!

/** A resource server that follows the feed of one node. */
function openVerifier(n: number): Verifier {
  const feed = { clientId: api.clientId, clientSecret: api.clientSecret! }
  const toNode = (url: string | URL | Request, init?: RequestInit) => {
    const { pathname, search } = new URL(String(url))
    return fetch(nodeOf(n).url + pathname + search, init)
  }
  const statusList = { feed, maxAge: 30 }
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: api.identifier,
    fetch: toNode as typeof fetch,
    statusList,
  })
  open.push(verifier)
  return verifier
}

async function verdict(verifier: Verifier, token: string): Promise<string> {
  const request = { method: 'GET', url: `${api.identifier}/`, headers: { authorization: `Bearer ${token}` } }
  return await verifier.verify(request).then(
    () => 'accepted',
    (error: { code?: string }) => error.code ?? String(error),
  )
}

/** A developer with a session, a consent, tokens of an application, and a key pair with a token; and a colleague who has the same. */
async function createUser(account: string, n = 0) {
  const person = await on.make.person(account)
  await on.knex('memberships').where({ user_id: person.id }).update({ role: 'developer' })
  const pair = await on.make.keyPair(person.id, [api.identifier])
  const app = await on.make.application([api.identifier])
  const browser = await openSignedInBrowser(nodeOf(n), person)
  const { body } = await nodeOf(1).token(redemptionOf(await browser.code(app)), { basic: app })
  const own = (await nodeOf(0).machineToken(pair)).body.access_token
  return { person, pair, app, browser, refreshToken: body.refresh_token, tokens: [body.access_token, own] as string[] }
}

type OffboardedUser = Awaited<ReturnType<typeof createUser>>

async function scimToken(account: string): Promise<string> {
  const settings = { role: 'member', lifetime: 3600 } as const
  return (await on.knex.transaction((trx) => insertScimToken(trx, account, settings))).secret
}

const json = (n: number, method: string, path: string, token: string, body?: unknown, type = 'application/json') =>
  send(nodeOf(n).url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': type },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })

const revoke = (n: number, token: string, subject: object) =>
  json(n, 'POST', '/oauth2/global-token-revocation', token, { sub_id: subject })

/** What off-boards a user, and whether they may sign in afterwards. */
const WAYS: readonly { name: string; status: number; staysActive?: true; act: Act }[] = [
  {
    name: 'the management API',
    status: 200,
    act: (n, { person }) => json(n, 'POST', `/api/v1/users/${person.id}/offboard`, operator),
  },
  {
    name: 'Global Token Revocation with the SCIM token of the account',
    status: 204,
    staysActive: true,
    act: async (n, { person }, token) => await revoke(n, await token(), { format: 'email', email: person.email }),
  },
  {
    name: 'a SCIM request that disables the user',
    status: 200,
    act: async (n, { person }, token) => {
      const operations = [{ op: 'Replace', path: 'active', value: 'False' }]
      return await json(n, 'PATCH', `/scim/v2/Users/${person.id}`, await token(), { Operations: operations })
    },
  },
  {
    name: 'Global Token Revocation with an access token',
    status: 204,
    staysActive: true,
    act: (n, { person }) => revoke(n, operator, { format: 'iss_sub', iss: ISSUER, sub: person.id }),
  },
]

type Act = (n: number, user: OffboardedUser, token: () => Promise<string>) => ReturnType<typeof send>

async function expectEnded(user: OffboardedUser, staysActive: boolean): Promise<void> {
  const { person, pair, app, browser, refreshToken, tokens } = user
  expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
  for (const n of [0, 1]) {
    expect((await nodeOf(n).machineToken(pair)).status).toBe(401)
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
    expect((await nodeOf(n).token(form, { basic: app })).body.error).toBe('invalid_grant')
  }
  expect((await browser.follow(app)).page.left).toBeUndefined()
  expect(await on.knex('consents').where({ given_by: person.id })).toEqual([])
  const { status } = await on.knex('users').where({ id: person.id }).first('status')
  expect(status).toBe(staysActive ? 'active' : 'disabled')
}

test.each(WAYS.map((way, n) => [way.name, way, n] as const))(
  '%s ends the sessions, consents, key pairs and tokens of one user, offline too',
  async (_, { act, status, staysActive = false }, n) => {
    const account = await on.make.account()
    const [user, colleague] = [await createUser(account), await createUser(account)]
    const verifiers = [openVerifier(0), openVerifier(1)]
    const verdicts = async (tokens: string[]) =>
      (await Promise.all(verifiers.flatMap((one) => tokens.map((token) => verdict(one, token))))).join(' ')
    expect(await verdicts(user.tokens)).toBe('accepted accepted accepted accepted')
    const answer = await act(n, user, () => scimToken(account))
    expect(answer.status, answer.text).toBe(status)
    await until(async () => (await verdicts(user.tokens)) === Array(4).fill('token_revoked').join(' '))
    await expectEnded(user, staysActive)
    expect(await verdicts(colleague.tokens)).toBe('accepted accepted accepted accepted')
    expect((await act(n + 1, user, () => scimToken(account))).status).toBe(status)
    await expectEnded(user, staysActive)
  },
)

test.each(WAYS.map((way, n) => [way.name, way, n] as const))(
  '%s is done wholly or not at all by a node that is killed, and can be repeated at the other',
  async (_, { act, status, staysActive = false }, n) => {
    const account = await on.make.account()
    const user = await createUser(account, n + 1)
    const token = await scimToken(account)
    const holding = await on.knex.transaction()
    // The statement that ends the key pair waits, after the consents and tokens were ended.
    await holding('clients').where({ client_id: user.pair.clientId }).forShare().first('id')
    const request = act(n, user, async () => token).catch(() => undefined)
    await until(async () => (await countWaiting(on.knex)) > 0)
      .then(() => nodeOf(n).kill())
      .finally(() => holding.rollback())
    await request
    await on.statementsEnded()
    const left = await on.knex('consents').where({ given_by: user.person.id })
    const active = await activeAmong([nodeOf(n + 1)], user.tokens, api)
    expect([0, 2]).toContain(active.length)
    expect(left).toHaveLength(active.length === 0 ? 0 : 1)
    expect((await act(n + 1, user, async () => token)).status).toBe(status)
    await on.restart(n % 2)
    await expectEnded(user, staysActive)
  },
)

test('no token that is issued while a user is off-boarded stays active', async () => {
  for (const [round, { act }] of WAYS.entries()) {
    const account = await on.make.account()
    const user = await createUser(account)
    const token = await scimToken(account)
    const load = startLoad(6, async (loop, n) => await nodeOf(loop + n).machineToken(user.pair))
    await load.reached(12)
    await act(round, user, async () => token)
    await load.next(12)
    const answers = await load.stop()
    const issued = answers.filter(({ status }) => status === 200).map(({ body }) => body.access_token as string)
    expect(issued.length).toBeGreaterThan(0)
    expect(await activeAmong(on.nodes, issued, api)).toEqual([])
  }
})

test('the endpoint is in the metadata', async () => {
  const { body } = await send(`${nodeOf(0).url}/.well-known/oauth-authorization-server`)
  expect(body.global_token_revocation_endpoint).toBe(`${ISSUER}/oauth2/global-token-revocation`)
})

test('a revoked SCIM token revokes nothing', async () => {
  const account = await on.make.account()
  const user = await createUser(account)
  const token = await scimToken(account)
  await on.knex('scim_tokens').where({ account_id: account }).delete()
  const answer = await revoke(1, token, { format: 'email', email: user.person.email })
  expect([answer.status, answer.body.error]).toEqual([401, 'invalid_token'])
  expect(await postForm(`${nodeOf(0).url}/oauth2/global-token-revocation`, {})).toMatchObject({ status: 401 })
  expect(await activeAmong(on.nodes, user.tokens, api)).toEqual(user.tokens)
})
