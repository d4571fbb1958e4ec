import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { DEVICE_CODE_GRANT } from '../../src/clients/grant-types.ts'
import { createProver, type Prover } from '../support/dpop-proofs.ts'
import { CALLBACK } from '../support/factory.ts'
import { together } from '../support/load.ts'
import { ISSUER, type Nodes, startNodes } from '../support/nodes.ts'
import { type Credentials, postForm, send } from '../support/requests.ts'
import { formsOf, openBrowser } from '../support/scriptless-browser.ts'
import { authorizationOf, codeOf, linkOf, openSignedInBrowser } from '../support/signed-in-browsers.ts'

let on: Nodes
let app: Credentials & { clientId: string }
let spa: Credentials & { clientId: string }
let stranger: Prover

beforeAll(async () => {
  on = await startNodes(2, { env: { TRUST_PROXY: 'on' } })
  stranger = await createProver(() => ISSUER)
  const api = await on.make.api()
  const grants = ['authorization_code', DEVICE_CODE_GRANT, 'refresh_token']
  app = await on.make.application([api.identifier], { grants, redirectUris: [CALLBACK], consent: 'show' })
  spa = await on.make.application([api.identifier], { grants, redirectUris: [CALLBACK], isPublic: true })
})
afterAll(() => on?.stop())

beforeEach(async () => {
  await on.knex('engine_models').delete()
  await on.knex('sign_in_limits').delete()
})

const MINUTE = 60_000
const KIB = 1024

const from = (ip: string) => ({ headers: { 'x-forwarded-for': ip, accept: 'text/html' } })
const urlOf = (n: number) => on.nodes[n % 2]!.url

const stored = async () => Number((await on.knex('engine_models').count('* AS n').first())!.n)

async function longestKept(model: string): Promise<number> {
  const row = await on.knex('engine_models').where({ model }).max('expires_at AS at').first()
  return row!.at.getTime() - Date.now()
}

const push = (form: Record<string, string>, ip: string, n = 0) =>
  postForm(`${urlOf(n)}/oauth2/par`, form, { headers: { 'x-forwarded-for': ip } })

const begin = (ip: string, n: number, size = 100) => {
  const { form } = authorizationOf(spa, { state: 's'.repeat(size) })
  return send(urlOf(n) + linkOf(form), { ...from(ip), redirect: 'manual' })
}

test('a pushed request is at most as large as an authorization URL may be, and a larger one stores nothing', async () => {
  const small = authorizationOf(spa, { state: 's'.repeat(7000) }).form
  expect((await push(small, '192.0.2.1')).status).toBe(201)
  expect((await send(urlOf(0) + linkOf(small), { ...from('192.0.2.1'), redirect: 'manual' })).status).toBe(303)
  const before = await stored()
  const large = authorizationOf(spa, { state: 's'.repeat(8192) }).form
  const refused = await push(large, '192.0.2.1')
  expect([refused.status, refused.body.error]).toEqual([413, 'invalid_request'])
  expect((await send(urlOf(0) + linkOf(large), from('192.0.2.1'))).status).toBe(414)
  const device = { client_id: spa.clientId!, scope: 'read', more: 's'.repeat(8192) }
  expect((await postForm(`${urlOf(0)}/oauth2/device`, device)).status).toBe(413)
  expect(await stored()).toBe(before)
})

test('what anonymous requests store expires within minutes', async () => {
  for (const path of ['/device', '/oauth2/logout', linkOf(authorizationOf(spa).form)]) {
    expect((await openBrowser(urlOf(0)).visit(path)).status).toBe(200)
    await send(urlOf(1) + path, { headers: { cookie: '__Host-kw_session=unknown', accept: 'text/html' } })
  }
  expect((await push(authorizationOf(spa).form, '192.0.2.1')).status).toBe(201)
  expect(await longestKept('Session')).toBeLessThanOrEqual(15 * MINUTE)
  expect(await longestKept('Interaction')).toBeLessThanOrEqual(30 * MINUTE)
  expect(await longestKept('PushedAuthorizationRequest')).toBeLessThanOrEqual(2 * MINUTE)
})

