import { randomUUID } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { together } from '../support/load.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import { send } from '../support/requests.ts'

let on: SharedNodes
let token: string

beforeAll(async () => {
  on = await shareNodes()
  token = await managementToken(on.nodes[0]!, await managingApplication(on, null))
})

const nodeOf = (n: number) => on.nodes[n % on.nodes.length]!

const put = (n: number, path: string, body: unknown) => rawManagement(nodeOf(n).url, token).json('PUT', path, body)

const createdOnce = [...Array(9).fill(200), 201]

/** Each round is a chance for two requests to find no object at the same time. */
const ROUNDS = 5

test('of ten identical PUTs at once on two nodes, one creates the account, and all answer with it', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const id = randomUUID()
    const body = { name: `Customer ${id}`, metadata: { plan: 'gold' } }
    const answers = await together(10, (n) => put(n, `/accounts/by-external-id/${id}`, body))
    expect(answers.map(({ status }) => status).sort()).toEqual(createdOnce)
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    const rows = await on.knex('accounts').where({ name: body.name })
    expect(rows.map((row) => row.external_id)).toEqual([id])
    const log = await on.knex('audit_log').where({ target_id: rows[0].id }).pluck('action')
    expect(log).toEqual(['account.created'])
  }
})

test('of ten identical PUTs at once on two nodes, one creates the user', async () => {
  const account = await on.make.account()
  for (let round = 0; round < ROUNDS; round++) {
    const id = randomUUID()
    const body = { email: `${id}@example.com`, account_id: account, role: 'admin' }
    const answers = await together(10, (n) => put(n, `/users/by-external-id/${id}`, body))
    expect(answers.map(({ status }) => status).sort()).toEqual(createdOnce)
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(await on.knex('users').where({ external_id: id })).toHaveLength(1)
  }
})

test('PUTs with different values at once on two nodes leave one account with the values of one of them', async () => {
  const id = randomUUID()
  const bodies = Array.from({ length: 10 }, (_, n) => ({ name: `Name ${n}`, metadata: { n } }))
  const answers = await together(10, (n) => put(n, `/accounts/by-external-id/${id}`, bodies[n]))
  expect(answers.map(({ status }) => status).sort()).toEqual(createdOnce)
  const [row, ...others] = await on.knex('accounts').where({ external_id: id })
  expect(others).toEqual([])
  expect(bodies).toContainEqual({ name: row.name, metadata: row.metadata })
})

test('the same lines at once on two nodes create each account once', async () => {
  const ids = Array.from({ length: 20 }, () => randomUUID())
  const body = ids.map((id) => JSON.stringify({ external_id: id, name: id })).join('\n')
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' }
  const answers = await together(4, (n) =>
    send(`${nodeOf(n).url}/api/v1/accounts/upsert`, { method: 'POST', body, headers }),
  )
  const results = answers.flatMap(({ text }) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  )
  expect(
    results
      .filter(({ status }) => status === 'created')
      .map((one) => one.external_id)
      .sort(),
  ).toEqual(ids.sort())
  expect(results.filter(({ status }) => status === 'unchanged')).toHaveLength(60)
  expect(await on.knex('accounts').whereIn('external_id', ids)).toHaveLength(20)
})
