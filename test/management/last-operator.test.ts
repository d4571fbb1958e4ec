import { afterAll, beforeAll, expect, test } from 'vitest'
import { createUser } from '../../src/accounts/users.ts'
import { setUserStatus } from '../../src/management/user-operations.ts'
import { adminOf, openManagement, operator } from './principals.ts'

let house: Awaited<ReturnType<typeof openManagement>>

beforeAll(async () => {
  house = await openManagement()
})
afterAll(async () => await house.close())

const active = async (): Promise<string[]> =>
  await house.knex('users').where({ role: 'operator', status: 'active' }).orderBy('id').pluck('id')

const as = (userId: string) => ({ ...operator, userId })

test('of operators who switch each other off at once, one is left', async () => {
  await createUser(house.knex, { email: 'second@keywright.example', role: 'operator', accountId: null })
  const [one, two] = await active()
  const outcomes = await Promise.allSettled([
    setUserStatus(house.management, as(one!), { userId: two!, status: 'disabled' }),
    setUserStatus(house.management, as(two!), { userId: one!, status: 'disabled' }),
  ])
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(await active()).toHaveLength(1)
})

test('the last operator is switched off by nobody in the console, and no admin reaches one at all', async () => {
  const [last] = await active()
  const off = { userId: last!, status: 'disabled' } as const
  await expect(setUserStatus(house.management, operator, off)).rejects.toMatchObject({ code: 'conflict' })
  const admin = adminOf(house.firstStart.accountId)
  await expect(setUserStatus(house.management, admin, off)).rejects.toMatchObject({ code: 'not_found' })
  expect(await active()).toEqual([last])
})
