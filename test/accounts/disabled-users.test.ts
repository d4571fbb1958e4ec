import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findUserById } from '../../src/accounts/users.ts'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { generateKeyPair } from '../../src/management/key-pair-generation.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { newId } from '../../src/shared/ids.ts'
import { ensurePartitions } from '../../src/tokens/partitions.ts'
import { revokeTokensOfUser } from '../../src/tokens/revocation.ts'
import { keywright } from '../support/cli-in-process.ts'
import { ACTOR, createMaker } from '../support/factory.ts'
import { gatherPeople, type People, type Person } from './user-fixtures.ts'

type Maker = ReturnType<typeof createMaker>
type Client = Awaited<ReturnType<Maker['client']>>

let on: People
let make: Maker
let application: Client

beforeAll(async () => {
  on = await gatherPeople()
  await ensurePartitions(on.knex)
  make = createMaker(on.database, on.keys)
  const { identifier } = await make.api()
  // Of an account that none of the people belongs to.
  application = await make.client([identifier])
})

afterAll(() => on?.stop())

/** A refresh token and an access token, as an application holds them; empty `subject`: in its own name. */
async function give(client: { key: number }, subject: string, db = on.knex) {
  const { revocation_epoch } = await db('clients').where({ id: client.key }).first('revocation_epoch')
  const common = { client_id: client.key, api_id: 1, revocation_epoch, subject, scope: 'read' }
  const [grantId, jti] = [newId(), newId()]
  const expires_at = new Date(Date.now() + 3_600_000)
  const hashes = { family_hash: randomBytes(32), current_hash: randomBytes(32) }
  await db('refresh_tokens').insert({ ...common, ...hashes, grant_id: grantId, expires_at })
  await db('access_tokens').insert({ ...common, jti, expires_at, issued_at: new Date(), sequence: 0 })
  return { grantId, jti }
}

type Given = Awaited<ReturnType<typeof give>>

async function isAlive({ grantId, jti }: Given): Promise<boolean> {
  const refresh = await on.knex('active_refresh_tokens').where({ grant_id: grantId })
  const access = await on.knex('active_access_tokens').where({ jti })
  expect(access).toHaveLength(refresh.length)
  return refresh.length > 0
}

const switchUser = (person: Person, status: 'active' | 'disabled') =>
  changeUserStatus(on.knex, person.user.id, status, ACTOR)

test('a person who is switched off holds nothing more, and nobody holds anything in their name', async () => {
  const [person, bystander] = [await on.person(), await on.person()]
  const pair = await make.keyPair(person.user.id)
  const theirs = [await give(application, person.user.id), await give(pair, '')]
  const spared = [await give(application, bystander.user.id), await give(application, '')]
  await changeUserStatus(on.knex, person.user.email.toUpperCase(), 'disabled', ACTOR)
  for (const given of theirs) expect(await isAlive(given)).toBe(false)
  for (const given of spared) expect(await isAlive(given)).toBe(true)
  expect(await findUserById(on.knex, person.user.id)).toMatchObject({ status: 'disabled' })
  await switchUser(person, 'active')
  for (const given of theirs) expect(await isAlive(given)).toBe(false)
  expect(await on.actionsOn(person.user.id)).toEqual(['user.disabled', 'user.enabled'])
})

test('sessions end with the switching off, and none that began meanwhile wakes up with the switching on', async () => {
  const person = await on.person()
  const moments = [Number(person.user.sessionsValidFrom)]
  for (const status of ['disabled', 'active'] as const) {
    moments.push(Number((await switchUser(person, status)).sessionsValidFrom))
  }
  expect(moments).toEqual([...new Set(moments)].sort((a, b) => a - b))
})

test('what is so already is not done again', async () => {
  const person = await on.person()
  const { sessionsValidFrom } = await switchUser(person, 'active')
  expect(sessionsValidFrom).toEqual(person.user.sessionsValidFrom)
  await switchUser(person, 'disabled')
  await switchUser(person, 'disabled')
  expect(await on.actionsOn(person.user.id)).toEqual(['user.disabled'])
})

