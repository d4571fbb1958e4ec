import type { EmailDomain } from '../../../identity-providers/email-domains.ts'
import type { IdentityProvider } from '../../../identity-providers/identity-providers.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Badge, PageLink } from '../kit/console-page.ts'

export const PROVIDERS_PATH = '/identity-providers'

export const providerPath = (id: string, step?: string): string =>
  step === undefined ? `${PROVIDERS_PATH}/${id}` : `${PROVIDERS_PATH}/${id}/${step}`

export const domainPath = (providerId: string, domain: string, step?: string): string =>
  providerPath(providerId, `domains/${encodeURIComponent(domain)}${step === undefined ? '' : `/${step}`}`)

/** The address of a page of providers, for an operator who has come from an account. */
export const pathForAccount = (path: string, accountId: string | undefined): string =>
  accountId === undefined ? path : `${path}?account=${accountId}`

export const providersLink = (t: ConsoleTranslate): PageLink => ({
  href: PROVIDERS_PATH,
  label: t('Identity providers'),
})

export const breadcrumbsTo = (t: ConsoleTranslate, { id, name }: Pick<IdentityProvider, 'id' | 'name'>): PageLink[] => [
  providersLink(t),
  { href: providerPath(id), label: name },
]

export const providerBadge = (t: ConsoleTranslate, { status }: Pick<IdentityProvider, 'status'>): Badge =>
  status === 'enabled' ? { tone: 'success', text: t('Enabled') } : { tone: 'neutral', text: t('Disabled') }

export function domainBadge(t: ConsoleTranslate, { verifiedAt, verifiedElsewhere }: EmailDomain): Badge {
  if (verifiedAt !== null) return { tone: 'success', text: t('Verified') }
  if (verifiedElsewhere) return { tone: 'error', text: t('Verified for another provider') }
  return { tone: 'warning', text: t('Waiting for verification') }
}
