import type { Knex } from 'knex'
import { createLinkTokens } from '../mail/link-tokens.ts'
import { findLink, type MailLink, useLink } from '../mail/mail-links.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { KeywrightError } from '../shared/errors.ts'
import { type Credentials, findCredentialsById, lockCredentials } from './credentials.ts'

/** A link that works, and its user. */
export interface FoundLink {
  readonly link: MailLink
  readonly person: Credentials
}

/** Whether a link still works for its user, as far as the link itself and its use do not decide. */
export type LinkCondition = (link: MailLink, person: Credentials) => boolean

/** Opens and uses links in messages. */
export interface LinkUse {
  /** Changes nothing. Undefined: the link was used, has expired, or never was one. */
  find(token: string): Promise<FoundLink | undefined>
  /**
   * Uses a link up and does what it is for, in one transaction that has locked the user.
   * @throws KeywrightError `conflict`: the link is used up
   */
  use<T>(found: FoundLink, work: (trx: Knex, person: Credentials) => Promise<T>): Promise<T>
}

export const usedUp = () => new KeywrightError('conflict', 'this link was used, or has expired')

export function createLinkUse(knex: Knex, encryptionKeys: EncryptionKeys, works: LinkCondition): LinkUse {
  const tokens = createLinkTokens(encryptionKeys)
  const isFor = (link: MailLink, person: Credentials | undefined): person is Credentials =>
    person?.mayAct === true && works(link, person)

  return {
    async find(token) {
      const id = tokens.linkIdOf(token)
      const link = id === undefined ? undefined : await findLink(knex, id)
      const person = link && (await findCredentialsById(knex, link.userId))
      return link && isFor(link, person) ? { link, person } : undefined
    },

    async use({ link }, work) {
      return await knex.transaction(async (trx) => {
        const person = await lockCredentials(trx, link.userId)
        if (!isFor(link, person) || !(await useLink(trx, link.id))) throw usedUp()
        return await work(trx, person)
      })
    },
  }
}