test('of two who switch somebody off at once, one does', async () => {
  const { user } = await on.person()
  const disable = (db: Knex) => changeUserStatus(db, user.id, 'disabled', ACTOR)
  expect(await on.whileOpen(disable, () => disable(on.knex))).toMatchObject({ status: 'disabled' })
  expect(await on.actionsOn(user.id)).toEqual(['user.disabled'])
})

test('nobody is switched off who does not exist', async () => {
  for (const one of [newId(), 'nobody@example.com']) {
    await expect(changeUserStatus(on.knex, one, 'disabled', ACTOR)).rejects.toMatchObject({ code: 'not_found' })
  }
})

test('disabling an account revokes the tokens and sessions of its users, also those that applications of other accounts hold', async () => {
  const account = await on.account()
  const [person, bystander] = [await on.person(account), await on.person()]
  const theirs = await give(application, person.user.id)
  const spared = [await give(application, bystander.user.id), await give(application, '')]
  await changeAccountStatus(on.knex, account, 'disabled', ACTOR)
  expect(await isAlive(theirs)).toBe(false)
  for (const given of spared) expect(await isAlive(given)).toBe(true)
  await changeAccountStatus(on.knex, account, 'active', ACTOR)
  expect(await isAlive(theirs)).toBe(false)
  const { sessionsValidFrom } = (await findUserById(on.knex, person.user.id))!
  expect(Number(sessionsValidFrom)).toBeGreaterThan(Number(person.user.sessionsValidFrom))
  expect(await findUserById(on.knex, bystander.user.id)).toMatchObject(bystander.user)
})

/** Begins as a transaction that issues for a user (`lockConsentShared`). */
async function holdAndGive(trx: Knex, { user }: Person): Promise<Given> {
  await trx('accounts').where({ id: user.accountId }).forShare().select('id')
  await trx('users').where({ id: user.id }).forShare().select('id')
  return await give(application, user.id, trx)
}

const ENDINGS: [string, (person: Person) => Promise<unknown>][] = [
  ['the person is switched off', (person) => switchUser(person, 'disabled')],
  ['their tokens are revoked', (person) => revokeTokensOfUser(on.knex, person.user.id, ACTOR)],
  ['their account is switched off', ({ user }) => changeAccountStatus(on.knex, user.accountId!, 'disabled', ACTOR)],
]

test.each(ENDINGS)('what is being issued in their name while %s ends as well', async (_what, end) => {
  const person = await on.person(await on.account())
  let given: Given | undefined
  const hold = async (trx: Knex) => {
    given = await holdAndGive(trx, person)
  }
  await on.whileOpen(hold, () => end(person))
  expect(await isAlive(given!)).toBe(false)
})

test('no key pair is made for somebody who is being switched off', async () => {
  const person = await on.person()
  const generate = () => generateKeyPair(on.knex, { user: person.user.id, apis: [] }, ACTOR)
  const made = on.whileOpen((trx) => changeUserStatus(trx, person.user.id, 'disabled', ACTOR), generate)
  await expect(made).rejects.toMatchObject({ code: 'conflict' })
  expect(await on.knex('clients').where({ user_id: person.user.id })).toEqual([])
})

test('by the command line: create with a name, disable by id or address, enable, list of all or of an account', async () => {
  const cli = keywright({ DATABASE_URL: on.url, ENCRYPTION_KEY: on.keys.all[0]!.secret.toString('base64') })
  const account = await on.account()
  const made = await cli(`user create --account ${account} --email ann@acme.example --role admin --name`, 'Ann Archer')
  const { password, ...ann } = made
  expect(ann).toMatchObject({ email: 'ann@acme.example', name: 'Ann Archer', status: 'active', account_id: account })
  expect(await cli('user disable ANN@acme.example')).toEqual({ ...ann, status: 'disabled' })
  expect(await cli(`user list --account ${account}`)).toEqual({ users: [{ ...ann, status: 'disabled' }] })
  expect(await cli(`user enable ${ann.user_id}`)).toEqual(ann)
  expect((await cli('user list')).users).toContainEqual(ann)
  await expect(cli(`user list --account ${newId()}`)).rejects.toThrow('there is no account')
})
