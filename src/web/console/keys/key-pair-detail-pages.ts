import { KEY_PAIR_ATTRIBUTES } from '../../../clients/client-attributes.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { type KeyPairDetails, readKeyPairDetails, stopKeyPair } from '../../../management/key-pair-details.ts'
import { mayEditKeyPair } from '../../../management/key-pair-settings.ts'
import type { Principal } from '../../../management/principal.ts'
import { revokeAllOfClient } from '../../../management/token-operations.ts'
import { APPLICATIONS_BREADCRUMBS, keyPairPath } from '../applications/application-list-page.ts'
import { settingsBlocks } from '../applications/application-settings-blocks.ts'
import { affectedCallers } from '../applications/recent-callers-list.ts'
import { attributeFacts } from '../kit/attribute-facts.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { type Fact, fact, linkCell, quietCell, textCell } from '../kit/cells.ts'
import type { Badge, PageAction } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { counted, countedUpTo } from '../kit/counts.ts'
import { displayName } from '../kit/display-name.ts'
import { confirmPage } from '../kit/panels.ts'
import { revocationPath } from '../kit/revocation-path.ts'
import { usagePath } from '../usage/client-usage-page.ts'
import { environmentCell } from './environment-cell.ts'
import { API_OFF, apisList, callersList, credentialFacts } from './key-pair-page.ts'

const NOTICES = {
  saved: 'Key pair saved.',
  'token-revoked': 'Token revoked. The key pair stays valid.',
}

const STOPPED =
  'This key pair is stopped for good. Its client secret does not work, and its tokens are revoked. Its owner can generate new keys.'

const REPLACED =
  'This key pair was replaced by a newer one. Its client secret does not work, and its tokens are revoked.'

const DELETING = 'This key pair is being deleted with its owner.'

const BADGES: Readonly<Record<KeyPairDetails['client']['status'], Badge>> = {
  active: { tone: 'success', text: 'Active' },
  archived: { tone: 'neutral', text: 'Stopped' },
  replaced: { tone: 'neutral', text: 'Replaced' },
  deleting: { tone: 'neutral', text: 'Deleting' },
}

function warningOf({ client, apiEnabled }: KeyPairDetails): string | undefined {
  if (client.status === 'archived') return STOPPED
  if (client.status === 'replaced') return REPLACED
  if (client.status === 'deleting') return DELETING
  return apiEnabled ? undefined : API_OFF
}

function factsOf(pair: KeyPairDetails, isOperator: boolean): Fact[] {
  const { client, owner, accountName, grants } = pair
  const [credentials, tokens] = [credentialFacts(pair), fact('Refresh tokens', refreshTokensCell(grants))]
  return [
    fact('Owner', linkCell(displayName(owner), `/users/${owner.id}`, owner.name === null ? undefined : owner.email)),
    ...(isOperator ? [fact('Account', linkCell(accountName, `/accounts/${client.accountId}`))] : []),
    ...pairFacts(client),
    ...attributeFacts(toConsoleEnglish(), { description: KEY_PAIR_ATTRIBUTES.description }, client),
    ...credentials,
    ...(client.clientCredentialsRefresh ? [tokens] : []),
  ]
}

/** What tells a named key pair from the others of its owner. */
const pairFacts = ({ pairName, environment }: KeyPairDetails['client']): Fact[] =>
  pairName === null
    ? []
    : [
        fact('Key pair name', textCell(pairName)),
        ...(environment ? [fact('Environment', environmentCell(environment))] : []),
      ]

const refreshTokensCell = (grants: KeyPairDetails['grants']) =>
  grants.count === 0 ? quietCell('none') : textCell(countedUpTo(toConsoleEnglish(), grants, 'active refresh token'))

function actionsOf(pair: KeyPairDetails, who: Principal): PageAction[] {
  const { client, activeTokens } = pair
  const isOwnNamed = client.pairName !== null && client.userId === who.userId
  const usage = { href: usagePath(client.clientId), label: 'Usage' }
  const activity = { href: `/activity?target=${encodeURIComponent(client.clientId)}`, label: 'Activity' }
  const effect = { href: revocationPath(client.clientId), label: 'Revocation' }
  const generate = { href: keyPairPath(client.clientId, '/generate'), label: 'Generate new keys', primary: true }
  const renew = isOwnNamed ? [generate] : []
  if (client.status === 'archived') return [effect, usage, activity, ...renew]
  if (client.status !== 'active') return [effect, usage, activity]
  const revoke = { href: keyPairPath(client.clientId, '/revoke'), label: 'Revoke tokens' }
  const stop = { href: keyPairPath(client.clientId, '/stop'), label: 'Stop key pair' }
  const edit = mayEditKeyPair(who, client) ? [{ href: keyPairPath(client.clientId, '/edit'), label: 'Edit' }] : []
  const tryIt = isOwnNamed ? [{ href: keyPairPath(client.clientId, '/try'), label: 'Try it' }] : []
  return [usage, activity, ...tryIt, ...(activeTokens.count > 0 ? [revoke] : []), stop, ...edit, ...renew]
}

