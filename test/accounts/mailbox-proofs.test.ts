/** Whether the mailbox of a user is proven: what ends a proof, and who counts as proven after the migration. */
import { generate } from 'otplib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { down, up } from '../../migrations/20261203140000_proven_mailboxes.ts'
import { findCredentialsById } from '../../src/accounts/credentials.ts'
import { createPasswordLinks } from '../../src/accounts/password-links.ts'
import { createSignInProgress } from '../../src/accounts/sign-in-progress.ts'
import { revokeSessionsOfUser } from '../../src/accounts/user-access.ts'
import { resetPassword, saveProfile } from '../../src/accounts/user-administration.ts'
import type { User } from '../../src/accounts/users.ts'
import { moveUser, saveProof } from '../../src/accounts/verified-emails.ts'
import { createFactorSetUp } from '../../src/factors/factor-set-up.ts'
import { createTotpOffers } from '../../src/factors/totp-offers.ts'
import { createLinkTokens } from '../../src/mail/link-tokens.ts'
import { createLink } from '../../src/mail/mail-links.ts'
import { endEarlierCredentials } from '../../src/management/earlier-credentials.ts'
import { createVerificationLinks } from '../../src/management/mailbox-proofs.ts'
import { epochSeconds } from '../../src/shared/clock.ts'
import { addTestPasskey } from '../support/second-factors.ts'
import { freshIp, gatherPeople, OTHER_PASSWORD, type People } from './user-fixtures.ts'

const ACTOR = { type: 'system', id: 'tests' } as const

let on: People

beforeAll(async () => {
  on = await gatherPeople()
})
afterAll(() => on?.stop())

const isProven = async ({ id }: User): Promise<boolean> => (await findCredentialsById(on.knex, id))!.isProven

async function provenUser(): Promise<User> {
  const { user } = await on.person()
  await saveProof(on.knex, user.id)
  expect(await isProven(user)).toBe(true)
  return user
}

/** Sets up an authenticator app in a sign-in through the provider of the account, or through one of the instance. */
async function setUpFactor({ id }: User, isFixed: boolean): Promise<void> {
  const progress = createSignInProgress(on.keys, on.database.clock)
  const offers = createTotpOffers(on.knex, on.keys, on.database.clock)
  const setUp = createFactorSetUp(on.knex, on.keys, on.database.clock, progress, offers)
  const person = (await findCredentialsById(on.knex, id))!
  const elsewhere = { account: { id: on.accountId, isFixed } }
  const ticket = progress.tickets.issue(person, { amr: ['pwd'], demandsSecondFactor: true, elsewhere })
  const offer = (await setUp.offerFor(ticket))!
  const code = await generate({ secret: offer.secret, epoch: epochSeconds() + 30 })
  const result = await setUp.confirm({ ticket, offer: offer.sealed, code, ip: freshIp(), isNewBrowser: false })
  expect(result.outcome).toBe('added')
}

describe('a proof ends with', () => {
  test('a one-time password', async () => {
    const user = await provenUser()
    await resetPassword(on.knex, user.id, ACTOR)
    expect(await isProven(user)).toBe(false)
  })

  test('a one-time password that a node of the previous version stores', async () => {
    const user = await provenUser()
    const stored = { password_hash: 'x', password_change_required: true, password_changed_at: on.knex.fn.now() }
    await on.knex('users').where({ id: user.id }).update(stored)
    expect(await isProven(user)).toBe(false)
  })

  test('an address that somebody else sets, and not with one that the user confirms', async () => {
    const [changed, moved, unproven] = [await provenUser(), await provenUser(), (await on.person()).user]
    await saveProfile(on.knex, changed.id, { email: on.nextEmail() }, ACTOR)
    for (const { id } of [moved, unproven]) await moveUser(on.knex, id, on.nextEmail())
    expect(await Promise.all([changed, moved, unproven].map(isProven))).toEqual([false, true, false])
  })

  test('an address that somebody else sets, also when it is set back, and not with its capital letters', async () => {
    const [returned, respelled] = [await provenUser(), await provenUser()]
    for (const email of [on.nextEmail(), returned.email]) await saveProfile(on.knex, returned.id, { email }, ACTOR)
    await saveProfile(on.knex, respelled.id, { email: respelled.email.toUpperCase() }, ACTOR)
    expect([await isProven(returned), await isProven(respelled)]).toEqual([false, true])
  })

  test('a factor that is set up in a sign-in through the provider of an account', async () => {
    const [byAccount, byInstance] = [await provenUser(), await provenUser()]
    await setUpFactor(byAccount, true)
    await setUpFactor(byInstance, false)
    expect([await isProven(byAccount), await isProven(byInstance)]).toEqual([false, true])
  })
})

test('a user who was signed out of all sessions meanwhile proves nothing', async () => {
  const { user } = await on.person()
  const links = createVerificationLinks(on.knex, on.keys)
  const id = await createLink(on.knex, { purpose: 'email_verification', userId: user.id, email: user.email })
  const token = createLinkTokens(on.keys).tokenOf(id)
  const inBrowser = { user, sessionId: null }
  const { seen } = (await links.earlier(inBrowser))!
  const keep = { earlier: 'keep', seen, sessionId: null } as const
  const proving = on.whileOpen(
    (trx) => revokeSessionsOfUser(trx, user.id),
    () => links.prove(token, inBrowser, keep, { ip: freshIp() }),
  )
  await expect(proving).rejects.toMatchObject({ code: 'conflict' })
  expect(await isProven(user)).toBe(false)
})

test('after the migration, users are proven who chose their password by a link, without anything older or later', async () => {
  const links = createPasswordLinks(on.knex, on.keys, endEarlierCredentials)
  async function chooseByLink({ id: userId, email }: User): Promise<void> {
    const id = await createLink(on.knex, { purpose: 'password_reset', userId, email })
    await links.choosePassword(createLinkTokens(on.keys).tokenOf(id), OTHER_PASSWORD, { ip: freshIp() })
  }
  const people = {
    byPassword: (await on.person()).user,
    byLink: (await on.person()).user,
    withLaterPasskey: (await on.person()).user,
    withOlderPasskey: (await on.person()).user,
    reset: (await on.person()).user,
    moved: (await on.person()).user,
    asserted: (await on.person()).user,
  }
  const { withOlderPasskey, byLink, withLaterPasskey, reset, moved, asserted } = people
  await addTestPasskey(on.knex, withOlderPasskey.id)
  for (const user of [byLink, withLaterPasskey, withOlderPasskey, reset, moved]) await chooseByLink(user)
  await addTestPasskey(on.knex, withLaterPasskey.id)
  await resetPassword(on.knex, reset.id, ACTOR)
  await saveProfile(on.knex, moved.id, { email: on.nextEmail(), emailVerified: true }, ACTOR)
  await saveProfile(on.knex, asserted.id, { emailVerified: true }, ACTOR)
  await down(on.knex)
  await up(on.knex)
  const proven = []
  for (const [name, user] of Object.entries(people)) if (await isProven(user)) proven.push(name)
  expect(proven.sort()).toEqual(['byLink', 'withLaterPasskey'])
})
