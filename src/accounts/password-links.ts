import type { Knex } from 'knex'
import { type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import type { LinkPurpose } from '../mail/mail-links.ts'
import { emailKey } from '../shared/email-addresses.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { type Credentials, savePassword } from './credentials.ts'
import { createLinkUse, type LinkCondition, usedUp } from './link-use.ts'
import { type From, hashOfNext } from './password-changes.ts'
import { mayChooseFirstPassword, mayReplacePassword } from './password-reset-requests.ts'
import { isAddressFree, takeFreeAddress } from './pending-users.ts'
import { takeWork } from './sign-in-limits.ts'
import { type User, userEntry } from './users.ts'
import { confirmEmail, saveProof } from './verified-emails.ts'

/** Links by which a user chooses a password. */
export type PasswordLinkPurpose = 'invitation' | 'password_reset'

/** What a link in a message lets somebody do. */
export interface OpenedLink {
  readonly email: string
  readonly purpose: PasswordLinkPurpose
  /** The link is that of a pending user: who has the address signs in with their own user, and joins the account or declines. */
  readonly mustJoin: boolean
  /** What was set up before the mailbox was first proven ends. */
  readonly endsEarlier: boolean
}

/** Links in messages by which a user chooses a password. */
export interface PasswordLinks {
  /** Changes nothing. Undefined: the link was used, has expired, or never was one. */
  open(token: string): Promise<OpenedLink | undefined>
  /**
   * Saves a password, which uses the link up and ends all sessions of the user. The link proves that the address is theirs. The first
   * proof ends what was set up before it; only a second factor stays, and then the mailbox is not proven.
   * @throws KeywrightError `invalid_input` (a sentence for the user), `conflict` (the link is used up), `rate_limited`
   */
  choosePassword(token: string, password: string, from: From): Promise<User>
}

/** What each link needs of its user. */
const MAY_USE: Readonly<Record<PasswordLinkPurpose, (person: Credentials) => boolean>> = {
  invitation: mayChooseFirstPassword,
  password_reset: mayReplacePassword,
}

const givesPassword = (purpose: LinkPurpose): purpose is PasswordLinkPurpose => Object.hasOwn(MAY_USE, purpose)

/** Neither the address nor the password of the user has changed since the link was made. */
export const passwordLinkWorks: LinkCondition = (link, person) => {
  if (!givesPassword(link.purpose) || !MAY_USE[link.purpose](person)) return false
  const isCurrent = Number(person.passwordChangedAt) <= Number(link.createdAt)
  return isCurrent && emailKey(person.user.email) === emailKey(link.email)
}

/**
 * Ends everything beside password, sessions and second factors by which somebody else may sign in or act as a user who is locked.
 * Returns the audit events.
 */
type EndEarlier = (trx: Knex, person: Credentials) => Promise<readonly AuditEntry[]>

export function createPasswordLinks(knex: Knex, encryptionKeys: EncryptionKeys, endEarlier: EndEarlier): PasswordLinks {
  const links = createLinkUse(knex, encryptionKeys, passwordLinkWorks)
  return {
    async open(token) {
      const found = await links.find(token)
      if (!found) return undefined
      const { user, isPending, isProven } = found.person
      const mustJoin = isPending && !(await isAddressFree(knex, user.id))
      const purpose = found.link.purpose as PasswordLinkPurpose
      return { email: user.email, purpose, mustJoin, endsEarlier: !isProven }
    },

    async choosePassword(token, password, from) {
      const found = await links.find(token)
      if (!found) throw usedUp()
      await takeWork(knex, found.person.user.id)
      const hash = await hashOfNext(found.person, password)
      return await links.use(found, async (trx, person) => {
        const { user, isPending, isProven, hasSecondFactor } = person
        if (isPending && !(await takeFreeAddress(trx, user.id))) throw usedUp()
        const detail = { link: found.link.purpose, ...(!user.emailVerified && { email_verified: true }) }
        const actor = { type: 'user', id: user.id, ...from } as const
        await recordAudit(trx, actor, userEntry('user.password_changed', user, detail))
        if (!isProven) await recordAudit(trx, actor, ...(await endEarlier(trx, person)))
        await savePassword(trx, user.id, hash)
        // A mailbox alone does not end a second factor, which may be somebody else's.
        if (!hasSecondFactor) await saveProof(trx, user.id)
        return await confirmEmail(trx, user.id)
      })
    },
  }
}
