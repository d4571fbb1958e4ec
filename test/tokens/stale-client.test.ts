import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AuthenticatedClient } from '../../src/clients/client-authentication.ts'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { retryOnStaleClient, rollBackIfStale } from '../../src/tokens/stale-client.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

let created: TestDatabase
let narrow: Database

beforeAll(async () => {
  created = await createTestDatabase()
  // One connection: a transaction that stays open makes the next one fail.
  narrow = openDatabase(created.url, { poolMax: 1 })
  await narrow.knex.raw('CREATE TABLE written (value text)')
})

afterAll(async () => {
  await narrow?.close()
  await created?.drop()
})

const write = (value: string, result: string | undefined) =>
  rollBackIfStale(narrow.knex, async (trx) => {
    await trx('written').insert({ value })
    return result
  })

test('a transaction that finds its client stale is rolled back, and one with a result is committed', async () => {
  expect(await write('stale', undefined)).toBeUndefined()
  expect(await write('current', 'issued')).toBe('issued')
  expect(await narrow.knex('written').pluck('value')).toEqual(['current'])
})

test('a transaction that fails rejects with its error and is rolled back', async () => {
  const failing = rollBackIfStale(narrow.knex, async (trx) => {
    await trx('written').insert({ value: 'failed' })
    await trx.raw('SELECT 1 / 0')
    return 'issued'
  })
  await expect(failing).rejects.toMatchObject({ code: '22012' })
  expect(await narrow.knex('written').where({ value: 'failed' })).toEqual([])
})

const clientOf = (version: number): AuthenticatedClient =>
  ({ registration: { version }, renew: async () => clientOf(version + 1) }) as AuthenticatedClient

test('a stale client authenticates again before each retry, and a result ends the retries', async () => {
  const versions: number[] = []
  const result = await retryOnStaleClient(clientOf(1), async ({ registration }) => {
    versions.push(registration.version)
    return versions.length === 3 ? 'issued' : undefined
  })
  expect([result, versions]).toEqual(['issued', [1, 2, 3]])
})

test('a client that is stale at every attempt is asked to try again', async () => {
  let attempts = 0
  const issued = retryOnStaleClient(clientOf(1), async () => void attempts++ as undefined)
  await expect(issued).rejects.toMatchObject({ code: 'unavailable' })
  expect(attempts).toBe(4)
})
