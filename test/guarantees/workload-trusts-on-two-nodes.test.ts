import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseTrust } from '../../src/clients/workload-trusts.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { addTrust } from '../../src/management/client-trust-addition.ts'
import { updateTrust } from '../../src/management/client-trust-update.ts'
import { retireSecret } from '../../src/management/secret-retirement.ts'
import { assertionForm } from '../support/client-assertions.ts'
import { ACTOR } from '../support/factory.ts'
import { together } from '../support/load.ts'
import { githubClaims, type MockIssuer, startMockIssuer } from '../support/mock-issuer.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'

let on: Nodes
let github: MockIssuer
let api: { identifier: string }

beforeAll(async () => {
  github = await startMockIssuer()
  on = await startNodes(2, { env: { OUTGOING_ALLOW: '127.0.0.1' } })
  api = await on.make.api()
})
afterAll(async () => {
  await on?.stop()
  await github?.stop()
})

const AUDIENCE = 'keywright'

const trustOf = (repository: string, singleUse = false) =>
  parseTrust({
    issuer: github.issuer,
    audience: AUDIENCE,
    conditions: [{ claim: 'repository', anyOf: [repository] }],
    singleUse,
  })

const register = async (singleUse = false) =>
  await on.make.register({
    settings: { authMethod: 'workload_identity' },
    apis: [api.identifier],
    trusts: [await trustOf('octo-org/octo-repo', singleUse)],
  })

const newAssertion = () => github.sign(githubClaims(github.issuer, AUDIENCE))

const tokenBy = (clientId: string, assertion: string, n: number) =>
  on.nodes[n % 2]!.token({ grant_type: 'client_credentials', client_id: clientId, ...assertionForm(assertion) })

const activeTokens = (clientId: string) =>
  on.knex('active_access_tokens as t').join('clients as c', 'c.id', 't.client_key').where({ 'c.client_id': clientId })

test('no token by a replaced trust is valid, however many are requested meanwhile', async () => {
  const { clientId } = await register()
  const assertion = await newAssertion()
  for (const n of [0, 1]) expect((await tokenBy(clientId, assertion, n)).status).toBe(200)
  const next = await trustOf('octo-org/next')
  const requests = together(40, (n) => tokenBy(clientId, assertion, n))
  await rotateSecret(on.knex, clientId, 0, ACTOR, { trusts: [next] })
  for (const { status } of await requests) expect([200, 401]).toContain(status)
  expect(await activeTokens(clientId)).toEqual([])
  for (const n of [0, 1]) expect((await tokenBy(clientId, assertion, n)).status).toBe(401)
})

test('a trust that is retired beside another one is accepted at no node', async () => {
  const { clientId, key } = await register()
  const assertion = await newAssertion()
  for (const n of [0, 1]) expect((await tokenBy(clientId, assertion, n)).status).toBe(200)
  const { id } = await on.knex('client_secrets').where({ client_id: key }).first('id')
  await addTrust(on.knex, clientId, { trust: await trustOf('octo-org/next') }, ACTOR)
  for (const n of [0, 1]) expect((await tokenBy(clientId, assertion, n)).status).toBe(200)
  await retireSecret(on.knex, clientId, id, ACTOR)
  for (const n of [0, 1]) expect((await tokenBy(clientId, assertion, n)).status).toBe(401)
  expect(await activeTokens(clientId)).toEqual([])
})

test('no token by a narrowed trust is valid, however many are requested meanwhile; those of a widened one stay', async () => {
  const { clientId, key } = await register()
  const assertion = await newAssertion()
  const { id } = await on.knex('client_secrets').where({ client_id: key }).first('id')
  const change = (trustId: number, ...anyOf: string[]) =>
    updateTrust(on.knex, { clientId, trustId, change: { conditions: [{ claim: 'repository', anyOf }] } }, ACTOR)
  for (const n of [0, 1]) expect((await tokenBy(clientId, assertion, n)).status).toBe(200)
  const widened = await change(Number(id), 'octo-org/octo-repo', 'octo-org/next')
  expect([widened.trustId, widened.areTokensRevoked]).toEqual([Number(id), false])
  expect(await activeTokens(clientId)).toHaveLength(2)
  const requests = together(40, (n) => tokenBy(clientId, assertion, n))
  const narrowed = await change(Number(id), 'octo-org/next')
  expect(narrowed.areTokensRevoked).toBe(true)
  for (const { status } of await requests) expect([200, 401]).toContain(status)
  expect(await activeTokens(clientId)).toEqual([])
  for (const n of [0, 1]) expect((await tokenBy(clientId, assertion, n)).status).toBe(401)
  const next = await github.sign(githubClaims(github.issuer, AUDIENCE, 'octo-org/next'))
  for (const n of [0, 1]) expect((await tokenBy(clientId, next, n)).status).toBe(200)
})

test('of 50 parallel uses of one token over two nodes, one succeeds under a trust of single use', async () => {
  const { clientId } = await register(true)
  const assertion = await newAssertion()
  const answers = await together(50, (n) => tokenBy(clientId, assertion, n))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(49)
})
