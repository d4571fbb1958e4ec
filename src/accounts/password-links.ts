import type { Knex } from 'knex'
import { recordAudit } from '../audit/audit-log.ts'
import { createLinkTokens } from '../mail/link-tokens.ts'
import { findLink, type LinkPurpose, type MailLink, useLink } from '../mail/mail-links.ts'
import { emailKey } from '../shared/email-addresses.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { KeywrightError } from '../shared/errors.ts'
import { type Credentials, findCredentialsById, lockCredentials, savePassword } from './credentials.ts'
import { type From, hashOfNext } from './password-changes.ts'
import { mayChooseFirstPassword, mayReplacePassword } from './password-reset-requests.ts'
import { takeWork } from './sign-in-limits.ts'
import { confirmEmail, type User, userEntry } from './users.ts'

/** What a link in a message lets somebody do. */
export interface OpenedLink {
  readonly email: string
  readonly purpose: LinkPurpose
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

const usedUp = () => new KeywrightError('conflict', 'this link was used, or has expired')

/** What each link needs of its user. */
const MAY_USE: Readonly<Record<LinkPurpose, (person: Credentials) => boolean>> = {
  invitation: mayChooseFirstPassword,
  password_reset: mayReplacePassword,
}

/** Neither the address nor the password of the user has changed since the link was made. */
function isFor(link: MailLink, person: Credentials | undefined): person is Credentials {
  if (!person || !MAY_USE[link.purpose](person)) return false
  const isCurrent = Number(person.passwordChangedAt) <= Number(link.createdAt)
  return isCurrent && emailKey(person.user.email) === emailKey(link.email)
}

export function createPasswordLinks(knex: Knex, encryptionKeys: EncryptionKeys): PasswordLinks {
  const tokens = createLinkTokens(encryptionKeys)

  async function read(token: string): Promise<{ link: MailLink; person: Credentials } | undefined> {
    const id = tokens.linkIdOf(token)
    const link = id === undefined ? undefined : await findLink(knex, id)
    const person = link && (await findCredentialsById(knex, link.userId))
    return link && isFor(link, person) ? { link, person } : undefined
  }

  async function save(link: MailLink, hash: string, from: From): Promise<User> {
    return await knex.transaction(async (trx) => {
      const person = await lockCredentials(trx, link.userId)
      if (!isFor(link, person) || !(await useLink(trx, link.id))) throw usedUp()
      const actor = { type: 'user', id: person.user.id, ...from } as const
      const detail = { link: link.purpose, ...(!person.user.emailVerified && { email_verified: true }) }
      await recordAudit(trx, actor, userEntry('user.password_changed', person.user, detail))
      await savePassword(trx, person.user.id, hash)
      return await confirmEmail(trx, person.user.id)
    })
  }

  return {
    async open(token) {
      const found = await read(token)
      return found && { email: found.person.user.email, purpose: found.link.purpose }
    },

    async choosePassword(token, password, from) {
      const found = await read(token)
      if (!found) throw usedUp()
      await takeWork(knex, found.person.user.id)
      return await save(found.link, await hashOfNext(found.person, password), from)
    },
  }
}
