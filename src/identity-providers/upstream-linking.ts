import type { Knex } from 'knex'
import { findCredentialsById } from '../accounts/credentials.ts'
import type { SignInOrigin } from '../accounts/sign-in-record.ts'
import { findIdentityProvider } from './identity-providers.ts'
import type { LinkQuestion, UpstreamLinks } from './upstream-links.ts'
import { confirmLink, type LinkingUser, maySignInBy } from './upstream-users.ts'

/** What somebody who confirms a link is shown. */
export interface LinkedIdentity {
  readonly providerName: string
  /** What the provider calls them. */
  readonly username: string | undefined
}

/** Links identities to users who have proved both, in the same browser. */
export function createUpstreamLinking(knex: Knex, links: UpstreamLinks) {
  return {
    /**
     * The provider of a link that a user confirms. Undefined: the link has expired, or belongs to another browser, or the user may not sign
     * in by the provider.
     */
    async linkOf(ticket: string, boundTo: string, userId: string): Promise<LinkedIdentity | undefined> {
      const link = links.open(ticket, boundTo)
      const found = link && (await findIdentityProvider(knex, link.providerId))
      if (!found || !(await maySignInBy(knex, found.provider, await findCredentialsById(knex, userId))))
        return undefined
      return { providerName: found.provider.name, username: link.username }
    },

    /** False: it cannot be linked (any more). */
    async confirmLink(ticket: string, boundTo: string, user: LinkingUser, origin: SignInOrigin): Promise<boolean> {
      const link = links.open(ticket, boundTo)
      return link !== undefined && (await confirmLink(knex, link, user, origin))
    },

    /** What goes through the page that asks a user within an interaction, sealed: their sign-in continues after it. */
    askWithin: (question: Omit<LinkQuestion, 'expiresAt' | 'provedAt'>): string => links.issueQuestion(question),

    /** Undefined: it has expired, or belongs to another browser or interaction. */
    questionOf: (sealed: string, within: Pick<LinkQuestion, 'browser' | 'uid'>): LinkQuestion | undefined =>
      links.openQuestion(sealed, within),
  }
}
