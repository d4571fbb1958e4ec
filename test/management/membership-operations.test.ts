/** Users who belong to several accounts. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { addMembership as insertMembership } from '../../src/accounts/membership-changes.ts'
import { deleteSomeOfAccount, startAccountDeletion } from '../../src/management/account-deletion.ts'
import { setAccountStatus } from '../../src/management/account-operations.ts'
import { deleteUser } from '../../src/management/deletion-operations.ts'
import { resetFactors } from '../../src/management/factor-operations.ts'
import { generateKeyPair, listKeyPairs, readKeyPair } from '../../src/management/key-pair-operations.ts'
import {
  addMembership,
  listMemberships,
  removeMembership,
  updateMembership,
} from '../../src/management/membership-operations.ts'
import type { Management } from '../../src/management/operation.ts'
import { readAccountOverview } from '../../src/management/overview-operations.ts'
import { listSessions } from '../../src/management/session-operations.ts'
import { revokeAllOfUser } from '../../src/management/token-operations.ts'
import { exportUserData } from '../../src/management/user-data-export.ts'
import { givePassword, readUser, setRole, setUserStatus, updateUser } from '../../src/management/user-operations.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { countWaiting } from '../support/lock-waits.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { adminOf, operator } from './principals.ts'

let on: Keywright
let management: Management
let first: string
let second: string
let user: Person

beforeAll(async () => {
  on = await startKeywright()
  management = { knex: on.knex, encryptionKeys: undefined as never }
})
afterAll(() => on?.stop())

/** An admin of the first account who is a developer of the second one; both have another admin. */
beforeEach(async () => {
  first = await on.make.account()
  second = await on.make.account()
  for (const account of [first, second]) await createTestUser(on.knex, account, 'admin')
  user = await createTestUser(on.knex, first, 'admin')
  await addMembership(management, operator, { userId: user.id, accountId: second, role: 'developer' })
})

/** An application of the account that acts for itself. */
const programOf = (account: string) => ({ ...adminOf(account), scopes: new Set(['users:write']), signedInAt: null })
const inSecond = () => ({ userId: user.id, accountId: second })
const userIn = (account: string, role: 'admin' | 'developer') => ({ ...adminOf(account, user.id), role })
const memberships = async () =>
  (await listMemberships(management, operator, { userId: user.id })).map(({ accountId, role, status, isFirst }) => ({
    accountId,
    role,
    status,
    isFirst,
  }))
const actions = (account: string): Promise<string[]> =>
  on.knex('audit_log').where({ account_id: account, target_id: user.id }).orderBy('at').orderBy('id').pluck('action')
const generate = (account: string, role: 'admin' | 'developer') =>
  generateKeyPair(management, userIn(account, role), { apis: [] })
const works = async (pair: { clientId: string; clientSecret: string }) => (await on.machineToken(pair)).status === 200

