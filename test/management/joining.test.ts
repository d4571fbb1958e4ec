/** A person with a user joins the account that added a pending user with their address, or declines. */
import type { Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPasswordLinks } from '../../src/accounts/password-links.ts'
import { processResetRequests, requestPasswordReset } from '../../src/accounts/password-reset-requests.ts'
import { createSignInProgress } from '../../src/accounts/sign-in-progress.ts'
import { revokeSessionsOfUser } from '../../src/accounts/user-access.ts'
import { addUser, addUserWithoutPassword, resetPassword, saveProfile } from '../../src/accounts/user-administration.ts'
import { findUser, type User } from '../../src/accounts/users.ts'
import { toEnglish } from '../../src/languages/translator.ts'
import { createLinkTokens } from '../../src/mail/link-tokens.ts'
import { createLink } from '../../src/mail/mail-links.ts'
import { endEarlierCredentials, listEarlierCredentials } from '../../src/management/earlier-credentials.ts'
import { createJoining, type InvitationProof } from '../../src/management/joining.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { startUserDeletion } from '../../src/management/user-deletion.ts'
import { earlierAnswerIn } from '../../src/web/earlier-credentials-form.ts'
import { attemptOf, freshIp, gatherPeople, OTHER_PASSWORD, PASSWORD, type People } from '../accounts/user-fixtures.ts'
import { together } from '../support/load.ts'
import { addTestPasskey } from '../support/second-factors.ts'

const ACTOR = { type: 'cli' } as const
const MUST_NOT_LEARN = { mayBePending: true }

let on: People

beforeAll(async () => {
  on = await gatherPeople()
})

afterAll(() => on?.stop())

const joiningOf = ({ sendsMail = true, knex = on.knex } = {}) =>
  createJoining({
    knex,
    encryptionKeys: on.keys,
    tickets: createSignInProgress(on.keys, on.database.clock).joinTickets,
    sendsMail,
  })

const setProof = (id: string, isProven: boolean) =>
  on
    .knex('users')
    .where({ id })
    .update({ proven_mailbox_key: isProven ? on.knex.ref('email_key') : null })

/** A person of the first account with a proven mailbox, whom another account adds with a one-time password. */
async function invite(role: User['role'] = 'developer') {
  const person = await on.person()
  await setProof(person.user.id, true)
  const accountId = await on.account()
  const { user: inviter } = await on.person(accountId)
  const { email } = person.user
  const added = { email, role, accountId, invitedBy: inviter.id, ...MUST_NOT_LEARN }
  const { user: pending, password } = await addUser(on.knex, added, ACTOR)
  return { person, accountId, inviter, pending, password }
}

type Invited = Awaited<ReturnType<typeof invite>>

async function ticketOf({ person, password }: Pick<Invited, 'person' | 'password'>): Promise<string> {
  const step = await on.signIn.attempt(attemptOf(person.user.email, password))
  if (step.outcome !== 'join') throw new Error(`no step to join, but ${step.outcome}`)
  return step.ticket
}

async function linkOf({ pending }: Pick<Invited, 'pending'>, purpose: 'invitation' | 'password_reset' = 'invitation') {
  const id = await createLink(on.knex, { purpose, userId: pending.id, email: pending.email })
  return createLinkTokens(on.keys).tokenOf(id)
}

/** A pending user of a new account, whose invitation is a link. */
const withoutPassword = async ({ email }: User): Promise<User> =>
  await addUserWithoutPassword(
    on.knex,
    { email, role: 'member', accountId: await on.account(), ...MUST_NOT_LEARN },
    ACTOR,
  )

const from = () => ({ ip: freshIp() })

const answerOf = (proof: InvitationProof, user: User) => ({ proof, user, from: from() })

const membershipsOf = async ({ id }: User): Promise<Record<string, string>> => {
  const rows = await on.knex('memberships').where({ user_id: id }).select('account_id', 'role')
  return Object.fromEntries(rows.map(({ account_id, role }) => [account_id, role]))
}

const isPresent = async ({ id }: User): Promise<boolean> => ((await on.row(id))?.status ?? 'deleting') !== 'deleting'

