/** What admins of an account see of a user who belongs to another one as well, and do there. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { addMembership } from '../../../src/accounts/membership-changes.ts'
import { ACTOR } from '../../support/factory.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import type { Browser } from '../../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../../support/test-users.ts'
import { createOperator, enter, statementsOf, wordsOf } from './console-visits.ts'

let server: Keywright
let first: string
let second: string
let user: Person
let asAdmin: Browser
let asOperator: Browser

beforeAll(async () => {
  server = await startKeywright()
  asOperator = await enter(server, await createOperator(server.knex))
})
afterAll(() => server?.stop())

/** A user of the first account, who is a developer of the second one; its admin looks at them. */
beforeEach(async () => {
  first = await server.make.account()
  second = await server.make.account()
  user = await createTestUser(server.knex, first, 'admin')
  asAdmin = await enter(server, await createTestUser(server.knex, second, 'admin'))
  const membership = { userId: user.id, accountId: second, role: 'developer' } as const
  await server.knex.transaction((trx) => addMembership(trx, membership, ACTOR))
})

test('the list shows them in their role there, in three statements', async () => {
  const found = await asAdmin.visit(`/users?search=${user.email}`)
  expect(wordsOf(found)).toContain(`${user.name} ${user.email} Developer Active`)
  expect(wordsOf(await asAdmin.visit('/users?role=developer&sort=-added'))).toContain(user.email)
  expect(wordsOf(await asOperator.visit(`/users?account=${second}`))).toContain(`${user.email} account-`)
  expect(wordsOf(await asOperator.visit(`/users?search=${user.email}`)).match(/1–1 of 1/g)).toHaveLength(1)
  expect((await statementsOf(asAdmin, `/users?search=${user.email}`)).length).toBeLessThanOrEqual(3)
})
