import type { Knex } from 'knex'
import { type Credentials, findCredentialsById } from '../accounts/credentials.ts'
import { createLinkUse, type LinkCondition, usedUp } from '../accounts/link-use.ts'
import type { From } from '../accounts/password-changes.ts'
import { isSameSession, isSessionPresent, type SessionOwner } from '../accounts/user-sessions.ts'
import { type User, userEntry } from '../accounts/users.ts'
import { confirmEmail, saveProof } from '../accounts/verified-emails.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { emailKey } from '../shared/email-addresses.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import {
  applyAnswer,
  type EarlierAnswer,
  type EarlierCredentials,
  listEarlierCredentials,
  prepareAnswer,
} from './earlier-credentials.ts'

/** What a link to verify an address is for. */
export interface OpenedVerification {
  readonly email: string
  readonly userId: string
  /** The link is enough: nobody has anything by which to sign in as the user, or their mailbox is proven. */
  readonly isEnough: boolean
}

/** The user in the browser that has the link. */
interface InBrowser {
  /** As their session was read. */
  readonly user: SessionOwner
  /** Null: the session is not listed yet. */
  readonly sessionId: string | null
}

/** Links in messages by which the owner of an address verifies it. */
export interface VerificationLinks {
  /** Changes nothing. Undefined: the link was used, has expired, or never was one. */
  open(token: string): Promise<OpenedVerification | undefined>
  /** By what somebody can sign in as the user. */
  earlier(inBrowser: InBrowser): Promise<EarlierCredentials | undefined>
  /**
   * Verifies the address, which uses the link up. The mailbox is not proven by it.
   * @param userId who is signed in in this browser
   * @throws KeywrightError `conflict`: the link is used up, or is not enough without the user
   */
  verify(token: string, userId: string | undefined, from: From): Promise<User>
  /**
   * Verifies the address and proves the mailbox, by the link and a session of the user in the same browser, in which they have just
   * signed in with every factor.
   * @throws KeywrightError as `prepareAnswer`; `conflict`: the link is used up, or the session was ended
   */
  prove(token: string, inBrowser: InBrowser, answer: EarlierAnswer, from: From): Promise<User>
}

/** The user still has the address that the link was sent to. */
const works: LinkCondition = ({ purpose, email }, { user }) =>
  purpose === 'email_verification' && emailKey(user.email) === emailKey(email)

async function isLinkEnough(db: Knex, person: Credentials): Promise<boolean> {
  if (person.isProven) return true
  if (person.passwordHash !== null || person.hasSecondFactor) return false
  return (await db('user_identities').where({ user_id: person.user.id }).first('id')) === undefined
}

async function recordVerified(trx: Knex, { emailVerified, ...user }: User, actor: Actor): Promise<User> {
  if (!emailVerified) await recordAudit(trx, actor, userEntry('user.email_verified', { emailVerified, ...user }))
  return await confirmEmail(trx, user.id)
}

/** Proves the mailbox of a user, whom the caller has locked, after what the person has decided. Returns the user. */
export async function saveMailboxProof(trx: Knex, { id }: User, actor: Actor): Promise<User> {
  const person = (await findCredentialsById(trx, id))!
  await saveProof(trx, id)
  return await recordVerified(trx, person.user, actor)
}

export function createVerificationLinks(knex: Knex, encryptionKeys: EncryptionKeys): VerificationLinks {
  const links = createLinkUse(knex, encryptionKeys, works)
  return {
    async open(token) {
      const found = await links.find(token)
      if (!found) return undefined
      const { person } = found
      return { email: person.user.email, userId: person.user.id, isEnough: await isLinkEnough(knex, person) }
    },

    earlier: ({ user, sessionId }) => listEarlierCredentials(knex, user.id, sessionId),

    async verify(token, userId, from) {
      const found = await links.find(token)
      if (!found) throw usedUp()
      return await links.use(found, async (trx, person) => {
        if (person.user.id !== userId && !(await isLinkEnough(trx, person))) throw usedUp()
        // Who holds the link has the mailbox, and need not be signed in.
        return await recordVerified(trx, person.user, { type: 'user', id: person.user.id, ...from })
      })
    },

    async prove(token, { user, sessionId }, answer, from) {
      const userId = user.id
      const found = await links.find(token)
      if (found?.person.user.id !== userId) throw usedUp()
      const prepared = await prepareAnswer(knex, userId, answer)
      const actor: Actor = { type: 'user', id: userId, ...from }
      return await links.use(found, async (trx, person) => {
        if (!isSameSession(user, person.user)) throw usedUp()
        if (sessionId !== null && !(await isSessionPresent(trx, userId, sessionId))) throw usedUp()
        await applyAnswer(trx, person, prepared, actor)
        return await saveMailboxProof(trx, person.user, actor)
      })
    },
  }
}
