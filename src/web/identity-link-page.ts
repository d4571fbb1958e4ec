import type { Translate } from '../languages/translator.ts'
import type { Page } from './page.ts'

export interface IdentityLinkState {
  readonly provider: string
  /** What the provider calls them. */
  readonly username: string | undefined
  /** Of the user who would sign in with the provider. */
  readonly email: string
  /** Where the answer is posted to, with these fields. */
  readonly action: string
  readonly fields: Readonly<Record<string, string>>
  /** Where a link leads that connects nothing; absent: that is an answer too (`answer=no`). */
  readonly skipPath?: string
  readonly formTargets?: Page['formTargets']
}

/** Asks whether somebody who has proved both identities connects them. */
export const identityLinkPage = (t: Translate, { formTargets, ...state }: IdentityLinkState): Page => ({
  view: 'connect-identity',
  title: t('upstream.linkTitle', { provider: state.provider }),
  ...(formTargets && { formTargets }),
  data: state,
})
