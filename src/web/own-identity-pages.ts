import type { UserIdentity } from '../identity-providers/user-identities.ts'
import type { Translate } from '../languages/translator.ts'
import type { ConsolePage } from './console/kit/console-page.ts'
import { confirmPage } from './console/kit/panels.ts'
import { CONNECT_PATH, IDENTITIES_PATH, SECURITY_PATH } from './own-paths.ts'
import type { ProviderOffers } from './sign-in-context.ts'
import { targetsOf } from './upstream-steps.ts'

// The pages on which users connect and disconnect identities at providers.

const breadcrumbsIn = (t: Translate) => [{ href: SECURITY_PATH, label: t('security.title') }]

export const disconnectPath = (id: string): string => `${IDENTITIES_PATH}/${id}/disconnect`

/** @param offers the providers that the user may connect */
export const connectPage = (t: Translate, offers: ProviderOffers): ConsolePage => ({
  view: 'connect-provider',
  title: t('security.connectIdentity'),
  breadcrumbs: breadcrumbsIn(t),
  formTargets: targetsOf(offers),
  data: { action: CONNECT_PATH, cancel: SECURITY_PATH, providers: offers.providers },
})

/** @param endsSession the session of this browser began with the identity */
export const disconnectPage = (
  t: Translate,
  { id, providerName, username, subject }: UserIdentity,
  endsSession: boolean,
): ConsolePage =>
  confirmPage({
    title: t('disconnect.title', { provider: providerName }),
    breadcrumbs: breadcrumbsIn(t),
    stops: [
      t('disconnect.refused', { provider: providerName, username: username ?? subject }),
      t('disconnect.sessions'),
      ...(endsSession ? [t('disconnect.thisSession')] : []),
    ],
    action: disconnectPath(id),
    submit: t('security.disconnect'),
    keep: { href: SECURITY_PATH, label: t('common.cancel') },
  })