const USED_UP = { code: 'conflict' }

describe('joining', () => {
  test('the one-time password leads to joining, and the person becomes a member in the role of the invitation', async () => {
    const invited = await invite()
    const { person, accountId, inviter, pending } = invited
    const token = await ticketOf(invited)
    expect(await joiningOf().open({ token })).toEqual({
      id: pending.id,
      email: person.user.email,
      accountId,
      accountName: 'Other Corp',
      role: 'developer',
      invitedBy: inviter.email,
    })
    await joiningOf().join(answerOf({ token }, person.user))
    expect(await membershipsOf(person.user)).toMatchObject({ [accountId]: 'developer' })
    expect(await isPresent(pending)).toBe(false)
    expect(await joiningOf().open({ token })).toBeUndefined()
    expect(await on.signIn.attempt(attemptOf(person.user.email, PASSWORD))).toMatchObject({ outcome: 'signed_in' })
    expect(await on.signIn.attempt(attemptOf(person.user.email, invited.password))).toEqual({ outcome: 'refused' })
    expect(await on.actionsOn(pending.id)).toEqual(['user.created', 'user.signed_in', 'user.invitation_accepted'])
    const added = await on.knex('audit_log').where({ action: 'membership.added', target_id: person.user.id })
    expect(added).toMatchObject([{ account_id: accountId }])
  })

  test('a one-time password of the person, which an admin of their account knows, ends', async () => {
    const invited = await invite()
    const { person } = invited
    const token = await ticketOf(invited)
    const { user, password } = await resetPassword(on.knex, person.user.id, ACTOR)
    const { seen } = (await listEarlierCredentials(on.knex, person.user.id, null))!
    const earlier = { earlier: 'keep', seen, sessionId: null } as const
    const answer = { ...answerOf({ token }, user), earlier }
    await joiningOf({ sendsMail: false }).join(answer)
    expect(await on.signIn.attempt(attemptOf(person.user.email, password))).toEqual({ outcome: 'refused' })
    expect(await on.actionsOn(person.user.id)).toContain('user.password_withdrawn')
  })

  test('a user who ends everything by which they sign in chooses a password, also if they had none', async () => {
    const invited = await invite()
    const { user } = invited.person
    await on.knex('users').where({ id: user.id }).update({ password_hash: null, proven_mailbox_key: null })
    await addTestPasskey(on.knex, user.id)
    const found = (await listEarlierCredentials(on.knex, user.id, null))!
    expect(found).toMatchObject({ hasPassword: false, choosesPassword: true })
    const form = new Map([['earlier', 'end']])
    expect(earlierAnswerIn(toEnglish(), form, found, null)).toHaveProperty('errors')
    const ending = async (password: string) => {
      const proof = { token: await linkOf({ pending: await withoutPassword(user) }) }
      const earlier = { earlier: 'end', password } as const
      return await joiningOf().join({ ...answerOf(proof, user), earlier })
    }
    await expect(ending('')).rejects.toMatchObject({ code: 'invalid_input' })
    await ending(OTHER_PASSWORD)
    expect(await on.signIn.attempt(attemptOf(user.email, OTHER_PASSWORD))).toMatchObject({ outcome: 'signed_in' })
    expect(await on.knex('passkeys').where({ user_id: user.id })).toEqual([])
  })

  test('what a user has seen differs with each identity, also the hundred and first', async () => {
    const { user } = await on.person()
    const provider = { name: 'Example', issuer: 'https://idp.example.com', client_id: 'keywright', scopes: ['openid'] }
    const providerId = crypto.randomUUID()
    await on.knex('identity_providers').insert({ id: providerId, sealed_client_secret: 'x', ...provider })
    const add = (n: number) =>
      on.knex('user_identities').insert({
        id: crypto.randomUUID(),
        provider_id: providerId,
        subject: `s${n}`,
        user_id: user.id,
      })
    await Promise.all(Array.from({ length: 100 }, (_, n) => add(n)))
    const seen = async () => (await listEarlierCredentials(on.knex, user.id, null))!.seen
    const before = await seen()
    expect(await seen()).toBe(before)
    await add(100)
    expect(await seen()).not.toBe(before)
  })

  test('a user who was signed out of all sessions meanwhile does not join, nor decline', async () => {
    const invited = await invite()
    const { user } = invited.person
    const token = await ticketOf(invited)
    const waiting = on.whileOpen(
      (trx) => revokeSessionsOfUser(trx, user.id),
      () => joiningOf().join(answerOf({ token }, user)),
    )
    await expect(waiting).rejects.toMatchObject(USED_UP)
    await expect(joiningOf().decline(answerOf({ token }, user))).rejects.toMatchObject(USED_UP)
    expect(await membershipsOf(user)).not.toHaveProperty(invited.accountId)
  })

  test('a sign-out of all sessions right after it ends the session that joined', async () => {
    const invited = await invite()
    const { user } = invited.person
    const token = await ticketOf(invited)
    const signsOut = async (act: (trx: Knex.Transaction) => Promise<unknown>) => {
      const result = await on.knex.transaction(act)
      await revokeSessionsOfUser(on.knex, user.id)
      return result
    }
    const knex = new Proxy(on.knex, {
      get: (target, name) => (name === 'transaction' ? signsOut : Reflect.get(target, name)),
    })
    const joined = await joiningOf({ knex }).join(answerOf({ token }, user))
    const present = await findUser(on.knex, user.id)
    expect(Number(joined.sessionsValidFrom)).toBeLessThan(Number(present.sessionsValidFrom))
  })

  test('the link of an invitation leads there too, once, and the user who declines is nobody in the account', async () => {
    const invited = await invite()
    const links = createPasswordLinks(on.knex, on.keys, endEarlierCredentials)
    const pending = await withoutPassword(invited.person.user)
    const token = await linkOf({ pending })
    expect(await links.open(token)).toMatchObject({ mustJoin: true })
    await expect(links.choosePassword(token, OTHER_PASSWORD, from())).rejects.toMatchObject(USED_UP)
    await joiningOf().decline(answerOf({ token }, invited.person.user))
    expect(await isPresent(pending)).toBe(false)
    await expect(joiningOf().join(answerOf({ token }, invited.person.user))).rejects.toMatchObject(USED_UP)
    const declined = await on
      .knex('audit_log')
      .where({ action: 'user.invitation_declined', target_id: pending.id })
      .first()
    expect(declined).toMatchObject({ account_id: pending.accountId, actor_id: null })
    expect(Object.keys(await membershipsOf(invited.person.user))).toEqual([on.accountId])
  })

  test('of several requests at two nodes that join at once, one succeeds, and there is one membership', async () => {
    const invited = await invite()
    const token = await ticketOf(invited)
    const answers = await Promise.allSettled(
      [1, 2, 3, 4].map(() => joiningOf().join(answerOf({ token }, invited.person.user))),
    )
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const one of answers) if (one.status === 'rejected') expect(one.reason).toMatchObject(USED_UP)
    expect(Object.keys(await membershipsOf(invited.person.user))).toHaveLength(2)
  })

  test('of joining and removing at once, one succeeds', async () => {
    for (const remove of [
      ({ pending }: Invited) => changeUserStatus(on.knex, pending.id, 'disabled', ACTOR),
      ({ pending }: Invited) => saveProfile(on.knex, pending.id, { email: on.nextEmail() }, ACTOR),
    ]) {
      const invited = await invite()
      const token = await ticketOf(invited)
      await together(2, (n) =>
        n === 0
          ? joiningOf()
              .join(answerOf({ token }, invited.person.user))
              .catch(() => {})
          : remove(invited).catch(() => {}),
      )
      const hasJoined = invited.accountId in (await membershipsOf(invited.person.user))
      expect(await isPresent(invited.pending)).toBe(!hasJoined)
    }
  })

  test('external ID and metadata move to a user who has none', async () => {
    const [one, other] = [await invite(), await invite()]
    await saveProfile(on.knex, one.pending.id, { externalId: 'crm-1', metadata: { plan: 'gold' } }, ACTOR)
    await saveProfile(on.knex, other.pending.id, { externalId: 'crm-2', metadata: { plan: 'gold' } }, ACTOR)
    await saveProfile(on.knex, other.person.user.id, { externalId: 'hr-2', metadata: { team: 'a' } }, ACTOR)
    for (const invited of [one, other])
      await joiningOf().join(answerOf({ token: await ticketOf(invited) }, invited.person.user))
    expect(await findUser(on.knex, one.person.user.id)).toMatchObject({
      externalId: 'crm-1',
      metadata: { plan: 'gold' },
    })
    expect(await findUser(on.knex, other.person.user.id)).toMatchObject({ externalId: 'hr-2', metadata: { team: 'a' } })
  })

  test('a person who became a member meanwhile keeps that membership', async () => {
    const invited = await invite('admin')
    const { person, accountId, pending } = invited
    await on.knex('memberships').insert({ user_id: person.user.id, account_id: accountId, role: 'viewer' })
    await joiningOf().join(answerOf({ token: await ticketOf(invited) }, person.user))
    expect(await membershipsOf(person.user)).toMatchObject({ [accountId]: 'viewer' })
    expect(await isPresent(pending)).toBe(false)
  })
})

