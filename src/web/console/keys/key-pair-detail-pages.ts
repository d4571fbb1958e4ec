import { KEY_PAIR_ATTRIBUTES } from '../../../clients/client-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { checkMayRevoke, mayStopKeyPair } from '../../../management/developer-limits.ts'
import { type KeyPairDetails, readKeyPairDetails, stopKeyPair } from '../../../management/key-pair-details.ts'
import { mayEditKeyPair } from '../../../management/key-pair-settings.ts'
import type { Principal } from '../../../management/principal.ts'
import { revokeAllOfClient } from '../../../management/token-operations.ts'
import { applicationsBreadcrumbs, keyPairPath } from '../applications/application-list-page.ts'
import { settingsBlocks } from '../applications/application-settings-blocks.ts'
import { callersStop, heldTokensStop } from '../applications/effect-texts.ts'
import { affectedCallers } from '../applications/recent-callers-list.ts'
import { attributeFacts } from '../kit/attribute-facts.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { type Fact, fact, linkCell, quietCell, textCell } from '../kit/cells.ts'
import type { Badge, PageAction } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { clientName, displayName } from '../kit/display-name.ts'
import { confirmPage } from '../kit/panels.ts'
import { needsProof } from '../kit/required-proofs.ts'
import { revocationPath } from '../kit/revocation-path.ts'
import { usagePath } from '../usage/client-usage-page.ts'
import { environmentCell } from './environment-cell.ts'
import { API_OFF, apisList, callersList, credentialFacts } from './key-pair-page.ts'

const noticesOf = (t: ConsoleTranslate) => ({
  saved: t('Key pair saved.'),
  'token-revoked': t('Token revoked. The key pair stays valid.'),
})

function badgeOf(t: ConsoleTranslate, { status }: KeyPairDetails['client']): Badge {
  if (status === 'active') return { tone: 'success', text: t('Active') }
  if (status === 'archived') return { tone: 'neutral', text: t('Stopped') }
  return { tone: 'neutral', text: status === 'replaced' ? t('Replaced') : t('Deleting') }
}

function warningOf(t: ConsoleTranslate, { client, apiEnabled }: KeyPairDetails): string | undefined {
  if (client.status === 'archived')
    return t(
      'This key pair is stopped for good. Its client secret does not work, and its tokens are revoked. Its owner can generate new keys.',
    )
  if (client.status === 'replaced')
    return t('This key pair was replaced by a newer one. Its client secret does not work, and its tokens are revoked.')
  if (client.status === 'deleting') return t('This key pair is being deleted with its owner.')
  return apiEnabled ? undefined : t(API_OFF)
}

function factsOf(t: ConsoleTranslate, pair: KeyPairDetails, isOperator: boolean): Fact[] {
  const { client, owner, accountName, grants } = pair
  const ownerEmail = owner.name === null ? undefined : owner.email
  return [
    fact(t('Owner'), linkCell(displayName(owner), `/users/${owner.id}`, ownerEmail)),
    ...(isOperator ? [fact(t('Account'), linkCell(accountName, `/accounts/${client.accountId}`))] : []),
    ...pairFacts(t, client),
    ...attributeFacts(t, { description: KEY_PAIR_ATTRIBUTES.description }, client),
    ...credentialFacts(t, pair),
    ...(client.clientCredentialsRefresh ? [fact(t('Refresh tokens'), refreshTokensCell(t, grants))] : []),
  ]
}

/** What tells a named key pair from the others of its owner. */
const pairFacts = (t: ConsoleTranslate, { pairName, environment }: KeyPairDetails['client']): Fact[] =>
  pairName === null
    ? []
    : [
        fact(t('Key pair name'), textCell(pairName)),
        ...(environment ? [fact(t('Environment'), environmentCell(t, environment))] : []),
      ]

const refreshTokensCell = (t: ConsoleTranslate, grants: KeyPairDetails['grants']) =>
  grants.count === 0 ? quietCell(t('none')) : textCell(countedUpTo(t, grants, 'active refresh token'))

