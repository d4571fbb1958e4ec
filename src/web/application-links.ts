import { BRANDING_ATTRIBUTES } from '../clients/branding-attributes.ts'
import type { ClientSettings } from '../clients/client-settings.ts'

const LINKS = ['clientUri', 'policyUri', 'tosUri'] as const

/** The pages of an application that its users may read. Null: there is none. */
export type LinkedPages = Pick<ClientSettings, (typeof LINKS)[number]>

export interface ApplicationLink {
  readonly label: string
  /** An https address, which the application chose. */
  readonly href: string
}

export const linkedPagesOf = ({ clientUri, policyUri, tosUri }: ClientSettings): LinkedPages => ({
  clientUri,
  policyUri,
  tosUri,
})

export const linksTo = (pages: LinkedPages): ApplicationLink[] =>
  LINKS.flatMap((name) => {
    const href = pages[name]
    return href === null ? [] : [{ label: BRANDING_ATTRIBUTES[name].label, href }]
  })
