import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import type { LanguageCode } from '../languages/languages.ts'
import { createLink } from '../mail/mail-links.ts'
import { addMessage } from '../mail/outbox.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { FromPage } from './password-changes.ts'
import { messageNetworkBudget, takeAttempts, verificationBudget } from './sign-in-limits.ts'
import { findUser, findUserById, lockUser, mayAct, type User, userEntry } from './users.ts'

/** @throws KeywrightError `conflict` */
async function checkMayVerify(trx: Knex, { id, email, emailVerified }: User, actor: Actor): Promise<void> {
  const user = await findUserById(trx, id)
  if (!user || !mayAct(user)) throw new KeywrightError('conflict', `${email} is disabled`)
  // Who is verified because an admin says so still proves the mailbox.
  const needsProof = actor.type === 'user' && actor.id === id && !user.isProven
  if (emailVerified && !needsProof) throw new KeywrightError('conflict', `${email} is verified`)
}

/**
 * Sends a link to the address of a user, by which its owner verifies it, signed in as the user. The link signs nobody in.
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
    await checkMayVerify(trx, user, actor)
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