function actionsOf(t: ConsoleTranslate, pair: KeyPairDetails, who: Principal): PageAction[] {
  const { client, activeTokens } = pair
  const { clientId } = client
  const isOwnNamed = client.pairName !== null && client.userId === who.userId
  const usage = { href: usagePath(clientId), label: t('Usage') }
  const activity = { href: `/activity?target=${encodeURIComponent(clientId)}`, label: t('Activity') }
  const effect = { href: revocationPath(clientId), label: t('Revocation') }
  const generate = { href: keyPairPath(clientId, '/generate'), label: t('Generate new keys'), primary: true }
  const renew = isOwnNamed ? [generate] : []
  if (client.status === 'archived') return [effect, usage, activity, ...renew]
  if (client.status !== 'active') return [effect, usage, activity]
  const revoke = { href: keyPairPath(clientId, '/revoke'), label: t('Revoke tokens') }
  const stop = { href: keyPairPath(clientId, '/stop'), label: t('Stop key pair') }
  const edit = mayEditKeyPair(who, client) ? [{ href: keyPairPath(clientId, '/edit'), label: t('Edit') }] : []
  const tryIt = isOwnNamed && !needsProof(client) ? [{ href: keyPairPath(clientId, '/try'), label: t('Try it') }] : []
  const stops = mayStopKeyPair(who, client) ? [...(activeTokens.count > 0 ? [revoke] : []), stop] : []
  return [usage, activity, ...tryIt, ...stops, ...edit, ...renew]
}

const detailsOf = ({ management, who, params }: ConsoleCall): Promise<KeyPairDetails> =>
  readKeyPairDetails(management, who, { clientId: params.clientId! })

async function showKeyPair(call: ConsoleCall): Promise<void> {
  const { t, who } = call
  const pair = await detailsOf(call)
  const { client } = pair
  const isOperator = who.role === 'operator'
  const warning = warningOf(t, pair)
  const blocks: Block[] = [
    { part: 'facts', facts: factsOf(t, pair, isOperator) },
    { part: 'list', heading: t('APIs and scopes'), list: apisList(t, pair) },
    {
      part: 'list',
      heading: t('Callers in the last 24 hours'),
      lead: t('Updated every five minutes.'),
      list: callersList(t, pair),
    },
    ...settingsBlocks(t, client, isOperator, KEY_PAIR_ATTRIBUTES),
  ]
  const page = {
    title: clientName(t, client),
    breadcrumbs: applicationsBreadcrumbs(t),
    badge: badgeOf(t, client),
    notices: noticesOf(t),
    actions: actionsOf(t, pair, who),
    ...(warning && { warning }),
  }
  call.show(blocksPage(page, blocks))
}

const breadcrumbsOf = (t: ConsoleTranslate, { client }: KeyPairDetails) => [
  ...applicationsBreadcrumbs(t),
  { href: keyPairPath(client.clientId), label: clientName(t, client) },
]

function stopTitle(t: ConsoleTranslate, { client: { pairName }, owner }: KeyPairDetails): string {
  const ownerName = displayName(owner)
  return pairName === null
    ? t('Stop the key pair of {owner}?', { owner: ownerName })
    : t('Stop the key pair {pairName} of {owner}?', { pairName, owner: ownerName })
}

async function askStop(call: ConsoleCall): Promise<void> {
  const { t } = call
  const pair = await detailsOf(call)
  const { clientId } = pair.client
  checkMayRevoke(call.who, pair.client)
  const path = keyPairPath(clientId)
  const page = confirmPage({
    title: stopTitle(t, pair),
    breadcrumbs: breadcrumbsOf(t, pair),
    text: t('Stop a key pair that may have leaked or is no longer used. A stopped key pair cannot be restored.'),
    stops: [
      t('disable the client secret of {clientId} immediately', { clientId }),
      heldTokensStop(t, pair),
      callersStop(t, pair),
      t('not stop {owner} from generating new keys. To prevent that, disable the user', {
        owner: displayName(pair.owner),
      }),
    ],
    action: `${path}/stop`,
    submit: t('Stop key pair'),
    keep: { href: path, label: t('Cancel') },
    ...affectedCallers(t, pair),
  })
  call.show(page)
}

async function stop({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const { client } = await stopKeyPair(management, who, { clientId: params.clientId! })
  goTo(revocationPath(client.clientId, '?notice=stopped'))
}

function revokeTitle(t: ConsoleTranslate, { client: { pairName }, owner }: KeyPairDetails): string {
  const ownerName = displayName(owner)
  return pairName === null
    ? t('Revoke all tokens of the key pair of {owner}?', { owner: ownerName })
    : t('Revoke all tokens of the key pair {pairName} of {owner}?', { pairName, owner: ownerName })
}

async function askRevoke(call: ConsoleCall): Promise<void> {
  const { t } = call
  const pair = await detailsOf(call)
  checkMayRevoke(call.who, pair.client)
  const path = keyPairPath(pair.client.clientId)
  const page = confirmPage({
    title: revokeTitle(t, pair),
    breadcrumbs: breadcrumbsOf(t, pair),
    stops: [
      heldTokensStop(t, pair),
      t('not change the key pair: it can get new tokens. To prevent that, stop the key pair'),
    ],
    action: `${path}/revoke`,
    submit: t('Revoke tokens'),
    keep: { href: path, label: t('Cancel') },
    ...affectedCallers(t, pair),
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
