/** A membership that an operator adds without acceptance is not for a user whose address an admin of another account chose. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { down, up } from '../../migrations/20261204070000_vouched_addresses.ts'
import { listAccountsOf } from '../../src/accounts/memberships.ts'
import { createPasswordLinks } from '../../src/accounts/password-links.ts'
import { createSignInProgress } from '../../src/accounts/sign-in-progress.ts'
import { findUser, findUserOfSession, type User } from '../../src/accounts/users.ts'
import { moveUser, saveProof } from '../../src/accounts/verified-emails.ts'
import { DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { createLinkTokens } from '../../src/mail/link-tokens.ts'
import { createLink } from '../../src/mail/mail-links.ts'
import { createClient } from '../../src/management/client-registration.ts'
import { endEarlierCredentials } from '../../src/management/earlier-credentials.ts'
import { inviteUser } from '../../src/management/invitations.ts'
import { createJoining } from '../../src/management/joining.ts'
import { addMembership, listMemberships } from '../../src/management/membership-operations.ts'
import type { Management } from '../../src/management/operation.ts'
import { commandLinePrincipal, type Principal } from '../../src/management/principal.ts'
import { updateUser } from '../../src/management/user-operations.ts'
import { upsertUser } from '../../src/management/user-upsert.ts'
import { freshIp, gatherPeople, OTHER_PASSWORD, type People } from '../accounts/user-fixtures.ts'
import { adminOf, operator } from './principals.ts'

const MAIL = { from: 'auth@example.com', server: null, encryption: 'none', hasDkim: false } as const

let on: People
let management: Management
/** The service of the company, which acts for itself. */
let service: Principal

beforeAll(async () => {
  on = await gatherPeople()
  management = { knex: on.knex, encryptionKeys: on.keys, mail: MAIL }
  const settings = { ...DEFAULT_SETTINGS, name: 'Service', grants: ['client_credentials'] }
  const { client } = await createClient(on.knex, { accountId: null, settings, apis: [], scopes: null }, { type: 'cli' })
  service = {
    ...operator,
    scopes: new Set(['users:read', 'users:write']),
    signedInAt: null,
    actor: { type: 'client', id: client.clientId },
  }
})
afterAll(() => on?.stop())

const admin = () => adminOf(on.accountId)

/** The service creates a user, whom nobody has signed in as. */
async function createdByService(externalId: string = crypto.randomUUID()): Promise<User> {
  const upsert = { externalId, email: on.nextEmail(), accountId: on.accountId, role: 'admin' } as const
  return (await upsertUser(management, service, upsert)).object
}

/** The admin of the account gives a user the address of a mailbox of the admin's own. Returns the user. */
const hijack = async ({ id: userId }: User): Promise<User> =>
  await updateUser(management, admin(), { userId, email: on.nextEmail() })

/** The owner of the mailbox chooses a password by a link, which proves it. */
async function choosePassword({ id: userId, email }: User): Promise<void> {
  const id = await createLink(on.knex, { purpose: 'invitation', userId, email })
  const token = createLinkTokens(on.keys).tokenOf(id)
  await createPasswordLinks(on.knex, on.keys, endEarlierCredentials).choosePassword(token, OTHER_PASSWORD, {
    ip: freshIp(),
  })
}

/** The service adds the user to a new account. Returns its ID. */
async function addToOther({ id: userId }: User, email?: string): Promise<string> {
  const accountId = await on.account()
  await addMembership(management, service, { userId, accountId, role: 'admin', email })
  return accountId
}

const waitsFor = async ({ id: userId }: User, accountId: string) =>
  (await listMemberships(management, operator, { userId })).find((one) => one.accountId === accountId)?.waitsFor

/** Whether a session of the user's own acts in the account, or a connected application could. */
async function actsIn({ id }: User, accountId: string): Promise<boolean> {
  const own = (await findUserOfSession(on.knex, id, { id: accountId, isFixed: false }))?.accountId === accountId
  const listed = (await listAccountsOf(on.knex, id)).some((one) => one.accountId === accountId)
  expect(listed).toBe(own)
  return own
}

const isFixedValid = async ({ id }: User, accountId: string): Promise<boolean> =>
  (await findUserOfSession(on.knex, id, { id: accountId, isFixed: true })) !== undefined