const detailsOf = ({ management, who, params }: ConsoleCall): Promise<KeyPairDetails> =>
  readKeyPairDetails(management, who, { clientId: params.clientId! })

async function showKeyPair(call: ConsoleCall): Promise<void> {
  const pair = await detailsOf(call)
  const { client } = pair
  const isOperator = call.who.role === 'operator'
  const warning = warningOf(pair)
  const blocks: Block[] = [
    { part: 'facts', facts: factsOf(pair, isOperator) },
    { part: 'list', heading: 'APIs and scopes', list: apisList(pair) },
    {
      part: 'list',
      heading: 'Callers in the last 24 hours',
      lead: 'Updated every five minutes.',
      list: callersList(pair),
    },
    ...settingsBlocks(client, isOperator, KEY_PAIR_ATTRIBUTES),
  ]
  const page = {
    title: client.name,
    breadcrumbs: APPLICATIONS_BREADCRUMBS,
    badge: BADGES[client.status],
    notices: NOTICES,
    actions: actionsOf(pair, call.who),
    ...(warning && { warning }),
  }
  call.show(blocksPage(page, blocks))
}

const breadcrumbsOf = ({ client }: KeyPairDetails) => [
  ...APPLICATIONS_BREADCRUMBS,
  { href: keyPairPath(client.clientId), label: client.name },
]

function tokensStop({ activeTokens, grants }: KeyPairDetails): string {
  const held = [
    ...(activeTokens.count > 0 ? [countedUpTo(toConsoleEnglish(), activeTokens, 'access token')] : []),
    ...(grants.count > 0 ? [countedUpTo(toConsoleEnglish(), grants, 'refresh token')] : []),
  ]
  return held.length > 0 ? `revoke ${held.join(' and ')} immediately` : 'revoke no tokens: none are active'
}

function callersStop({ callers }: KeyPairDetails): string {
  const addresses = new Set(callers.map(({ ip }) => ip)).size
  if (addresses === 0) return 'affect no callers: none used it in the last 24 hours'
  return `block ${counted(toConsoleEnglish(), addresses, 'IP address')} that called in the last 24 hours`
}

/** As within a sentence. */
const nameOf = ({ client, owner }: KeyPairDetails): string =>
  `the key pair ${client.pairName === null ? '' : `${client.pairName} `}of ${displayName(owner)}`

async function askStop(call: ConsoleCall): Promise<void> {
  const pair = await detailsOf(call)
  const { client, owner } = pair
  const path = keyPairPath(client.clientId)
  const page = confirmPage({
    title: `Stop ${nameOf(pair)}?`,
    breadcrumbs: breadcrumbsOf(pair),
    text: 'Stop a key pair that may have leaked or is no longer used. A stopped key pair cannot be restored.',
    stops: [
      `disable the client secret of ${client.clientId} immediately`,
      tokensStop(pair),
      callersStop(pair),
      `not stop ${displayName(owner)} from generating new keys. To prevent that, disable the user`,
    ],
    action: `${path}/stop`,
    submit: 'Stop key pair',
    keep: { href: path, label: 'Cancel' },
    ...affectedCallers(pair),
  })
  call.show(page)
}

async function stop({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const { client } = await stopKeyPair(management, who, { clientId: params.clientId! })
  goTo(revocationPath(client.clientId, '?notice=stopped'))
}

async function askRevoke(call: ConsoleCall): Promise<void> {
  const pair = await detailsOf(call)
  const { client } = pair
  const path = keyPairPath(client.clientId)
  const page = confirmPage({
    title: `Revoke all tokens of ${nameOf(pair)}?`,
    breadcrumbs: breadcrumbsOf(pair),
    stops: [tokensStop(pair), 'not change the key pair: it can get new tokens. To prevent that, stop the key pair'],
    action: `${path}/revoke`,
    submit: 'Revoke tokens',
    keep: { href: path, label: 'Cancel' },
    ...affectedCallers(pair),
  })
  call.show(page)
}

async function revoke(call: ConsoleCall): Promise<void> {
  const { client } = await detailsOf(call)
  await revokeAllOfClient(call.management, call.who, { clientId: client.clientId })
  call.goTo(revocationPath(client.clientId, '?notice=revoked'))
}

const ONE = '/key-pairs/:clientId'

/** A key pair of any admin, for operators and the admins of its account. */
export const KEY_PAIR_DETAIL_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: ONE, permission: readKeyPairDetails.permission, handle: showKeyPair },
  { method: 'get', path: `${ONE}/stop`, permission: stopKeyPair.permission, handle: askStop },
  { method: 'post', path: `${ONE}/stop`, permission: stopKeyPair.permission, handle: stop },
  { method: 'get', path: `${ONE}/revoke`, permission: revokeAllOfClient.permission, handle: askRevoke },
  { method: 'post', path: `${ONE}/revoke`, permission: revokeAllOfClient.permission, handle: revoke },
]
