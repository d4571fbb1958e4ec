import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { createLink, endLinks } from '../mail/mail-links.ts'
import { addMessage } from '../mail/outbox.ts'
import { changesBetween } from '../shared/attributes.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { createLinkUse, type LinkCondition, usedUp } from './link-use.ts'
import type { From, FromPage } from './password-changes.ts'
import { addressChangeBudget, changingUserBudget, messageNetworkBudget, takeAttempts } from './sign-in-limits.ts'
import { PROFILE_ATTRIBUTES } from './user-attributes.ts'
import { unlessProfileTaken } from './user-checks.ts'
import { isSessionPresent } from './user-sessions.ts'
import { lockUser, lookUpUser, type User, userEntry } from './users.ts'
import { moveUser } from './verified-emails.ts'

/** The statements are the same whether or not another user has the new address, and so is what the caller learns. */
async function addMessages(trx: Knex, user: User, email: string, { ip, language }: FromPage): Promise<void> {
  const owner = await lookUpUser(trx, email)
  const linkId = await createLink(trx, { purpose: 'email_change', userId: user.id, email })
  const own = { pageLanguage: language }
  if (owner && owner.id !== user.id) await addMessage(trx, { kind: 'email_change_refused', to: owner, parameters: {} })
  else await addMessage(trx, { kind: 'email_change', to: { ...user, email }, parameters: {}, linkId, ...own })
  const parameters = { email, at: new Date().toISOString(), ip }
  await addMessage(trx, { kind: 'email_change_requested', to: user, parameters, ...own })
}

/**
 * Begins the change of a user's own address. A link goes to the new address and a notice to the present one; nothing else changes. If
 * another user has the new address, that user receives a message instead of the link. A link of an earlier request is over.
 * The interface has checked that the user has just signed in.
 * @param email a normalized address
 * @returns undefined, or the seconds to wait after too many requests
 */
export async function requestEmailChange(
  knex: Knex,
  userId: string,
  email: string,
  request: FromPage,
): Promise<number | undefined> {
  const { language: _, ...from } = request
  const budgets = [messageNetworkBudget(from.ip), changingUserBudget(userId), addressChangeBudget(email)]
  const late = await takeAttempts(knex, budgets)
  if (late) return late.retryAfter
  await knex.transaction(async (trx) => {
    const user = await lockUser(trx, userId)
    await endLinks(trx, userId, ['email_change'])
    await addMessages(trx, user, email, request)
    const actor: Actor = { type: 'user', id: userId, ...from }
    await recordAudit(trx, actor, userEntry('user.email_change_requested', user, {}, { email }))
  })
  return undefined
}

export interface EmailChange {
  readonly present: string
  readonly email: string
}

/** Links in messages by which users confirm a new address. Each works only for the user who asked for it, signed in. */
export interface EmailChangeLinks {
  /** Changes nothing. Undefined: the link was used, has expired, is of another user, or never was one. */
  open(token: string, userId: string): Promise<EmailChange | undefined>
  /**
   * Changes the address, which verifies it and ends all sessions and links of the user.
   * @param sessionId of the session by which the user confirms; null: it has no ID yet
   * @throws KeywrightError `conflict`: the link is used up, another user has got the address meanwhile, or the session was ended
   */
  confirm(token: string, userId: string, from: From, sessionId: string | null): Promise<User>
}

/** A new password, *Sign out of all sessions* and another change of the address end the request of somebody else. */
const works: LinkCondition = ({ purpose, createdAt }, { user }) =>
  purpose === 'email_change' && Number(user.sessionsValidFrom) <= Number(createdAt)

async function changeAddress(trx: Knex, before: User, email: string, actor: Actor): Promise<User> {
  const user = await unlessProfileTaken(email, () => moveUser(trx, before.id, email))
  await endLinks(trx, user.id)
  const changes = changesBetween(PROFILE_ATTRIBUTES, before, user)
  await recordAudit(trx, actor, userEntry('user.updated', user, { link: 'email_change' }, { changes }))
  return user
}

export function createEmailChangeLinks(knex: Knex, encryptionKeys: EncryptionKeys): EmailChangeLinks {
  const links = createLinkUse(knex, encryptionKeys, works)

  async function findOwn(token: string, userId: string) {
    const found = await links.find(token)
    return found?.person.user.id === userId ? found : undefined
  }

  return {
    async open(token, userId) {
      const found = await findOwn(token, userId)
      return found && { present: found.person.user.email, email: found.link.email }
    },

    async confirm(token, userId, from, sessionId) {
      const found = await findOwn(token, userId)
      if (!found) throw usedUp()
      const actor: Actor = { type: 'user', id: userId, ...from }
      return await links.use(found, async (trx, { user }) => {
        if (sessionId !== null && !(await isSessionPresent(trx, userId, sessionId))) throw usedUp()
        return await changeAddress(trx, user, found.link.email, actor)
      })
    },
  }
}
