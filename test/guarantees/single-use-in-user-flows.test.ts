/** Authorization codes, refresh tokens, pushed authorization requests and device codes of users are redeemed at most once. */
import { beforeAll, expect, test } from 'vitest'
import { DEVICE_CODE_GRANT } from '../../src/clients/grant-types.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { arriveForm } from '../support/arriving-requests.ts'
import { ACTOR } from '../support/factory.ts'
import { activeAmong, together, until } from '../support/load.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import { type Answer, type Credentials, type FormData, postForm } from '../support/requests.ts'
import {
  authorizationOf,
  codeOf,
  linkOf,
  openSignedInBrowser,
  redemptionOf,
  type SignedInBrowser,
} from '../support/signed-in-browsers.ts'

type Client = Credentials & { key: number }

let on: SharedNodes
let api: Credentials & { identifier: string }
let app: Client
let visitor: SignedInBrowser

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api()
  app = await on.make.application([api.identifier])
  visitor = await openSignedInBrowser(on.nodes[0]!, await on.make.person())
})

const ask = (form: FormData, n = 0, client = app) => on.nodes[n % 2]!.token(form, { basic: client })
const refreshing = (token: string): FormData => ({ grant_type: 'refresh_token', refresh_token: token })
const ok = ({ status }: Answer) => status === 200
const invalidGrant = { status: 400, body: { error: 'invalid_grant' } }

/** Expects each response that is not 200 to be the error `invalid_grant`. */
function expectRefused(answers: Answer[]): void {
  for (const answer of answers.filter((one) => !ok(one))) expect(answer, answer.text).toMatchObject(invalidGrant)
}

/**
 * Lets all requests arrive while none can be answered: one of the first ten has claimed the code and waits for its
 * client's row, which is held until the others are there too.
 */
async function trulyParallel(client: Client, form: FormData): Promise<Answer[]> {
  const holding = await on.knex.transaction()
  await holding('clients').where({ id: client.key }).forUpdate().first('id')
  const arrive = (count: number) =>
    together(count, (n) => arriveForm(`${on.nodes[n % 2]!.url}/oauth2/token`, form, client))
  // Each has arrived before the first one gets its tokens, on however slow a machine.
  const early = (await arrive(10)).map((finish) => finish())
  const waiting = { datname: on.knex.raw('current_database()'), wait_event_type: 'Lock' }
  await until(async () => (await on.knex('pg_stat_activity').where(waiting)).length >= 2)
  const late = (await arrive(10)).map((finish) => finish())
  await holding.commit()
  return await Promise.all([...early, ...late])
}

