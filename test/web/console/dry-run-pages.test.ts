import { afterAll, beforeAll, expect, test } from 'vitest'
import { recordCallers } from '../../../src/clients/client-callers.ts'
import { makeSamples, type Samples } from '../../guarantees/all-routes.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { createTestUser } from '../../support/test-users.ts'
import { type Operator, openOperator } from './console-forms.ts'
import { wordsOf } from './console-visits.ts'

let server: Keywright
let operator: Operator
let samples: Samples
let owner: string

/** The callers of the application and of the key pair. */
const APPLICATION = '192.0.2.10'
const KEY_PAIR = '192.0.2.20'

async function callWith(clientId: string, ip: string): Promise<void> {
  const { id, user_id } = await server.knex('clients').where({ client_id: clientId }).first('id', 'user_id')
  await recordCallers(server.knex, [{ clientKey: id, ip, apiId: 0, at: new Date() }])
  owner = user_id ?? owner
}

beforeAll(async () => {
  server = await startKeywright()
  operator = await openOperator(server)
  const account = await server.make.account()
  samples = await makeSamples(server, account, await createTestUser(server.knex, account, 'admin'))
  await callWith(samples.client_id!, APPLICATION)
  await callWith(samples.key_pair_id!, KEY_PAIR)
})
afterAll(() => server?.stop())

const PAGES: [string, () => string, string[]][] = [
  ['archives an application', () => `/applications/${samples.client_id}/archive`, [APPLICATION]],
  ['revokes the tokens of an application', () => `/applications/${samples.client_id}/revoke`, [APPLICATION]],
  ['stops a key pair', () => `/key-pairs/${samples.key_pair_id}/stop`, [KEY_PAIR]],
  ['revokes the tokens of a key pair', () => `/key-pairs/${samples.key_pair_id}/revoke`, [KEY_PAIR]],
  ['disables a user', () => `/users/${owner}/status`, [KEY_PAIR]],
  ['off-boards a user', () => `/users/${owner}/offboard`, [KEY_PAIR]],
  ['makes an admin a member', () => `/users/${owner}/role`, [KEY_PAIR]],
  ['signs a user out and revokes their tokens', () => `/users/${owner}/sessions`, [KEY_PAIR]],
  ['disables an account', () => `/accounts/${samples.account_id}/status`, [APPLICATION, KEY_PAIR]],
  ['disables the API of an account', () => `/accounts/${samples.account_id}/api`, [APPLICATION, KEY_PAIR]],
  ['disables the API of the instance', () => '/settings/instance/api', [APPLICATION, KEY_PAIR]],
]

test.each(PAGES)('a page that %s lists the callers that it would affect', async (_, path, addresses) => {
  const words = wordsOf(await operator.visit(path()))
  const listed = [APPLICATION, KEY_PAIR].filter((ip) => words.includes(ip))
  expect([words.includes('Callers in the last 24 hours'), listed]).toEqual([true, addresses])
})

test('a page that asks before it stops a key pair names it, and says what becomes of it', async () => {
  const { email } = await server.knex('users').where({ id: owner }).first('email')
  const textOf = async (path: string) => wordsOf(await operator.visit(path))
  for (const [act, title] of [
    ['stop', 'Stop'],
    ['revoke', 'Revoke all tokens of'],
  ])
    expect(await textOf(`/key-pairs/${samples.key_pair_id}/${act}`)).toContain(`${title} the key pair of ${email}?`)
  expect(await textOf(`/users/${owner}/status`)).toContain(`disable the key pair ${samples.key_pair_id} and revoke`)
})

test('the page that archives an application of a service speaks of no users', async () => {
  const { clientId } = await server.make.client()
  const words = wordsOf(await operator.visit(`/applications/${clientId}/archive`))
  expect([words.includes('disable the client secret'), words.includes('stop users')]).toEqual([true, false])
})
