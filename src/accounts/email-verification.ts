import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import type { LanguageCode } from '../languages/languages.ts'
import { createLink } from '../mail/mail-links.ts'
import { addMessage } from '../mail/outbox.ts'
import { emailKey } from '../shared/email-addresses.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { KeywrightError } from '../shared/errors.ts'
import { createLinkUse, type LinkCondition, usedUp } from './link-use.ts'
import type { From, FromPage } from './password-changes.ts'
import { messageNetworkBudget, takeAttempts, verificationBudget } from './sign-in-limits.ts'
import { findUser, findUserById, lockUser, mayAct, type User, userEntry } from './users.ts'
import { confirmEmail } from './verified-emails.ts'

/** @throws KeywrightError `conflict` */
async function checkMayVerify(trx: Knex, { id, email, emailVerified }: User): Promise<void> {
  const user = await findUserById(trx, id)
  if (!user || !mayAct(user)) throw new KeywrightError('conflict', `${email} is disabled`)
  if (emailVerified) throw new KeywrightError('conflict', `${email} is verified`)
}

/**
 * Sends a link to the address of a user, by which its owner verifies it. The link signs nobody in.
 * @param pageLanguage of the user's own request; absent: another one requests the message
 * @throws KeywrightError `not_found`, `conflict` (the address is verified, or the user is disabled)
 */
export async function addVerification(
  knex: Knex,
  userId: string,
  actor: Actor,
  pageLanguage?: LanguageCode,
): Promise<User> {
  return await knex.transaction(async (trx) => {
    const user = await lockUser(trx, userId)
    await checkMayVerify(trx, user)
    const linkId = await createLink(trx, { purpose: 'email_verification', userId: user.id, email: user.email })
    await addMessage(trx, { kind: 'email_verification', to: user, parameters: {}, linkId, pageLanguage })
    await recordAudit(trx, actor, userEntry('user.verification_sent', user))
    return user
  })
}

/**
 * As `addVerification`, for the user themselves. Returns undefined, or the seconds to wait after too many requests.
 * @throws KeywrightError as `addVerification`
 */
export async function requestVerification(knex: Knex, userId: string, request: FromPage): Promise<number | undefined> {
  const { language, ...from } = request
  const { email } = await findUser(knex, userId)
  const late = await takeAttempts(knex, [messageNetworkBudget(from.ip), verificationBudget(email)])
  if (late) return late.retryAfter
  await addVerification(knex, userId, { type: 'user', id: userId, ...from }, language)
  return undefined
}

/** Links in messages by which the owner of an address verifies it. */
export interface VerificationLinks {
  /** Changes nothing. Undefined: the link was used, has expired, or never was one. */
  open(token: string): Promise<{ readonly email: string } | undefined>
  /** Verifies the address, which uses the link up. @throws KeywrightError `conflict`: the link is used up */
  verify(token: string, from: From): Promise<User>
}

/** The user still has the address that the link was sent to. */
const works: LinkCondition = ({ purpose, email }, { user }) =>
  purpose === 'email_verification' && emailKey(user.email) === emailKey(email)

export function createVerificationLinks(knex: Knex, encryptionKeys: EncryptionKeys): VerificationLinks {
  const links = createLinkUse(knex, encryptionKeys, works)
  return {
    async open(token) {
      const found = await links.find(token)
      return found && { email: found.person.user.email }
    },

    async verify(token, from) {
      const found = await links.find(token)
      if (!found) throw usedUp()
      return await links.use(found, async (trx, { user }) => {
        if (user.emailVerified) return user
        // Who holds the link has the mailbox, and need not be signed in.
        await recordAudit(trx, { type: 'user', id: user.id, ...from }, userEntry('user.email_verified', user))
        return await confirmEmail(trx, user.id)
      })
    },
  }
}