describe('nobody but the person joins', () => {
  test('the one-time password signs nobody in, neither as the person nor as the pending user', async () => {
    const invited = await invite()
    const step = await on.signIn.attempt(attemptOf(invited.person.user.email, invited.password))
    expect(step).toEqual({
      outcome: 'join',
      user: expect.objectContaining({ id: invited.pending.id }),
      ticket: expect.any(String),
    })
    const ticket = step.outcome === 'join' ? step.ticket : ''
    const choice = on.signIn.choosePassword(ticket, OTHER_PASSWORD, ACTOR)
    await expect(choice).rejects.toMatchObject({ code: 'conflict' })
  })

  test('another user, also one of the inviting account, joins with no proof', async () => {
    const invited = await invite()
    const proofs = [{ token: await ticketOf(invited) }, { token: 'kwl_0' }, { token: '' }, { id: invited.pending.id }]
    for (const proof of proofs)
      await expect(joiningOf().join(answerOf(proof, invited.inviter))).rejects.toMatchObject(USED_UP)
    await setProof(invited.person.user.id, false)
    await expect(joiningOf().join(answerOf({ id: invited.pending.id }, invited.person.user))).rejects.toMatchObject(
      USED_UP,
    )
    expect(await isPresent(invited.pending)).toBe(true)
  })

  test('a person whose address is not proven needs the link or the one-time password', async () => {
    const invited = await invite()
    const { person, pending } = invited
    const own = { id: pending.id }
    await setProof(person.user.id, false)
    expect(await joiningOf().open(own, person.user.id)).toBeUndefined()
    const links = createPasswordLinks(on.knex, on.keys, endEarlierCredentials)
    const prove = async () => {
      const token = await linkOf({ pending: person.user }, 'password_reset')
      await links.choosePassword(token, `${OTHER_PASSWORD} ${freshIp()}`, from())
    }
    await prove()
    expect(await joiningOf().open(own, person.user.id)).toMatchObject({ id: pending.id })
    await resetPassword(on.knex, person.user.id, ACTOR)
    expect(await joiningOf().open(own, person.user.id)).toBeUndefined()
    await prove()
    await joiningOf().join(answerOf(own, await findUser(on.knex, person.user.id)))
    expect(await membershipsOf(person.user)).toHaveProperty(invited.accountId)
  })

  test.each([
    [
      'the pending user is disabled',
      ({ pending }: Invited) => changeUserStatus(on.knex, pending.id, 'disabled', ACTOR),
    ],
    [
      'the pending user gets another one-time password',
      ({ pending }: Invited) => resetPassword(on.knex, pending.id, ACTOR),
    ],
    ['the person is disabled', ({ person }: Invited) => changeUserStatus(on.knex, person.user.id, 'disabled', ACTOR)],
    [
      'the person gets another address',
      ({ person }: Invited) => saveProfile(on.knex, person.user.id, { email: on.nextEmail() }, ACTOR),
    ],
    [
      'the person is deleted',
      async ({ person }: Invited) => {
        await changeUserStatus(on.knex, person.user.id, 'disabled', ACTOR)
        await startUserDeletion(on.knex, person.user.id, ACTOR)
      },
    ],
  ])('a ticket is over when %s', async (_, change) => {
    const invited = await invite()
    const token = await ticketOf(invited)
    await change(invited)
    await expect(joiningOf().join(answerOf({ token }, invited.person.user))).rejects.toMatchObject(USED_UP)
    expect(await membershipsOf(invited.person.user)).not.toHaveProperty(invited.accountId)
  })

  test('an operator cannot join, and can decline', async () => {
    const { user: operator } = await on.invite(null, 'operator')
    const accountId = await on.account()
    const added = { email: operator.email, role: 'member', accountId, ...MUST_NOT_LEARN } as const
    const { user: pending, password } = await addUser(on.knex, added, ACTOR)
    const token = await ticketOf({ person: { user: operator, password: '' }, password })
    await expect(joiningOf().join(answerOf({ token }, operator))).rejects.toMatchObject(USED_UP)
    expect(await isPresent(pending)).toBe(true)
    await joiningOf().decline(answerOf({ token }, operator))
    expect(await isPresent(pending)).toBe(false)
  })
})

