/** What the end of a membership, an off-boarding and the end of all access of a user do to the consents in one of several accounts. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { grantConsent } from '../../src/consents/consents.ts'
import { addMembership, removeMembership } from '../../src/management/membership-operations.ts'
import type { Management } from '../../src/management/operation.ts'
import { endAccessOfUser, offboardUser } from '../../src/management/user-offboarding.ts'
import { setUserStatus } from '../../src/management/user-operations.ts'
import { newId } from '../../src/shared/ids.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { countWaiting } from '../support/lock-waits.ts'
import { createTestUser } from '../support/test-users.ts'
import { adminOf, operator } from './principals.ts'

let on: Keywright
let management: Management

beforeAll(async () => {
  on = await startKeywright()
  management = { knex: on.knex, encryptionKeys: undefined as never }
})
afterAll(() => on?.stop())

/** A member of two accounts. */
async function createScene() {
  const [first, second] = [await on.make.account(), await on.make.account()]
  const { id: userId } = await createTestUser(on.knex, first)
  await addMembership(management, operator, { userId, accountId: second, role: 'member' })
  return { first, second, userId, api: await on.make.api() }
}

type Scene = Awaited<ReturnType<typeof createScene>>

/** A consent to a new application, with a refresh token that came of it. */
async function createConsent({ first, userId, api }: Scene, accountId: string) {
  const app = await on.make.register({ account: first })
  const parties = { userId, accountId, clientKey: app.key }
  const id = await grantConsent(on.knex, parties, { identityScopes: ['openid'], claims: [], apis: {} }, ACTOR)
  const grant = newId()
  const { id: apiId } = await on.knex('apis').where({ identifier: api.identifier }).first('id')
  await on.knex('refresh_tokens').insert({
    grant_id: grant,
    family_hash: randomBytes(32),
    current_hash: randomBytes(32),
    client_id: app.key,
    api_id: apiId,
    revocation_epoch: 0,
    subject: userId,
    consent_id: id,
    scope: 'read',
    expires_at: on.knex.raw(`now() + interval '1 day'`),
  })
  return { id, grant, clientId: app.clientId }
}

type End = (scene: Scene) => Promise<unknown>

const WAYS: [string, End][] = [
  [
    'the removal of a member',
    ({ userId, second }) => removeMembership(management, operator, { userId, accountId: second }),
  ],
  [
    'the disabling of a member',
    ({ userId, second }) => setUserStatus(management, adminOf(second), { userId, status: 'disabled' }),
  ],
  ['an off-boarding', ({ userId, second }) => offboardUser(management, adminOf(second), { userId })],
  ['the end of all access', ({ userId, second }) => endAccessOfUser(management, adminOf(second), { userId })],
]

test.each(WAYS)('%s withdraws the consents there, with their refresh tokens', async (_, end) => {
  const scene = await createScene()
  const [kept, ended] = [await createConsent(scene, scene.first), await createConsent(scene, scene.second)]
  await end(scene)
  expect(await on.knex('consents').where({ given_by: scene.userId }).pluck('id')).toEqual([kept.id])
  const revoked = on.knex('refresh_tokens').where({ subject: scene.userId }).whereNotNull('revoked_at')
  expect(await revoked.pluck('grant_id')).toEqual([ended.grant])
  const events = on.knex('audit_log').where({ action: 'consent.withdrawn' })
  expect(await events.clone().whereIn('target_id', [kept.clientId, ended.clientId]).pluck('target_id')).toEqual([
    ended.clientId,
  ])
})

const EVERYWHERE: [string, End] = [
  'an off-boarding from all accounts',
  ({ userId }) => offboardUser(management, operator, { userId }),
]

test.each([...WAYS, EVERYWHERE])('%s locks the consents in the order of a narrowing', async (_, end) => {
  const scene = await createScene()
  const stored = [await createConsent(scene, scene.second), await createConsent(scene, scene.second)]
  // Stored last, found last by the index, and the first one in the order of the IDs.
  const id = `00000000-0000-7000-8000-${randomBytes(6).toString('hex')}`
  await on.knex('consents').where({ id: stored[1]!.id }).update({ id })
  const narrowing = await on.knex.transaction()
  onTestFinished(async () => void (await narrowing.rollback()))
  await narrowing('consents').where({ id }).forUpdate().first('id')
  const ending = end(scene)
  await until(async () => (await countWaiting(on.knex)) > 0)
  const next = narrowing('consents').where({ id: stored[0]!.id }).forUpdate().noWait().first('id')
  expect(
    await next.then(
      (row) => row.id,
      (error: { code?: string }) => error.code,
    ),
  ).toBe(stored[0]!.id)
  await narrowing.commit()
  await ending
  expect(await on.knex('consents').where({ given_by: scene.userId })).toEqual([])
})
