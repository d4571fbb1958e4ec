import { beforeAll, expect, test } from 'vitest'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { ACTOR } from '../support/factory.ts'
import { activeAmong } from '../support/load.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import { type Credentials, postForm } from '../support/requests.ts'
import { openSignedInBrowser, redemptionOf } from '../support/signed-in-browsers.ts'

type Api = Credentials & { identifier: string }

let on: SharedNodes
let api: Api
let otherApi: Api
let mine: Credentials
let theirs: Credentials

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api()
  otherApi = await on.make.api()
  const settings = { clientCredentialsRefresh: true }
  mine = await on.make.client([api.identifier], settings, await on.make.account())
  theirs = await on.make.client([api.identifier, otherApi.identifier], settings, await on.make.account())
})

const begin = async (client: Credentials) => (await on.nodes[0]!.machineToken(client)).body

test("a client learns nothing of another account's tokens, at any node", async () => {
  const { access_token, refresh_token } = await begin(theirs)
  for (const token of [access_token, refresh_token]) {
    expect(await activeAmong(on.nodes, [token], theirs)).toEqual([token])
    for (const node of on.nodes) expect((await node.introspect(token, mine)).body).toEqual({ active: false })
  }
})

test("a client cannot end another account's tokens", async () => {
  const { access_token, refresh_token } = await begin(theirs)
  for (const node of on.nodes) {
    for (const token of [access_token, refresh_token]) {
      for (const hint of ['access_token', 'refresh_token', 'none']) {
        const form = { token, token_type_hint: hint }
        const answer = await postForm(`${node.url}/oauth2/revoke`, form, { basic: mine })
        expect([answer.status, answer.body.error], hint).toEqual([400, 'invalid_request'])
      }
    }
  }
  expect(await activeAmong(on.nodes, [access_token], api)).toEqual([access_token])
  expect(await activeAmong(on.nodes, [refresh_token], theirs)).toEqual([refresh_token])
})

test('a client can redeem no refresh token of another account', async () => {
  const { refresh_token } = await begin(theirs)
  const form = { grant_type: 'refresh_token', refresh_token }
  for (const node of on.nodes) {
    expect(await node.token(form, { basic: mine })).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  }
  expect((await on.nodes[1]!.token(form, { basic: theirs })).status).toBe(200)
})

test('an API sees the tokens that are meant for it and no others, and can end none', async () => {
  const { access_token } = await begin(theirs)
  const elsewhere = (await on.nodes[0]!.machineToken(theirs, { resource: otherApi.identifier })).body.access_token
  expect(await activeAmong(on.nodes, [access_token, elsewhere], api)).toEqual([access_token])
  expect(await activeAmong(on.nodes, [access_token, elsewhere], otherApi)).toEqual([elsewhere])
  for (const node of on.nodes) expect((await node.revoke(access_token, api)).status).not.toBe(500)
  expect(await activeAmong(on.nodes, [access_token], api)).toEqual([access_token])
})

test("a client gets no token for an API of its own account's neighbours", async () => {
  for (const node of on.nodes) {
    const answer = await node.machineToken(mine, { resource: otherApi.identifier })
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } })
  }
})

/** What an application of another account holds in somebody's name: their neighbour, or a person of this account. */
async function beginForUser(userAccount: string) {
  const app = await on.make.application([api.identifier], {}, await on.make.account())
  const visitor = await openSignedInBrowser(on.nodes[0]!, await on.make.person(userAccount))
  const { status, text, body } = await on.nodes[0]!.token(redemptionOf(await visitor.code(app)), { basic: app })
  expect(status, text).toBe(200)
  return { app, visitor, ...(body as { access_token: string; refresh_token: string }) }
}

test("another application learns nothing of what is held in a person's name, and can end and redeem none of it", async () => {
  const account = await on.make.account()
  const neighbour = await on.make.application([api.identifier], {}, account)
  const { app, visitor, access_token, refresh_token } = await beginForUser(account)
  const code = await visitor.code(app)
  for (const node of on.nodes) {
    for (const token of [access_token, refresh_token]) {
      expect((await node.introspect(token, neighbour)).body).toEqual({ active: false })
      const answer = await node.revoke(token, neighbour)
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request'])
    }
    const refresh = { grant_type: 'refresh_token', refresh_token }
    for (const form of [refresh, redemptionOf(code)]) {
      const answer = await node.token(form, { basic: neighbour })
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    }
  }
  expect(await activeAmong(on.nodes, [access_token], api)).toEqual([access_token])
  expect(await activeAmong(on.nodes, [refresh_token], app)).toEqual([refresh_token])
  const forms = [redemptionOf(code), { grant_type: 'refresh_token', refresh_token }]
  for (const form of forms) expect((await on.nodes[1]!.token(form, { basic: app })).status).toBe(200)
})

test("a public application's refresh token is its own, though anybody may say that they are it", async () => {
  const settings = { isPublic: true, grants: ['authorization_code', 'refresh_token'] }
  const app = await on.make.application([api.identifier], settings)
  const neighbour = await on.make.application([api.identifier], settings)
  const visitor = await openSignedInBrowser(on.nodes[0]!, await on.make.person())
  const { body } = await on.nodes[0]!.token({ ...redemptionOf(await visitor.code(app)), client_id: app.clientId })
  const { refresh_token } = body
  for (const node of on.nodes) {
    const form = { grant_type: 'refresh_token', refresh_token, client_id: neighbour.clientId }
    expect(await node.token(form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    const revoking = { token: refresh_token, client_id: neighbour.clientId }
    expect((await postForm(`${node.url}/oauth2/revoke`, revoking)).status).toBe(400)
  }
  const form = { grant_type: 'refresh_token', refresh_token, client_id: app.clientId }
  expect((await on.nodes[1]!.token(form)).status).toBe(200)
})

test("switching an account off ends nothing of its neighbours' people and applications", async () => {
  const off = await on.make.account()
  const stays = await beginForUser(await on.make.account())
  const goes = await beginForUser(off)
  await changeAccountStatus(on.knex, off, 'disabled', ACTOR)
  const tokens = [stays.access_token, goes.access_token]
  expect(await activeAmong(on.nodes, tokens, api)).toEqual([stays.access_token])
  const refresh = { grant_type: 'refresh_token', refresh_token: stays.refresh_token }
  expect((await on.nodes[1]!.token(refresh, { basic: stays.app })).status).toBe(200)
})

test('what one person allowed shows and is withdrawn at nobody else', async () => {
  const app = await on.make.application([api.identifier], { consent: 'show' }, await on.make.account())
  const [mine, theirs] = await Promise.all(
    on.nodes.map(async (node) => await openSignedInBrowser(node, await on.make.person())),
  )
  const { page } = await theirs!.follow(app)
  await theirs!.submit(page, /allow$/)
  expect((await theirs!.visit('/account/applications')).text).toContain(app.clientId)
  expect((await mine!.visit('/account/applications')).text).not.toContain(app.clientId)
  const withdrawal = `/account/applications/${app.clientId}/withdraw`
  expect((await mine!.visit(withdrawal)).status).toBe(404)
  const asked = await theirs!.visit(withdrawal)
  // Their neighbour sends the very form, from a browser of their own.
  const own = await mine!.visit('/')
  const csrf = /name="csrf" value="([^"]+)"/.exec(own.text)![1]!
  expect(asked.status).toBe(200)
  const headers = { origin: on.nodes[0]!.url }
  await mine!.visit(withdrawal, { method: 'POST', body: new URLSearchParams({ csrf }), headers })
  expect((await theirs!.visit('/account/applications')).text).toContain(app.clientId)
})