async function begin(): Promise<{ access_token: string; refresh_token: string }> {
  const answer = await ask(redemptionOf(await visitor.code(app)))
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

test('of 20 parallel redemptions of one code on two nodes one succeeds, and the others do not revoke its tokens', async () => {
  for (let round = 0; round < 2; round++) {
    const form = redemptionOf(await visitor.code(app))
    const answers = await trulyParallel(app, form)
    expectRefused(answers)
    const won = answers.filter(ok)
    expect(won).toHaveLength(1)
    const { access_token, refresh_token } = won[0]!.body
    expect(await activeAmong(on.nodes, [access_token], api)).toEqual([access_token])
    expect((await ask(refreshing(refresh_token), round)).status).toBe(200)
  }
})

test('20 parallel redemptions that no lock delays give one response too', async () => {
  for (let round = 0; round < 3; round++) {
    const form = redemptionOf(await visitor.code(app))
    const answers = await together(20, (n) => ask(form, n + round))
    expectRefused(answers)
    expect(answers.filter(ok)).toHaveLength(1)
    const { grant_id } = await on
      .knex('refresh_tokens')
      .where({ client_id: app.key })
      .orderBy('created_at', 'desc')
      .first()
    expect(await on.knex('access_tokens').where({ grant_id })).toHaveLength(1)
  }
})

test.each([0, 1])(
  'a code that is reused after its redemption revokes all tokens that were issued from it (at node %i)',
  async (n) => {
    const form = redemptionOf(await visitor.code(app))
    const first = (await ask(form, 0)).body
    const second = (await ask(refreshing(first.refresh_token), 1)).body
    const bystander = (await begin()).access_token
    expect(await ask(form, n)).toMatchObject(invalidGrant)
    const tokens = [first.access_token, second.access_token, bystander]
    expect(await activeAmong(on.nodes, tokens, api)).toEqual([bystander])
    for (const node of [0, 1]) expect(await ask(refreshing(second.refresh_token), node)).toMatchObject(invalidGrant)
  },
)

test("another application cannot redeem a code, and its attempt does not prevent the owner's redemption", async () => {
  const other = await on.make.application([api.identifier])
  const form = redemptionOf(await visitor.code(app))
  for (const n of [0, 1]) expect(await ask(form, n, other)).toMatchObject(invalidGrant)
  expect((await ask(form, 1)).status).toBe(200)
})

test('20 parallel redemptions of a refresh token on two nodes get one response, and leave one refresh token family', async () => {
  for (let round = 0; round < 2; round++) {
    const form = refreshing((await begin()).refresh_token)
    const answers = await together(20, (n) => ask(form, n))
    expectRefused(answers)
    const given = answers.filter(ok).map(({ body }) => JSON.stringify(body))
    expect(new Set(given).size).toBe(1)
    const { access_token, refresh_token } = answers.find(ok)!.body
    expect(await activeAmong(on.nodes, [access_token], api)).toHaveLength(1)
    expect((await ask(refreshing(refresh_token), round)).status).toBe(200)
  }
})

test('a refresh token that is reused after a further rotation revokes its family on every node', async () => {
  const first = await begin()
  const second = (await ask(refreshing(first.refresh_token), 0)).body
  const third = (await ask(refreshing(second.refresh_token), 1)).body
  expect(await ask(refreshing(first.refresh_token), 1)).toMatchObject(invalidGrant)
  const tokens = [first, second, third].map(({ access_token }) => access_token)
  expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
  for (const n of [0, 1]) expect(await ask(refreshing(third.refresh_token), n)).toMatchObject(invalidGrant)
})

test('without refresh token rotation 20 parallel redemptions all succeed and return the same refresh token', async () => {
  const { clientId } = app
  await updateClient(on.knex, clientId, { settings: { refreshTokenRotation: false } }, ACTOR)
  const { refresh_token } = await begin()
  const answers = await together(20, (n) => ask(refreshing(refresh_token), n))
  expect(answers.filter((one) => !ok(one)).map(({ text }) => text)).toEqual([])
  expect(new Set(answers.map(({ body }) => body.refresh_token))).toEqual(new Set([refresh_token]))
  expect((await ask(refreshing(refresh_token), 1)).status).toBe(200)
  await updateClient(on.knex, clientId, { settings: { refreshTokenRotation: true } }, ACTOR)
})

/** Pushes an authorization request. Returns the link that uses it. */
async function push(n = 0): Promise<string> {
  const { form } = authorizationOf(app)
  const { status, text, body } = await postForm(`${on.nodes[n % 2]!.url}/oauth2/par`, form, { basic: app })
  expect(status, text).toBe(201)
  return linkOf({ client_id: app.clientId, request_uri: body.request_uri })
}

test('a pushed authorization request that is used 20 times at once, on two nodes, gives one code', async () => {
  const elsewhere = await openSignedInBrowser(on.nodes[1]!, visitor.person)
  for (let round = 0; round < 2; round++) {
    const link = await push(round)
    const pages = await together(20, (n) => (n % 2 ? visitor : elsewhere).visit(link))
    const codes = pages.filter(({ left }) => left?.searchParams.get('code'))
    expect(codes).toHaveLength(1)
    for (const { left, status } of pages.filter((page) => !codes.includes(page))) {
      expect(left ? left.searchParams.get('error') : status).toBe(left ? 'invalid_request_uri' : 400)
    }
  }
})

test('a pushed authorization request that two users start with gives one code, however long they take', async () => {
  const show = await on.make.application([api.identifier], { consent: 'show' })
  const { form } = authorizationOf(show)
  const { body } = await postForm(`${on.nodes[0]!.url}/oauth2/par`, form, { basic: show })
  const link = linkOf({ client_id: show.clientId, request_uri: body.request_uri })
  const people = await Promise.all(
    on.nodes.map(async (node) => await openSignedInBrowser(node, await on.make.person())),
  )
  const asked = await Promise.all(people.map((one) => one.visit(link)))
  // More than the minute in which such a request may be followed.
  await on
    .knex('engine_models')
    .where({ model: 'PushedAuthorizationRequest' })
    .update({ expires_at: on.knex.raw(`expires_at - interval '2 minutes'`) })
  const ends = [await people[0]!.submit(asked[0]!, /allow$/), await people[1]!.submit(asked[1]!, /allow$/)]
  expect(ends.filter(({ left }) => left?.searchParams.get('code'))).toHaveLength(1)
})

interface DeviceStart {
  readonly device_code: string
  readonly user_code: string
}

let deviceApp: Client

async function startDevice(): Promise<DeviceStart> {
  deviceApp ??= await on.make.application([api.identifier], {
    grants: [DEVICE_CODE_GRANT, 'refresh_token'],
    redirectUris: [],
  })
  const form = { client_id: deviceApp.clientId, scope: 'read' }
  const answer = await postForm(`${on.nodes[0]!.url}/oauth2/device`, form, { basic: deviceApp })
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

const polling = ({ device_code }: DeviceStart): FormData => ({ grant_type: DEVICE_CODE_GRANT, device_code })

/** Types a user code, to the page that asks whether it is one's own device. */
async function typeCode(by: SignedInBrowser, { user_code }: DeviceStart) {
  return await by.submit(await by.visit('/device'), /\/device$/, { user_code })
}

const confirm = async (by: SignedInBrowser, page: Awaited<ReturnType<typeof typeCode>>) =>
  await by.submit(page, /\/device$/, { confirm: 'yes' })

test('of 20 parallel polls for a confirmed device one gets tokens', async () => {
  for (let round = 0; round < 2; round++) {
    const device = await startDevice()
    expect(await ask(polling(device), 1, deviceApp)).toMatchObject({ body: { error: 'authorization_pending' } })
    await confirm(visitor, await typeCode(visitor, device))
    const answers = await trulyParallel(deviceApp, polling(device))
    expectRefused(answers)
    const won = answers.filter(ok)
    expect(won).toHaveLength(1)
    expect(await activeAmong(on.nodes, [won[0]!.body.access_token], api)).toHaveLength(1)
  }
})

test('of two users who confirm one user code at once, on two nodes, one connects the device, as the page says', async () => {
  const people = await Promise.all(
    on.nodes.map(async (node) => await openSignedInBrowser(node, await on.make.person())),
  )
  for (let round = 0; round < 4; round++) {
    const device = await startDevice()
    const asked = await Promise.all(people.map((one) => typeCode(one, device)))
    const ends = await Promise.all(people.map((one, n) => confirm(one, asked[n]!)))
    const { status, text, body } = await ask(polling(device), round, deviceApp)
    expect(status, text).toBe(200)
    const { sub } = (await on.nodes[0]!.introspect(body.access_token, api)).body
    const signedIn = people.filter((_, n) => !/used already/.test(ends[n]!.text)).map(({ person }) => person.id)
    expect(signedIn).toEqual([sub])
  }
})

test('one click on Allow gives one code, although its redirect is fetched ten times at once on two nodes', async () => {
  const show = await on.make.application([api.identifier], { consent: 'show' })
  for (let round = 0; round < 2; round++) {
    const one = await openSignedInBrowser(on.nodes[0]!, await on.make.person())
    const asked = await one.follow(show)
    const { pathname } = await one.redirectOf(asked.page, /allow$/)
    const pages = await together(10, (n) => one.visit(`${on.nodes[n % 2]!.url}${pathname}`))
    const codes = pages.flatMap(({ left }) => left?.searchParams.get('code') ?? [])
    expect(codes).toHaveLength(1)
    expect(pages.filter(({ status, left }) => !left && status !== 400).map(({ status }) => status)).toEqual([])
    const form = redemptionOf({ code: codes[0]!, verifier: asked.verifier })
    expect((await ask(form, round, show)).status).toBe(200)
  }
})

test('ten authorization requests of one session at once get ten different codes', async () => {
  const pages = await together(10, () => visitor.follow(app))
  const codes = pages.map(({ page }) => codeOf(page))
  expect(new Set(codes).size).toBe(10)
})