describe('an address that has become free', () => {
  async function free() {
    const invited = await invite('member')
    await saveProfile(on.knex, invited.person.user.id, { email: on.nextEmail() }, ACTOR)
    return invited
  }

  test('the one-time password signs in as with any user', async () => {
    const { pending, password } = await free()
    const step = await on.signIn.attempt(attemptOf(pending.email, password))
    expect(step).toMatchObject({ outcome: 'choose_password', user: { id: pending.id } })
    expect(await findUser(on.knex, pending.email)).toMatchObject({ id: pending.id })
  })

  test('the link chooses a password, and a forgotten one is replaced', async () => {
    const { pending } = await free()
    const links = createPasswordLinks(on.knex, on.keys, endEarlierCredentials)
    await requestPasswordReset(on.knex, pending.email, { ...from(), language: 'en' })
    await processResetRequests(on.knex, 10)
    const row = await on.knex('mail_links').where({ user_id: pending.id, purpose: 'password_reset' }).first()
    const token = createLinkTokens(on.keys).tokenOf(row.id)
    expect(await links.open(token)).toMatchObject({ purpose: 'password_reset', mustJoin: false })
    await links.choosePassword(token, OTHER_PASSWORD, from())
    expect(await on.signIn.attempt(attemptOf(pending.email, OTHER_PASSWORD))).toMatchObject({ outcome: 'signed_in' })
  })
})

