import { expect, test } from 'vitest'
import { together, until } from '../support/load.ts'
import { shareNodes } from '../support/nodes.ts'

test('issued tokens and refused requests of two nodes add up exactly', async () => {
  const { nodes, make, knex } = await shareNodes()
  const api = await make.api()
  const client = await make.client([api.identifier])
  const wrong = { ...client, clientSecret: 'wrong' }
  await together(60, (n) => nodes[n % 2]!.machineToken(n % 3 === 0 ? wrong : client))
  async function counts(): Promise<Record<string, number>> {
    const { rows } = await knex.raw(
      'SELECT outcome, sum(count)::int AS count FROM client_usage_hours WHERE client_id = ? GROUP BY outcome',
      [client.key],
    )
    return Object.fromEntries(rows.map((row: { outcome: string; count: number }) => [row.outcome, row.count]))
  }
  await until(async () => {
    const { issued = 0, wrong_secret: refused = 0 } = await counts()
    return issued >= 40 && refused >= 20
  })
  expect(await counts()).toEqual({ issued: 40, wrong_secret: 20 })
})
