import type { Block } from '../kit/blocks.ts'
import { fact, idCell } from '../kit/cells.ts'
import type { ConsoleCall } from '../kit/console-route.ts'

/** What the provider must know of Keywright. @param id of the provider, which may not be added yet */
export function addressesBlock({ t, management }: ConsoleCall, id: string): Block {
  const { upstream } = management
  return {
    part: 'facts',
    heading: t('Copy into the provider'),
    lead: t(
      'Enter the redirect URI in the web application that you register at the provider. With the back-channel logout URI, a sign-out there also ends sessions here. The post-logout redirect URI is needed to sign users out at the provider too.',
    ),
    facts: [
      fact(t('Redirect URI'), idCell(upstream!.redirectUri(id), t('redirect URI'))),
      fact(t('Back-channel logout URI'), idCell(upstream!.logoutUri(id), t('back-channel logout URI'))),
      fact(t('Post-logout redirect URI'), idCell(upstream!.postLogoutUri(id), t('post-logout redirect URI'))),
    ],
  }
}