describe('memberships', () => {
  it('are added by operators only, once each', async () => {
    const [one, two] = [
      { accountId: first, role: 'admin', status: 'active', isFirst: true },
      { accountId: second, role: 'developer', status: 'active', isFirst: false },
    ]
    expect(await memberships()).toEqual([one, two])
    expect(await actions(second)).toEqual(['membership.added'])
    const again = addMembership(management, operator, { userId: user.id, accountId: second, role: 'admin' })
    await expect(again).rejects.toMatchObject({ code: 'conflict' })
    const third = await on.make.account()
    const byAdmin = addMembership(management, adminOf(first), { userId: user.id, accountId: third, role: 'admin' })
    await expect(byAdmin).rejects.toMatchObject({ code: 'forbidden' })
    const { id } = await on.knex('users').where({ role: 'operator' }).first('id')
    const ofOperator = addMembership(management, operator, { userId: id, accountId: third, role: 'admin' })
    await expect(ofOperator).rejects.toMatchObject({ code: 'conflict' })
  })

  it('are seen by an admin in their own account alone', async () => {
    for (const [account, role] of [
      [first, 'admin'],
      [second, 'developer'],
    ] as const) {
      expect(await listMemberships(management, adminOf(account), { userId: user.id })).toMatchObject([
        { accountId: account, role },
      ])
      expect(await readUser(management, adminOf(account), { userId: user.id })).toMatchObject({
        accountId: account,
        role,
      })
    }
    const stranger = listMemberships(management, adminOf(await on.make.account()), { userId: user.id })
    await expect(stranger).rejects.toMatchObject({ code: 'not_found' })
    for (const change of [updateMembership, removeMembership]) {
      const foreign = change(management, adminOf(second), {
        userId: user.id,
        accountId: first,
        role: 'member',
      } as never)
      await expect(foreign).rejects.toMatchObject({ code: 'not_found' })
    }
    expect(await memberships()).toHaveLength(2)
  })

  it('have a role of their own', async () => {
    const changed = await setRole(management, adminOf(second), { userId: user.id, role: 'viewer' })
    expect(changed).toMatchObject({ accountId: second, role: 'viewer' })
    expect(await memberships()).toMatchObject([{ role: 'admin' }, { role: 'viewer' }])
    await updateMembership(management, operator, { userId: user.id, accountId: first, role: 'developer' })
    expect(await memberships()).toMatchObject([{ role: 'developer' }, { role: 'viewer' }])
    expect(await on.knex('users').where({ id: user.id }).first('role', 'account_id')).toEqual({
      role: 'member',
      account_id: first,
    })
  })
})

describe('the key pairs of a user', () => {
  it('belong to one account, and are replaced there only', async () => {
    const [a, b] = [await generate(first, 'admin'), await generate(second, 'developer')]
    expect(await works(a)).toBe(true)
    expect(await works(b)).toBe(true)
    const next = await generate(second, 'developer')
    expect([await works(a), await works(b), await works(next)]).toEqual([true, false, true])
    const own = async (account: string) =>
      (await listKeyPairs(management, userIn(account, 'developer'), {})).map(({ client }) => client)
    expect(await own(second)).toMatchObject([{ clientId: next.clientId, accountId: second }])
    expect(await own(first)).toMatchObject([{ clientId: a.clientId, accountId: first }])
    const seen = await readKeyPair(management, userIn(second, 'developer'), {})
    expect(seen.pair?.client.clientId).toBe(next.clientId)
    expect(await readAccountOverview(management, userIn(first, 'admin'), {})).toMatchObject({
      keyPair: { clientId: a.clientId },
      users: { count: 2 },
    })
    expect(await readAccountOverview(management, userIn(second, 'developer'), {})).toMatchObject({
      keyPair: { clientId: next.clientId },
      users: { count: 2 },
    })
  })

  it('stop when the role there has none', async () => {
    const [a, b] = [await generate(first, 'admin'), await generate(second, 'developer')]
    await setRole(management, adminOf(second), { userId: user.id, role: 'viewer' })
    expect([await works(a), await works(b)]).toEqual([true, false])
  })
})

