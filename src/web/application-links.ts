import type { ClientSettings } from '../clients/client-settings.ts'
import type { MessageKey, Translate } from '../languages/translator.ts'

const LINKS = {
  clientUri: 'application.homePage',
  policyUri: 'application.privacyPolicy',
  tosUri: 'application.terms',
} as const satisfies Record<string, MessageKey>

const NAMES = ['clientUri', 'policyUri', 'tosUri'] as const

/** The pages of an application that its users may read. Null: there is none. */
export type LinkedPages = Pick<ClientSettings, keyof typeof LINKS>

export interface ApplicationLink {
  readonly label: string
  /** An https address, which the application chose. */
  readonly href: string
}

export const linkedPagesOf = ({ clientUri, policyUri, tosUri }: LinkedPages): LinkedPages => ({
  clientUri,
  policyUri,
  tosUri,
})

export const linksTo = (t: Translate, pages: LinkedPages): ApplicationLink[] =>
  NAMES.flatMap((name) => {
    const href = pages[name]
    return href === null ? [] : [{ label: t(LINKS[name]), href }]
  })
