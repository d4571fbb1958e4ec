import type { Knex } from 'knex'
import { recordAudit } from '../audit/audit-log.ts'
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
}

/** Links in messages by which a user chooses a password. */
export interface PasswordLinks {
  /** Changes nothing. Undefined: the link was used, has expired, or never was one. */
  open(token: string): Promise<OpenedLink | undefined>
  /**
   * Saves a password, which uses the link up and ends all sessions of the user. The link proves that the address is theirs.
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

export function createPasswordLinks(knex: Knex, encryptionKeys: EncryptionKeys): PasswordLinks {
  const links = createLinkUse(knex, encryptionKeys, passwordLinkWorks)
  return {
    async open(token) {
      const found = await links.find(token)
      if (!found) return undefined
      const { user, isPending } = found.person
      const mustJoin = isPending && !(await isAddressFree(knex, user.id))
      return { email: user.email, purpose: found.link.purpose as PasswordLinkPurpose, mustJoin }
    },

    async choosePassword(token, password, from) {
      const found = await links.find(token)
      if (!found) throw usedUp()
      await takeWork(knex, found.person.user.id)
      const hash = await hashOfNext(found.person, password)
      return await links.use(found, async (trx, { user, isPending, hasSecondFactor }) => {
        if (isPending && !(await takeFreeAddress(trx, user.id))) throw usedUp()
        const detail = { link: found.link.purpose, ...(!user.emailVerified && { email_verified: true }) }
        const actor = { type: 'user', id: user.id, ...from } as const
        await recordAudit(trx, actor, userEntry('user.password_changed', user, detail))
        await savePassword(trx, user.id, hash)
        // A second factor may be somebody else's, who signed in with a one-time password before.
        if (!hasSecondFactor) await saveProof(trx, user.id)
        return await confirmEmail(trx, user.id)
      })
    },
  }
}
