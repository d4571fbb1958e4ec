import type { Knex } from 'knex'
import { type AccountInvitation, findInvitation, listInvitations } from '../accounts/account-invitations.ts'
import { lockAccountShared } from '../accounts/accounts.ts'
import { type Credentials, lockCredentials } from '../accounts/credentials.ts'
import type { JoinTickets } from '../accounts/join-tickets.ts'
import { createLinkUse, usedUp } from '../accounts/link-use.ts'
import { addMembership } from '../accounts/membership-changes.ts'
import { acceptMembership, endVouching } from '../accounts/memberships.ts'
import { endOneTimePassword, unknownPassword } from '../accounts/one-time-password-end.ts'
import type { StoredOneTimePassword } from '../accounts/one-time-passwords.ts'
import type { From } from '../accounts/password-changes.ts'
import { passwordLinkWorks } from '../accounts/password-links.ts'
import { markUserDeleting } from '../accounts/user-access.ts'
import type { AccountRole } from '../accounts/user-attributes.ts'
import { lockUserExclusive } from '../accounts/user-locks.ts'
import { isSameSession, type SessionOwner } from '../accounts/user-sessions.ts'
import { changeUser, findUser, type User, userEntry } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { endLinks, type MailLink, useLink } from '../mail/mail-links.ts'
import { emailKey } from '../shared/email-addresses.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { revokeUserTokens } from '../tokens/revocation.ts'
import { applyAnswer, type EarlierAnswer, type PreparedAnswer, prepareAnswer } from './earlier-credentials.ts'
import { saveMailboxProof } from './mailbox-proofs.ts'

/** By what somebody may answer an invitation: the token of a link or of a one-time password, or the ID of one of their invitations. */
export type InvitationProof = { readonly token: string } | { readonly id: string }

export interface InvitationAnswer {
  readonly proof: InvitationProof
  /** The user who answers, as their session was read: signed in with their own credentials, and not fixed to an account. */
  readonly user: SessionOwner
  readonly from: From
  /** What the person decided about earlier credentials; required while their mailbox is not proven. */
  readonly earlier?: EarlierAnswer | undefined
}

/** What a person has to do before they join. */
export type JoinCondition =
  | 'none'
  /** They decide about the earlier credentials of their user. */
  | 'earlier_credentials'
  /** They prove their mailbox first: the invitation did not reach them by it. */
  | 'proof_of_mailbox'

/** Invitations to accounts of people who have a user already. */
export interface Joining {
  /** Changes nothing. Undefined: it was answered or withdrawn, has expired, or never was one. */
  open(proof: InvitationProof, userId?: string): Promise<AccountInvitation | undefined>
  /** @param isProven whether the mailbox of the user is proven */
  conditionOf(proof: InvitationProof, isProven: boolean): JoinCondition
  /**
   * Makes the user a member of the account, and deletes the pending user. External ID and metadata of the latter move to a user who has
   * none. Returns the user as they are then: earlier sessions may have ended.
   * @throws KeywrightError `conflict`: as for `open`, or the invitation is for another address, or the user is an operator, or
   * was signed out meanwhile, or `conditionOf` is not met; as `prepareAnswer`
   */
  join(answer: InvitationAnswer): Promise<User>
  /** Deletes the pending user. @throws KeywrightError as `join` */
  decline(answer: InvitationAnswer): Promise<void>
}

/** What the proof is of. */
interface Proven {
  readonly invitation: AccountInvitation
  /** Uses the proof; false: it does not hold any more. The caller has locked the pending user. */
  use(trx: Knex, pending: Credentials): Promise<boolean>
}

const usingLink =
  (link: MailLink): Proven['use'] =>
  async (trx, pending) =>
    passwordLinkWorks(link, pending) && (await useLink(trx, link.id))

async function moveExternal(trx: Knex, from: Credentials, to: Credentials): Promise<void> {
  const { externalId, metadata } = from.user
  const takesId = externalId !== null && to.user.externalId === null
  const takesMetadata = Object.keys(metadata).length > 0 && Object.keys(to.user.metadata).length === 0
  if (!takesId && !takesMetadata) return
  await changeUser(trx, from.user.id, { external_id: null })
  const moved = {
    ...(takesId && { external_id: externalId }),
    ...(takesMetadata && { metadata: JSON.stringify(metadata) }),
  }
  await changeUser(trx, to.user.id, moved)
  // Who uses the external ID has not seen whose address the admin chose.
  if (takesId) await endVouching(trx, to.user.id)
}

/** The deletion job deletes the rest. */
async function removePending(trx: Knex, pending: Credentials, actor: Actor, action: string): Promise<void> {
  await endLinks(trx, pending.user.id)
  await revokeUserTokens(trx, pending.user.id)
  await recordAudit(trx, actor, userEntry(action, pending.user))
  await markUserDeleting(trx, pending.user.id)
}

