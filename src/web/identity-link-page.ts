import type { Translate } from '../languages/translator.ts'
import type { Page } from './page.ts'

export interface IdentityLinkState {
  /** Sealed. */
  readonly ticket: string
  readonly provider: string
  readonly email: string
  readonly returnTo: string
}

/** Asks whether somebody who has proved both identities connects them. */
export const identityLinkPage = (t: Translate, state: IdentityLinkState): Page => ({
  view: 'connect-identity',
  title: t('upstream.linkTitle', { provider: state.provider }),
  data: state,
})
