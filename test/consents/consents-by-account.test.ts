/** A user of two accounts allows an application for each of them, and what is stored for one never serves the other. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listConnectedApplications } from '../../src/consents/connected-applications.ts'
import { lockConsentShared } from '../../src/consents/consent-locks.ts'
import { findConsent, grantConsent, withdrawConsent } from '../../src/consents/consents.ts'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { newId } from '../../src/shared/ids.ts'
import { ensurePartitions } from '../../src/tokens/partitions.ts'
import { gatherPeople, type People } from '../accounts/user-fixtures.ts'
import { ACTOR, createMaker } from '../support/factory.ts'

let on: People
let make: ReturnType<typeof createMaker>
let identifier: string

beforeAll(async () => {
  on = await gatherPeople()
  await ensurePartitions(on.knex)
  make = createMaker(on.database, on.keys)
  identifier = (await make.api()).identifier
})

afterAll(() => on?.stop())

const READ = { identityScopes: ['openid'], claims: [], apis: {} }

/** A user with a membership in a second account, and an application that was allowed for both. */
async function createScene() {
  const [first, second] = [await on.account(), await on.account()]
  const { id: userId } = (await on.person(first)).user
  await on.knex('memberships').insert({ user_id: userId, account_id: second, role: 'member' })
  const client = await make.client([identifier])
  const of = (accountId: string) => ({ userId, accountId, clientKey: client.key })
  const consents = {
    first: await grantConsent(on.knex, of(first), { ...READ, apis: { [identifier]: ['read'] } }, ACTOR),
    second: await grantConsent(on.knex, of(second), { ...READ, apis: { [identifier]: ['write'] } }, ACTOR),
  }
  return { first, second, userId, client, of, consents }
}

type Scene = Awaited<ReturnType<typeof createScene>>

/** An access token and a refresh token. @param accountId null: as the previous version records it */
async function hold({ client, userId }: Scene, consentId: string, accountId: string | null) {
  const [grantId, jti] = [newId(), newId()]
  const common = { client_id: client.key, api_id: 1, revocation_epoch: 0, subject: userId, scope: 'read' }
  const expires_at = new Date(Date.now() + 3_600_000)
  const hashes = { family_hash: randomBytes(32), current_hash: randomBytes(32) }
  await on.knex('refresh_tokens').insert({ ...common, ...hashes, grant_id: grantId, consent_id: consentId, expires_at })
  const times = { expires_at, issued_at: new Date() }
  await on.knex('access_tokens').insert({ ...common, ...times, jti, sequence: 0, user_account_id: accountId })
  return async () => {
    const [refresh] = await on.knex('active_refresh_tokens').where({ grant_id: grantId })
    const [access] = await on.knex('active_access_tokens').where({ jti })
    return [refresh !== undefined, access !== undefined]
  }
}

const NONE = [false, false]
const BOTH = [true, true]

test('a consent for one account covers no other', async () => {
  const { first, second, of, consents } = await createScene()
  expect(await findConsent(on.knex, of(first))).toMatchObject({ id: consents.first, apis: { [identifier]: ['read'] } })
  expect(await findConsent(on.knex, of(second))).toMatchObject({
    id: consents.second,
    apis: { [identifier]: ['write'] },
  })
  const { userId, clientKey } = of(first)
  expect(await findConsent(on.knex, { userId, clientKey })).toMatchObject({ id: consents.first })
})

test('tokens act for the account of their consent, and need its scopes', async () => {
  const { first, second, userId, consents } = await createScene()
  const lock = (consentId: string, scope: string) =>
    on.knex.transaction((trx) => lockConsentShared(trx, { userId, consentId, api: identifier, scope }))
  expect(await lock(consents.first, 'read')).toMatchObject({ accountId: first })
  expect(await lock(consents.second, 'write')).toMatchObject({ accountId: second })
  await expect(lock(consents.second, 'read')).rejects.toMatchObject({ code: 'invalid_grant' })
  await on.knex('memberships').where({ user_id: userId, account_id: second }).delete()
  await expect(lock(consents.second, 'write')).rejects.toMatchObject({ code: 'invalid_grant' })
  expect(await lock(consents.first, 'read')).toMatchObject({ accountId: first })
})