test('a pushed request that was followed is kept as long as its sign-in, and leads to one code', async () => {
  const visitor = await openSignedInBrowser(on.nodes[0]!, await on.make.person())
  const { body } = await postForm(`${urlOf(0)}/oauth2/par`, authorizationOf(app).form, { basic: app })
  const link = linkOf({ client_id: app.clientId!, request_uri: body.request_uri })
  const pages = [await visitor.visit(link), await visitor.visit(link)]
  expect(await longestKept('PushedAuthorizationRequest')).toBeGreaterThan(29 * MINUTE)
  const [first, second] = pages.map((page) => () => visitor.submit(page, /allow$/))
  expect(codeOf(await second!()).length).toBeGreaterThan(20)
  expect((await first!()).left?.searchParams.get('code') ?? null).toBeNull()
})

test('a pushed request that is gone when its user has signed in leads to no code', async () => {
  const person = await on.make.person()
  const browser = openBrowser(urlOf(0))
  const { body } = await postForm(`${urlOf(0)}/oauth2/par`, authorizationOf(app).form, { basic: app })
  const page = await browser.visit(linkOf({ client_id: app.clientId!, request_uri: body.request_uri }))
  await on.knex('engine_models').where({ model: 'PushedAuthorizationRequest' }).delete()
  const { email, password } = person
  const allow = await browser.submit(page, /sign-in$/, { email, password })
  const answered = formsOf(allow).some(({ action }) => /allow$/.test(action))
    ? await browser.submit(allow, /allow$/)
    : allow
  expect(answered.left?.searchParams.get('error')).toBe('invalid_request_uri')
})

/** With a proof, which is recorded, and without a refresh token of the public client that it names. */
async function refreshByStranger(ip: string) {
  const headers = { 'x-forwarded-for': ip, dpop: await stranger.prove('/oauth2/token') }
  const form = { grant_type: 'refresh_token', client_id: spa.clientId!, refresh_token: 'unknown' }
  return await postForm(`${urlOf(0)}/oauth2/token`, form, { headers })
}

const READS = `SELECT coalesce(sum(pg_column_size(m.*)), 0)::int AS bytes, count(*)::int AS rows FROM engine_models m`

test('anonymous requests of one network store 4 MiB at once, over all nodes; other networks and signed-in users are served', async () => {
  const person = await on.make.person()
  const visitor = await openSignedInBrowser(on.nodes[0]!, person)
  await on.knex('sign_in_limits').delete()
  const answers = await together(700, (n) => begin('192.0.2.7', n, 7000))
  const [refused, begun] = [
    answers.filter(({ status }) => status === 429),
    answers.filter(({ status }) => status === 303),
  ]
  expect(refused.length + begun.length).toBe(700)
  expect(refused.length).toBeGreaterThan(50)
  const { bytes, rows } = (await on.knex.raw(READS)).rows[0]
  expect(rows).toBeGreaterThan(400)
  expect(bytes).toBeLessThan(6 * KIB * KIB)
  expect(Number(refused[0]!.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(refused[0]!.text).toContain('Too many requests from your network')
  const others = [
    () => send(`${urlOf(1)}/device`, from('192.0.2.7')),
    () => send(`${urlOf(0)}/oauth2/logout`, from('192.0.2.7')),
    () => push(authorizationOf(spa, { state: 's'.repeat(7000) }).form, '192.0.2.7', 1),
    () => refreshByStranger('192.0.2.7'),
  ]
  const exhaust = () => on.knex('sign_in_limits').update({ arrival_at: on.knex.raw(`now() + interval '1024 s'`) })
  for (const other of others) {
    await exhaust()
    const { status, headers } = await other()
    expect([status, Number(headers.get('retry-after')) >= 1]).toEqual([429, true])
  }
  await exhaust()
  expect((await begin('192.0.2.8', 0)).status).toBe(303)
  expect((await push(authorizationOf(app).form, '192.0.2.7')).status).toBe(401)
  const { form } = authorizationOf(app)
  const confidential = await postForm(`${urlOf(0)}/oauth2/par`, form, { basic: app, ...from('192.0.2.7') })
  expect(confidential.status).toBe(201)
  expect((await visitor.visit(linkOf(form), from('192.0.2.7'))).status).toBe(200)
})
