import { hasClientSecret } from '../../../clients/authentication-attributes.ts'
import type { Client } from '../../../clients/clients.ts'
import { CLIENT_CREDENTIALS_GRANT } from '../../../clients/grant-types.ts'
import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import { needsProof } from '../kit/required-proofs.ts'
import { applicationPath, applicationsBreadcrumbs } from './application-list-page.ts'
import { statusBadge } from './application-texts.ts'

type TabName = 'settings' | 'tokens' | 'grants' | 'usage' | 'try'

const TABS: readonly (readonly [name: TabName, rest: string, label: ConsoleText])[] = [
  ['settings', '', 'Settings'],
  ['tokens', '/tokens', 'Tokens'],
  ['grants', '/grants', 'Grants'],
  ['usage', '', 'Usage'],
  ['try', '/try', 'Try it'],
]

/** Whether its token request can be sent from the console: it needs no user. */
export const canTry = (client: Client): boolean =>
  client.grants.includes(CLIENT_CREDENTIALS_GRANT) && hasClientSecret(client) && !needsProof(client)

/** What the tabs of one application have in common. */
export function applicationFrame(
  t: ConsoleTranslate,
  client: Client,
  current: TabName,
): Pick<ConsolePage, 'title' | 'breadcrumbs' | 'badge' | 'tabs'> {
  const shown = TABS.filter(([name]) => name !== 'try' || canTry(client))
  return {
    title: client.name,
    breadcrumbs: applicationsBreadcrumbs(t),
    badge: statusBadge(t, client.status),
    tabs: shown.map(([name, rest, label]) => ({
      href: name === 'usage' ? `/usage/${encodeURIComponent(client.clientId)}` : applicationPath(client.clientId, rest),
      label: t(label),
      current: name === current,
    })),
  }
}

/** Above a page about one application. */
export const applicationBreadcrumbs = (t: ConsoleTranslate, { clientId, name }: Client) => [
  ...applicationsBreadcrumbs(t),
  { href: applicationPath(clientId), label: name },
]
