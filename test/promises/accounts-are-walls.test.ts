import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Nodes, startNodes } from '../support/nodes.ts'
import { type Credentials, postForm } from '../support/requests.ts'
import { activeAmong } from '../support/storm.ts'

type Api = Credentials & { identifier: string }

let on: Nodes
let api: Api
let otherApi: Api
let mine: Credentials
let theirs: Credentials

beforeAll(async () => {
  on = await startNodes(2)
  api = await on.make.api()
  otherApi = await on.make.api()
  const settings = { clientCredentialsRefresh: true }
  mine = await on.make.client([api.identifier], settings, await on.make.account())
  theirs = await on.make.client([api.identifier, otherApi.identifier], settings, await on.make.account())
})

afterAll(() => on?.stop())

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