describe('an admin of the first account who proves a mailbox of their own', () => {
  test('does not act in another one, to which the service adds the user by ID', async () => {
    const user = await hijack(await createdByService())
    await choosePassword(user)
    const account = await addToOther(user)
    expect([await actsIn(user, account), await waitsFor(user, account)]).toEqual([false, 'confirmed_address'])
    expect(await isFixedValid(user, account)).toBe(true)
  })

  test('does not either with an invitation that is older than the membership', async () => {
    const user = await hijack(await createdByService())
    const account = await addToOther(user)
    await choosePassword(user)
    expect(await actsIn(user, account)).toBe(false)
  })

  test('does not either with a user whom they added themselves', async () => {
    for (const sendInvitation of [true, false]) {
      const invited = { email: on.nextEmail(), role: 'member', sendInvitation } as const
      const { user } = await inviteUser(management, admin(), invited)
      if (sendInvitation) await choosePassword(user)
      else await saveProof(on.knex, user.id)
      const account = await addToOther(user)
      expect([await actsIn(user, account), await waitsFor(user, account)]).toEqual([false, 'confirmed_address'])
    }
  })

  test('does not either after they have given the user the former address again', async () => {
    const before = await createdByService()
    const { id: userId } = await hijack(before)
    const user = await updateUser(management, admin(), { userId, email: before.email })
    await saveProof(on.knex, userId)
    expect(await actsIn(user, await addToOther(user))).toBe(false)
  })

  test('does not either after the user has moved to another address, signed in by them', async () => {
    const chosen = await hijack(await createdByService())
    await choosePassword(chosen)
    const withPassword = await createdByService()
    for (const { id } of [chosen, withPassword]) {
      const moved = await moveUser(on.knex, id, on.nextEmail())
      await saveProof(on.knex, id)
      expect(await actsIn(moved, await addToOther(moved))).toBe(false)
    }
  })

  test('does not either with the external ID that moves to a user of theirs', async () => {
    const attacker = await createdByService()
    await choosePassword(attacker)
    await on.knex('users').where({ id: attacker.id }).update({ external_id: null })
    const earlier = await addToOther(attacker)
    const accountId = await on.account()
    const added = { email: attacker.email, role: 'member' } as const
    const { user: pending } = await inviteUser(management, adminOf(accountId), added)
    const externalId = crypto.randomUUID()
    await updateUser(management, service, { userId: pending.id, externalId })
    const tickets = createSignInProgress(on.keys, on.database.clock).joinTickets
    const joining = createJoining({ knex: on.knex, encryptionKeys: on.keys, tickets, sendsMail: true })
    const proof = { token: tickets.issue(pending) }
    const joined = await joining.join({ proof, user: await findUser(on.knex, attacker.id), from: { ip: freshIp() } })
    expect([joined.id, joined.externalId]).toEqual([attacker.id, externalId])
    expect(await actsIn(joined, await addToOther(joined))).toBe(false)
    expect([await actsIn(joined, earlier), await actsIn(joined, accountId)]).toEqual([true, true])
  })
})

describe('a user acts in another account', () => {
  test('at once, if the service gave the address, and nobody has anything by which to sign in', async () => {
    const user = await createdByService()
    const account = await addToOther(user)
    expect([await actsIn(user, account), await waitsFor(user, account)]).toEqual([true, null])
  })

  test('after they have proven the mailbox that the service knows', async () => {
    const user = await createdByService()
    await on.knex('users').where({ id: user.id }).update({ password_hash: 'x' })
    const account = await addToOther(user)
    expect([await actsIn(user, account), await waitsFor(user, account)]).toEqual([false, 'proof_of_mailbox'])
    await saveProof(on.knex, user.id)
    expect([await actsIn(user, account), await waitsFor(user, account)]).toEqual([true, null])
    const moved = await moveUser(on.knex, user.id, on.nextEmail())
    expect([await actsIn(moved, account), await actsIn(moved, await addToOther(moved))]).toEqual([true, true])
  })

  test('after the service, the command line or the upsert has named the address that an admin chose', async () => {
    const ways: Array<(user: User) => Promise<unknown>> = [
      (user) => addToOther(user, user.email.toUpperCase()),
      ({ id: userId, email }) => updateUser(management, service, { userId, email }),
      ({ id: userId, email }) => updateUser(management, commandLinePrincipal('root'), { userId, email }),
      ({ externalId, email }) => upsertUser(management, service, { externalId: externalId!, email }),
    ]
    for (const name of ways) {
      const user = await hijack(await createdByService())
      const withoutCredentials = await hijack(await createdByService())
      await choosePassword(user)
      for (const one of [user, withoutCredentials]) {
        const account = await addToOther(one)
        expect(await actsIn(one, account)).toBe(false)
        await name(one)
        expect([await actsIn(one, account), await waitsFor(one, account)]).toEqual([true, null])
        expect((await on.actionsOn(one.id)).filter((action) => action === 'user.address_confirmed')).toHaveLength(1)
      }
    }
  })

  test('not because an operator saves the form of the user, or an admin names the address', async () => {
    const user = await hijack(await createdByService())
    await choosePassword(user)
    for (const who of [operator, admin()])
      await updateUser(management, who, { userId: user.id, email: user.email, name: `Ada ${who.role}` })
    expect(await actsIn(user, await addToOther(user))).toBe(false)
  })

  test('after they have joined it by an invitation to their address, although the membership had to wait', async () => {
    const { user } = await inviteUser(management, admin(), { email: on.nextEmail(), role: 'member' })
    await saveProof(on.knex, user.id)
    const accountId = await on.account()
    const added = { email: user.email, role: 'member' } as const
    const { user: pending } = await inviteUser(management, adminOf(accountId), added)
    await addMembership(management, service, { userId: user.id, accountId, role: 'member' })
    expect(await actsIn(user, accountId)).toBe(false)
    const tickets = createSignInProgress(on.keys, on.database.clock).joinTickets
    const joining = createJoining({ knex: on.knex, encryptionKeys: on.keys, tickets, sendsMail: true })
    await joining.join({ proof: { token: tickets.issue(pending) }, user, from: { ip: freshIp() } })
    expect(await actsIn(user, accountId)).toBe(true)
  })
})