describe('a user who is disabled in an account', () => {
  it('loses the key pairs there, and works on elsewhere', async () => {
    const [a, b] = [await generate(first, 'admin'), await generate(second, 'developer')]
    await setUserStatus(management, adminOf(second), { userId: user.id, status: 'disabled' })
    expect([await works(a), await works(b)]).toEqual([true, false])
    expect(await memberships()).toMatchObject([{ status: 'active' }, { status: 'disabled' }])
    expect(await readUser(management, adminOf(second), { userId: user.id })).toMatchObject({ status: 'disabled' })
    expect(await readUser(management, adminOf(first), { userId: user.id })).toMatchObject({ status: 'active' })
    expect(await actions(second)).toContain('membership.disabled')
    expect(await actions(first)).not.toContain('membership.disabled')
    await expect(generate(second, 'developer')).rejects.toMatchObject({ code: 'conflict' })
    await setUserStatus(management, adminOf(second), { userId: user.id, status: 'active' })
    expect(await works(await generate(second, 'developer'))).toBe(true)
    expect(await works(b)).toBe(false)
  })

  it.each<[string, () => Promise<unknown>]>([
    ['the membership', () => updateMembership(management, adminOf(second), { ...inSecond(), status: 'disabled' })],
    ['the user there', () => setUserStatus(management, adminOf(second), { userId: user.id, status: 'disabled' })],
  ])('stays so when an operator has disabled and enables them: %s', async (_, disable) => {
    const [a, b] = [await generate(first, 'admin'), await generate(second, 'developer')]
    await setUserStatus(management, operator, { userId: user.id, status: 'disabled' })
    await disable()
    await setUserStatus(management, operator, { userId: user.id, status: 'active' })
    expect(await memberships()).toMatchObject([{ status: 'active' }, { status: 'disabled' }])
    expect([await works(a), await works(b)]).toEqual([true, false])
    expect(await actions(second)).toContain('membership.disabled')
  })

  it('and in all others is disabled by an operator as well', async () => {
    const revision = async () => (await on.knex('users').where({ id: user.id }).first('revision')).revision
    for (const account of [first, second])
      await setUserStatus(management, adminOf(account), { userId: user.id, status: 'disabled' })
    await setUserStatus(management, operator, { userId: user.id, status: 'disabled' })
    const disabled = await revision()
    await setUserStatus(management, operator, { userId: user.id, status: 'disabled' })
    expect(await revision()).toBe(disabled)
    await setUserStatus(management, adminOf(second), { userId: user.id, status: 'active' })
    expect(await readUser(management, adminOf(second), { userId: user.id })).toMatchObject({ status: 'disabled' })
    await setUserStatus(management, operator, { userId: user.id, status: 'active' })
    expect(await memberships()).toMatchObject([{ status: 'disabled' }, { status: 'active' }])
  })

  it('and in all others is enabled in all of them by an operator', async () => {
    for (const account of [first, second])
      await setUserStatus(management, adminOf(account), { userId: user.id, status: 'disabled' })
    await setUserStatus(management, operator, { userId: user.id, status: 'active' })
    expect(await memberships()).toMatchObject([{ status: 'active' }, { status: 'active' }])
  })

  it('is removed from that account by its admin, and stays elsewhere', async () => {
    const [a, b] = [await generate(first, 'admin'), await generate(second, 'developer')]
    await expect(deleteUser(management, adminOf(first), { userId: user.id })).rejects.toMatchObject({
      code: 'conflict',
    })
    await setUserStatus(management, adminOf(first), { userId: user.id, status: 'disabled' })
    expect(await deleteUser(management, adminOf(first), { userId: user.id })).toBe('deleted')
    expect(await memberships()).toEqual([{ accountId: second, role: 'developer', status: 'active', isFirst: true }])
    expect([await works(a), await works(b)]).toEqual([false, true])
    expect(await actions(first)).toContain('membership.removed')
  })

  it('is not removed when they are enabled there meanwhile', async () => {
    await setUserStatus(management, adminOf(second), { userId: user.id, status: 'disabled' })
    const trx = await on.knex.transaction()
    await setUserStatus({ ...management, knex: trx }, adminOf(second), { userId: user.id, status: 'active' })
    const refused = expect(deleteUser(management, adminOf(second), { userId: user.id })).rejects.toMatchObject({
      code: 'conflict',
    })
    await until(async () => (await countWaiting(on.knex)) > 0)
    await trx.commit()
    await refused
    expect(await memberships()).toMatchObject([{ status: 'active' }, { status: 'active' }])
  })
})

describe('the end of a membership', () => {
  it('revokes what came of it, and moves the first account', async () => {
    const [a, b] = [await generate(first, 'admin'), await generate(second, 'developer')]
    const dry = await removeMembership.dryRun(management, operator, { userId: user.id, accountId: first })
    expect(dry.clients).toEqual({ count: 1, isMore: false })
    await removeMembership(management, operator, { userId: user.id, accountId: first })
    expect([await works(a), await works(b)]).toEqual([false, true])
    expect(await on.knex('users').where({ id: user.id }).first('account_id', 'role')).toEqual({
      account_id: second,
      role: 'member',
    })
    expect(await memberships()).toMatchObject([{ accountId: second, isFirst: true }])
    await expect(readUser(management, adminOf(first), { userId: user.id })).rejects.toMatchObject({ code: 'not_found' })
    const last = removeMembership(management, operator, { userId: user.id, accountId: second })
    await expect(last).rejects.toMatchObject({ code: 'conflict' })
  })

  it('leaves an account its last admin', async () => {
    const alone = await on.make.account()
    await addMembership(management, operator, { userId: user.id, accountId: alone, role: 'admin' })
    const change = { userId: user.id, accountId: alone }
    const other = adminOf(alone)
    await expect(removeMembership(management, other, change)).rejects.toMatchObject({ code: 'conflict' })
    await expect(setRole(management, other, { userId: user.id, role: 'viewer' })).rejects.toMatchObject({
      code: 'conflict',
    })
    await createTestUser(on.knex, alone, 'admin')
    await removeMembership(management, other, change)
  })
})

