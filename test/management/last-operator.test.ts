import { afterAll, beforeAll, expect, test } from 'vitest'
import { createUser } from '../../src/accounts/users.ts'
import { setUserStatus } from '../../src/management/user-operations.ts'
import { adminOf, openManagement, operator } from './principals.ts'

let on: Awaited<ReturnType<typeof openManagement>>

beforeAll(async () => {
  on = await openManagement()
})
afterAll(async () => await on.close())

const active = async (): Promise<string[]> =>
  await on.knex('users').where({ role: 'operator', status: 'active' }).orderBy('id').pluck('id')

const as = (userId: string) => ({ ...operator, userId })

test('two operators who disable each other at once leave one active operator', async () => {
  await createUser(on.knex, { email: 'second@keywright.example', role: 'operator', accountId: null })
  const [one, two] = await active()
  const outcomes = await Promise.allSettled([
    setUserStatus(on.management, as(one!), { userId: two!, status: 'disabled' }),
    setUserStatus(on.management, as(two!), { userId: one!, status: 'disabled' }),
  ])
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(await active()).toHaveLength(1)
})

test('the console rejects disabling the last operator, and an admin cannot find an operator', async () => {
  const [last] = await active()
  const off = { userId: last!, status: 'disabled' } as const
  await expect(setUserStatus(on.management, operator, off)).rejects.toMatchObject({ code: 'conflict' })
  const admin = adminOf(on.firstStart.accountId)
  await expect(setUserStatus(on.management, admin, off)).rejects.toMatchObject({ code: 'not_found' })
  expect(await active()).toEqual([last])
})