describe('the activity log of the account', () => {
  test('has for a pending user what it has for an invited one', async () => {
    const { pending } = await invite()
    const { user: invited } = await addUser(
      on.knex,
      { email: on.nextEmail(), role: 'member', accountId: pending.accountId, ...MUST_NOT_LEARN },
      ACTOR,
    )
    for (const user of [pending, invited]) {
      await on.signIn.attempt(attemptOf(user.email, 'wrong password'))
      await requestPasswordReset(on.knex, user.email, { ...from(), language: 'en' })
      await processResetRequests(on.knex, 10)
    }
    expect(await on.actionsOn(pending.id)).toEqual(await on.actionsOn(invited.id))
    expect(await on.actionsOn(pending.id)).toEqual([
      'user.created',
      'user.sign_in_refused',
      'user.password_reset_requested',
    ])
  })

  test('has nothing of attempts in a browser of the person', async () => {
    const { person, pending } = await invite()
    const step = await on.signIn.attempt(attemptOf(person.user.email, PASSWORD))
    const browser = step.outcome === 'signed_in' ? step.browser : ''
    await on.signIn.attempt(attemptOf(person.user.email, 'wrong password', { browser }))
    expect(await on.actionsOn(pending.id)).toEqual(['user.created'])
    expect(await on.actionsOn(person.user.id)).toContain('user.sign_in_refused')
  })
})
