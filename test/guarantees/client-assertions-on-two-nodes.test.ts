import { afterAll, beforeAll, expect, test } from 'vitest'
import { updateClient } from '../../src/management/client-registration.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { assertionForm, newClientKey, signAssertion } from '../support/client-assertions.ts'
import { createProver } from '../support/dpop-proofs.ts'
import { ACTOR } from '../support/factory.ts'
import { together } from '../support/load.ts'
import { ISSUER, type Nodes, startNodes } from '../support/nodes.ts'
import { send } from '../support/requests.ts'

let on: Nodes
let api: { identifier: string }

beforeAll(async () => {
  on = await startNodes(2)
  api = await on.make.api()
})

afterAll(() => on?.stop())

async function keyClient() {
  const key = await newClientKey()
  const settings = { authMethod: 'private_key_jwt' } as const
  const { clientId } = await on.make.register({ settings, apis: [api.identifier], keys: key.parsed })
  return { clientId, key }
}

const request = (assertion: string, n: number) =>
  on.nodes[n % 2]!.token({ grant_type: 'client_credentials', ...assertionForm(assertion) })

test('of 50 parallel uses of one client assertion over two nodes one gets a token', async () => {
  const { clientId, key } = await keyClient()
  const assertion = await signAssertion(key, { clientId, audience: ISSUER })
  const answers = await together(50, (n) => request(assertion, n))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(answers.filter(({ status, body }) => status === 401 && body.error === 'invalid_client')).toHaveLength(49)
})

test('of 50 parallel uses of one DPoP proof over two nodes one gets a token', async () => {
  const client = await on.make.register({ settings: { dpop: 'required' }, apis: [api.identifier] })
  const prover = await createProver(() => ISSUER)
  const proof = await prover.proof()
  const answers = await together(50, (n) => on.nodes[n % 2]!.machineToken(client, {}, proof))
  expect(answers.filter(({ status, body }) => status === 200 && body.token_type === 'DPoP')).toHaveLength(1)
  expect(answers.filter(({ status }) => status === 400)).toHaveLength(49)
})

test('of 50 parallel uses of one DPoP proof at the management API over two nodes one is accepted', async () => {
  const client = await on.make.register({ settings: { dpop: 'required' }, apis: [MANAGEMENT_API] })
  const prover = await createProver(() => ISSUER)
  const { body } = await on.nodes[0]!.machineToken(client, {}, await prover.proof())
  const token = body.access_token as string
  const { headers } = await prover.proof('/api/v1/me', { method: 'GET', token })
  const use = (n: number) =>
    send(`${on.nodes[n % 2]!.url}/api/v1/me`, { headers: { ...headers, authorization: `DPoP ${token}` } })
  const answers = await together(50, use)
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(answers.filter(({ body }) => body.type === 'urn:keywright:error:invalid_dpop_proof')).toHaveLength(49)
})

test('a use is remembered when the node that saw it was killed', async () => {
  const { clientId, key } = await keyClient()
  const assertion = await signAssertion(key, { clientId, audience: ISSUER })
  expect((await request(assertion, 0)).status).toBe(200)
  await on.nodes[0]!.kill()
  await on.restart(0)
  for (const n of [0, 1]) expect((await request(assertion, n)).status).toBe(401)
})

test('an endpoint as audience is refused at both nodes once the option is off, also where the client is cached', async () => {
  const key = await newClientKey()
  const settings = { authMethod: 'private_key_jwt', endpointAudiences: true } as const
  const { clientId } = await on.make.register({ settings, apis: [api.identifier], keys: key.parsed })
  const status = async (node: number) =>
    (await request(await signAssertion(key, { clientId, audience: `${ISSUER}/oauth2/token` }), node)).status
  expect([await status(0), await status(1)]).toEqual([200, 200])
  await updateClient(on.knex, clientId, { settings: { endpointAudiences: false } }, ACTOR)
  expect([await status(0), await status(1)]).toEqual([401, 401])
})

test('no token by a replaced key is valid, however many are requested meanwhile', async () => {
  const { clientId, key } = await keyClient()
  const next = await newClientKey()
  const assertions = await Promise.all(
    Array.from({ length: 40 }, () => signAssertion(key, { clientId, audience: ISSUER })),
  )
  expect((await request(await signAssertion(key, { clientId, audience: ISSUER }), 0)).status).toBe(200)
  const requests = together(40, (n) => request(assertions[n]!, n))
  await rotateSecret(on.knex, clientId, 0, ACTOR, { keys: next.parsed })
  const answers = await requests
  for (const { status } of answers) expect([200, 401]).toContain(status)
  const active = await on
    .knex('active_access_tokens as t')
    .join('clients as c', 'c.id', 't.client_key')
    .where({ 'c.client_id': clientId })
  expect(active).toEqual([])
  const late = await signAssertion(key, { clientId, audience: ISSUER })
  for (const n of [0, 1]) expect((await request(late, n)).status).toBe(401)
})