describe('the service that means another address', () => {
  const conflict = { code: 'conflict', fieldErrors: [{ field: 'email' }] }

  test('does not add the user to an account, nor change the address', async () => {
    const externalId = crypto.randomUUID()
    const before = await createdByService(externalId)
    const user = await hijack(before)
    const accountId = await on.account()
    const ways = [
      addMembership(management, service, { userId: user.id, accountId, role: 'admin', email: before.email }),
      upsertUser(management, service, { externalId, email: before.email, accountId, role: 'admin' }),
    ]
    // Together: one that is refused while nobody looks at it yet would be an unhandled rejection.
    await Promise.all(ways.map((refused) => expect(refused).rejects.toMatchObject(conflict)))
    expect(await waitsFor(user, accountId)).toBeUndefined()
    expect((await on.row(user.id)).email).toBe(user.email)
  })

  test('changes it in the account that the user has, and then adds them to the other one', async () => {
    const externalId = crypto.randomUUID()
    const { email } = await createdByService(externalId)
    const user = await hijack((await upsertUser(management, service, { externalId, email })).object)
    await choosePassword(user)
    await upsertUser(management, service, { externalId, email })
    const accountId = await on.account()
    await upsertUser(management, service, { externalId, email, accountId })
    // The password that the owner of the other mailbox chose still exists.
    expect(await waitsFor(user, accountId)).toBe('proof_of_mailbox')
  })

  test('learns of an address that an admin sets at the same time at another node', async () => {
    const before = await createdByService()
    const accountId = await on.account()
    const { id: userId, email } = before
    const adding = () => addMembership(management, service, { userId, accountId, role: 'admin', email })
    await expect(
      on.whileOpen(
        (trx) => updateUser({ ...management, knex: trx }, admin(), { userId, email: on.nextEmail() }),
        adding,
      ),
    ).rejects.toMatchObject(conflict)
    const other = await createdByService()
    const setting = () => updateUser(management, admin(), { userId: other.id, email: on.nextEmail() })
    const membership = { userId: other.id, accountId, role: 'admin', email: other.email } as const
    await expect(
      on.whileOpen((trx) => addMembership({ ...management, knex: trx }, service, membership), setting),
    ).rejects.toMatchObject({ code: 'forbidden' })
  })
})

test('after the migration, those are vouched for whom an operator created and nobody else has moved', async () => {
  const people = {
    byService: await createdByService(),
    byOperator: (
      await inviteUser(management, commandLinePrincipal('root'), {
        email: on.nextEmail(),
        role: 'member',
        accountId: on.accountId,
      })
    ).user,
    byAdmin: (await inviteUser(management, admin(), { email: on.nextEmail(), role: 'member' })).user,
    movedByAdmin: await hijack(await createdByService()),
    renamedByAdmin: await createdByService(),
  }
  await updateUser(management, admin(), { userId: people.renamedByAdmin.id, name: 'Ada' })
  const counts = await addToOther(people.byAdmin, people.byAdmin.email)
  await saveProof(on.knex, people.byAdmin.id)
  await down(on.knex)
  await up(on.knex)
  const vouched = []
  for (const [name, { id }] of Object.entries(people))
    if ((await on.row(id)).vouched_email_key !== null) vouched.push(name)
  expect(vouched).toEqual(['byService', 'byOperator', 'renamedByAdmin'])
  expect(await actsIn(people.byAdmin, counts)).toBe(true)
})