/** What takes time, done before anything is locked. */
interface Prepared {
  readonly answer: PreparedAnswer | undefined
  readonly unknown: StoredOneTimePassword | null
}

const isMember = async (trx: Knex, userId: string, accountId: string): Promise<boolean> =>
  (await trx('memberships').where({ user_id: userId, account_id: accountId }).first('user_id')) !== undefined

interface JoiningServices {
  readonly knex: Knex
  readonly encryptionKeys: EncryptionKeys
  readonly tickets: JoinTickets
  /** Without e-mail, no mailbox can be proven. */
  readonly sendsMail: boolean
}

export function createJoining({ knex, encryptionKeys, tickets, sendsMail }: JoiningServices): Joining {
  const links = createLinkUse(knex, encryptionKeys, passwordLinkWorks)

  /** Whether the proof reached the person by their mailbox. */
  const isByMail = (proof: InvitationProof): boolean => 'token' in proof && tickets.open(proof.token) === undefined

  function conditionOf(proof: InvitationProof, isProven: boolean): JoinCondition {
    if (isProven) return 'none'
    return isByMail(proof) || !sendsMail ? 'earlier_credentials' : 'proof_of_mailbox'
  }

  /** What the person accepts of their user before they act in another account. */
  async function settle(trx: Knex, person: Credentials, { proof }: InvitationAnswer, prepared: Prepared, actor: Actor) {
    const { answer, unknown } = prepared
    const condition = conditionOf(proof, person.isProven)
    if (condition === 'none') return void (await endOneTimePassword(trx, person, unknown, actor))
    if (condition === 'proof_of_mailbox' || !answer) throw usedUp()
    await applyAnswer(trx, person, answer, actor)
    if (isByMail(proof)) await saveMailboxProof(trx, person.user, actor)
  }

  async function proveToken(token: string): Promise<Proven | undefined> {
    const found = await links.find(token)
    const ticket = found ? undefined : tickets.open(token)
    const invitation = await findInvitation(knex, found?.link.userId ?? ticket?.userId)
    if (!invitation) return undefined
    if (found) return { invitation, use: usingLink(found.link) }
    return { invitation, use: async (_, { user }) => Number(user.sessionsValidFrom) === ticket!.since }
  }

  async function proveOwn(id: string, userId: string | undefined): Promise<Proven | undefined> {
    const find = async (db: Knex) => (await listInvitations(db, userId)).find((one) => one.id === id)
    const invitation = await find(knex)
    return invitation && { invitation, use: async (trx) => (await find(trx)) !== undefined }
  }

  const prove = (proof: InvitationProof, userId?: string): Promise<Proven | undefined> =>
    'token' in proof ? proveToken(proof.token) : proveOwn(proof.id, userId)

  async function answer<T>(
    { proof, user }: InvitationAnswer,
    act: (trx: Knex, pending: Credentials, person: Credentials) => Promise<T>,
  ): Promise<T> {
    const { id: userId } = user
    const proven = await prove(proof, userId)
    if (!proven) throw usedUp()
    const { id, accountId } = proven.invitation
    return await knex.transaction(async (trx) => {
      await lockAccountShared(trx, accountId)
      for (const locked of [id, userId].sort()) await lockUserExclusive(trx, locked)
      const pending = await lockCredentials(trx, id)
      const person = await lockCredentials(trx, userId)
      const mayAnswer = pending?.isPending && pending.mayAct && person?.mayAct && !person.isPending
      if (!mayAnswer || emailKey(pending.user.email) !== emailKey(person.user.email)) throw usedUp()
      if (!isSameSession(user, person.user) || !(await proven.use(trx, pending))) throw usedUp()
      return await act(trx, pending, person)
    })
  }

  return {
    open: async (proof, userId) => (await prove(proof, userId))?.invitation,

    conditionOf,

    async join(joined) {
      const { user, from, earlier } = joined
      const userId = user.id
      const actor: Actor = { type: 'user', id: userId, ...from }
      const prepared: Prepared = {
        answer: earlier && (await prepareAnswer(knex, userId, earlier)),
        unknown: await unknownPassword(knex, userId),
      }
      return await answer(joined, async (trx, pending, person) => {
        const { accountId, role } = pending.user
        const key = { userId, accountId: accountId! }
        if (!(await isMember(trx, userId, accountId!)))
          await addMembership(trx, { ...key, role: role as AccountRole }, actor)
        else await acceptMembership(trx, key)
        await settle(trx, person, joined, prepared, actor)
        await moveExternal(trx, pending, person)
        await removePending(trx, pending, actor, 'user.invitation_accepted')
        return await findUser(trx, userId)
      })
    },

    async decline(declined) {
      const { requestId } = declined.from
      // The account learns nothing of who declined.
      const actor: Actor = { type: 'user', ...(requestId !== undefined && { requestId }) }
      await answer(declined, (trx, pending) => removePending(trx, pending, actor, 'user.invitation_declined'))
    },
  }
}