test('a membership that is disabled lets nobody allow, and no token be issued', async () => {
  const { second, userId, of, consents } = await createScene()
  await on.knex('memberships').where({ user_id: userId, account_id: second }).update({ status: 'disabled' })
  const required = { userId, consentId: consents.second, api: identifier, scope: 'write' }
  const locking = on.knex.transaction((trx) => lockConsentShared(trx, required))
  await expect(locking).rejects.toMatchObject({ code: 'invalid_grant' })
  await expect(grantConsent(on.knex, of(second), READ, ACTOR)).rejects.toMatchObject({ code: 'invalid_grant' })
})

test('nobody allows for an account to which they do not belong', async () => {
  const { of } = await createScene()
  const foreign = grantConsent(on.knex, of(await on.account()), READ, ACTOR)
  await expect(foreign).rejects.toMatchObject({ code: 'invalid_grant' })
  await expect(grantConsent(on.knex, { ...of(''), accountId: null }, READ, ACTOR)).rejects.toMatchObject({
    code: 'invalid_grant',
  })
})

test('a consent is withdrawn for one account with its tokens, also with those of the previous version', async () => {
  const scene = await createScene()
  const { first, second, userId, client, consents } = scene
  const [early, present] = [await hold(scene, consents.first, null), await hold(scene, consents.first, first)]
  const other = await hold(scene, consents.second, second)
  await withdrawConsent(on.knex, { userId, clientId: client.clientId, accountId: first }, ACTOR)
  expect([await early(), await present(), await other()]).toEqual([NONE, NONE, BOTH])
  const connected = await listConnectedApplications(on.knex, userId)
  expect(connected.map(({ actingFor }) => actingFor?.id)).toEqual([second])
  await withdrawConsent(on.knex, { userId, clientId: client.clientId, accountId: second }, ACTOR)
  expect(await other()).toEqual(NONE)
})

test('disabling an account revokes what acts for it, and spares what its users hold for others', async () => {
  const scene = await createScene()
  const { first, second, consents } = scene
  const early = await hold(scene, consents.first, null)
  const ofFirst = await hold(scene, consents.first, first)
  const ofSecond = await hold(scene, consents.second, second)
  await changeAccountStatus(on.knex, second, 'disabled', ACTOR)
  expect([await early(), await ofFirst(), await ofSecond()]).toEqual([BOTH, BOTH, NONE])
  await changeAccountStatus(on.knex, first, 'disabled', ACTOR)
  expect([await early(), await ofFirst()]).toEqual([NONE, NONE])
})

/** As a node of the previous version stores a consent. */
const STORE = `
  INSERT INTO consents (id, user_id, client_id, identity_scopes, claims, apis) VALUES (?, ?, ?, '{openid}', '{}', '{}')
  ON CONFLICT (user_id, client_id) DO UPDATE SET allowed_at = now() RETURNING *`

test('a node of the previous version stores and finds consents for the first account alone', async () => {
  const { first, second, userId, client, of, consents } = await createScene()
  const again = await on.knex.raw(STORE, [newId(), userId, client.key])
  expect(again.rows).toMatchObject([{ id: consents.first, account_id: first }])
  const another = await make.client([identifier])
  const { rows } = await on.knex.raw(STORE, [newId(), userId, another.key])
  const parties = { ...of(first), clientKey: another.key }
  expect(await findConsent(on.knex, parties)).toMatchObject({ id: rows[0].id, userId, accountId: first })
  expect(await grantConsent(on.knex, parties, READ, ACTOR)).toBe(rows[0].id)
  const seen = await on.knex('consents').where({ user_id: userId, client_id: client.key }).pluck('account_id')
  expect(seen).toEqual([first])
  expect(await findConsent(on.knex, of(second))).toMatchObject({ id: consents.second })
})

test('when the first account of a user changes, such a node finds the consents for the new one', async () => {
  const { second, userId, client, consents } = await createScene()
  await on.knex('users').where({ id: userId }).update({ account_id: second })
  expect(await on.knex('consents').where({ user_id: userId, client_id: client.key }).pluck('id')).toEqual([
    consents.second,
  ])
})

test('of consents that are given at once for one account, one is stored', async () => {
  const { first, second, userId } = await createScene()
  const client = await make.client([identifier])
  for (const accountId of [first, second]) {
    const parties = { userId, accountId, clientKey: client.key }
    const ids = await Promise.all([1, 2, 3, 4].map(() => grantConsent(on.knex, parties, READ, ACTOR)))
    expect(new Set(ids).size).toBe(1)
  }
})