describe('the deletion of an account', () => {
  it('removes users who belong to another one, and deletes the others', async () => {
    const b = await generate(second, 'developer')
    const { id: alone } = await createTestUser(on.knex, first)
    await setAccountStatus(management, operator, { accountId: first, status: 'disabled' })
    await startAccountDeletion(on.knex, first, ACTOR)
    for (let n = 0; n < 20 && !(await deleteSomeOfAccount(on.knex, first, 500)); n++);
    expect(await on.knex('accounts').where({ id: first })).toEqual([])
    expect(await on.knex('users').where({ id: alone })).toEqual([])
    expect(await memberships()).toMatchObject([{ accountId: second, isFirst: true, status: 'active' }])
    expect(await works(b)).toBe(true)
  })
})

describe('an admin of one account of a user', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['give a password', () => givePassword(management, adminOf(second), { userId: user.id })],
    ['reset the second factors', () => resetFactors(management, adminOf(second), { userId: user.id })],
    ['change the profile', () => updateUser(management, adminOf(second), { userId: user.id, name: 'Eve' })],
    ['see the sessions', () => listSessions(management, adminOf(second), { userId: user.id })],
    ['end the sessions', () => revokeAllOfUser(management, adminOf(second), { userId: user.id })],
  ])('does not %s of a user who belongs to another one', async (_, act) => {
    await expect(act()).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('belongs to another account as well'),
    })
    await removeMembership(management, operator, { userId: user.id, accountId: first })
    await act()
  })

  it.each<[string, (userId: string) => Promise<unknown>]>([
    ['give a password', (userId) => givePassword(management, adminOf(first), { userId })],
    ['remove a password', (userId) => givePassword(management, programOf(first), { userId })],
    ['reset the second factors', (userId) => resetFactors(management, adminOf(first), { userId })],
    ['change the profile', (userId) => updateUser(management, adminOf(first), { userId, name: 'Eve' })],
  ])('does not %s of a user who joins another one meanwhile', async (_, act) => {
    const { id } = await createTestUser(on.knex, first)
    const trx = await on.knex.transaction()
    await insertMembership(trx, { userId: id, accountId: second, role: 'member' }, ACTOR)
    const refused = expect(act(id)).rejects.toMatchObject({ code: 'forbidden' })
    await until(async () => (await countWaiting(on.knex)) > 0)
    await trx.commit()
    await refused
  })

  it('does not export the data of a user who belongs to another one', async () => {
    await expect(exportUserData(management, adminOf(second), { userId: user.id })).rejects.toMatchObject({
      code: 'forbidden',
    })
    await exportUserData(management, adminOf(second, user.id), { userId: user.id })
    const fixed = { ...adminOf(second, user.id), isAccountFixed: true }
    await expect(exportUserData(management, fixed, { userId: user.id })).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('keeps a user from acting there alone by disabling the account', async () => {
    const [a, b] = [await generate(first, 'admin'), await generate(second, 'developer')]
    const { sessions_valid_from: before } = await on.knex('users').where({ id: user.id }).first('sessions_valid_from')
    await setAccountStatus(management, operator, { accountId: first, status: 'disabled' })
    expect([await works(a), await works(b)]).toEqual([false, true])
    expect(await on.knex('users').where({ id: user.id }).first('sessions_valid_from')).toEqual({
      sessions_valid_from: before,
    })
  })
})
