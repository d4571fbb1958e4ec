import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/database/open-database.ts'
import { hasIndex } from '../../src/status/status-bitmap.ts'
import { createListReader } from '../../src/status/status-list-reader.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { together } from '../support/load.ts'
import { placeOf } from '../support/status.ts'

let server: Keywright

beforeAll(async () => {
  server = await startKeywright()
})
afterAll(() => server.stop())

test('thirty lists that are requested at once are read by at most four statements', async () => {
  const tokens: string[] = []
  while (tokens.length < 30) {
    const api = await server.make.api()
    tokens.push((await server.machineToken(await server.make.client({}, [api.identifier]))).body.access_token)
  }
  const indexes = tokens.map(placeOf)
  await server.knex('access_tokens').where('status_index', indexes[7]!.idx).update({ revoked_at: new Date() })
  let statements = 0
  const counting: Database = {
    ...server.instance.database,
    async query(statement) {
      statements++
      return await server.instance.database.query(statement)
    },
  }
  const readList = createListReader(counting)
  const read = await together(30, (n) => readList(indexes[n]!.uri.split('/').at(-1)!))
  expect(read.map((reading, n) => hasIndex(reading!.revoked, indexes[n]!.idx))).toEqual(
    indexes.map(({ idx }) => idx === indexes[7]!.idx),
  )
  expect(statements).toBeLessThanOrEqual(4)
  expect(await readList('00000000-0000-4000-8000-000000000000')).toBeUndefined()
})
