import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { KeyPair } from '../../../management/key-pair-operations.ts'
import { generateKeyPair, readKeyPair } from '../../../management/key-pair-operations.ts'
import { revokeAllOfClient } from '../../../management/token-operations.ts'
import { notFound } from '../../../shared/errors.ts'
import { keyPairPath } from '../applications/application-list-page.ts'
import { boundedValues } from '../kit/bounded-values.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { confirmPage } from '../kit/panels.ts'
import { needsProof } from '../kit/required-proofs.ts'
import { revocationPath } from '../kit/revocation-path.ts'
import { runTry, type TryFrame, type TrySubject, tryPage } from '../kit/try-page.ts'
import { generateKeys, generatePage } from './generate-keys-page.ts'
import { KEY_PAIR_PATH, keyPairBreadcrumbs, keyPairPage, ownKeyPair } from './key-pair-page.ts'
import { namedPairsBlocks } from './named-pairs-block.ts'
import { presentPair, replacedPage } from './replaced-keys-page.ts'

const REVOKE = `${KEY_PAIR_PATH}/revoke`
const TRY = `${KEY_PAIR_PATH}/try`

/** @throws KeywrightError `not_found` before the first one was generated */
async function ownPair(call: ConsoleCall): Promise<KeyPair> {
  const { pair } = await ownKeyPair(call)
  if (!pair) throw notFound('key pair', 'of yours')
  return pair
}

function tokensStop(t: ConsoleTranslate, { client: { clientId }, activeTokens }: KeyPair): string {
  if (activeTokens.count === 0) return t('revoke no tokens: none are active')
  return t(
    'revoke {more, select, yes {more than } other {}}{count, plural, one {# active token} other {# active tokens}} of {clientId} immediately',
    { ...boundedValues(activeTokens), clientId },
  )
}

const revokePage = (t: ConsoleTranslate, pair: KeyPair): ConsolePage =>
  confirmPage({
    title: t('Revoke all tokens of your key pair?'),
    breadcrumbs: keyPairBreadcrumbs(t),
    stops: [
      tokensStop(t, pair),
      t('not change your key pair: it can get new tokens. To prevent that, generate new keys'),
    ],
    action: REVOKE,
    submit: t('Revoke tokens'),
    keep: { href: KEY_PAIR_PATH, label: t('Cancel') },
  })

async function revoke(call: ConsoleCall): Promise<void> {
  const { client } = await ownPair(call)
  await revokeAllOfClient(call.management, call.who, { clientId: client.clientId })
  call.goTo(revocationPath(client.clientId, '?notice=revoked'))
}

const generateOwnKeys = async (call: ConsoleCall): Promise<void> =>
  await generateKeys(call, await ownKeyPair(call), async () => presentPair(await ownKeyPair(call)))

async function showKeys(call: ConsoleCall): Promise<void> {
  const keys = await ownKeyPair(call)
  call.show(keyPairPage(call.t, keys, namedPairsBlocks(call.t, keys)))
}

const tryFrame = (t: ConsoleTranslate): TryFrame => ({
  title: t('Try your key pair'),
  lead: t('Sends a token request with your client secret, and shows the request and the response.'),
  breadcrumbs: keyPairBreadcrumbs(t),
})

const triedOf = ({ client, apis }: KeyPair): TrySubject => ({ client, apis, action: TRY })

async function askTry(call: ConsoleCall): Promise<void> {
  const pair = await ownPair(call)
  if (needsProof(pair.client)) return call.goTo(keyPairPath(pair.client.clientId))
  call.show(tryPage(call.t, tryFrame(call.t), triedOf(pair)))
}

async function tryKeys(call: ConsoleCall): Promise<void> {
  const { t } = call
  const keys = await ownKeyPair(call)
  const seen = call.form.get('clientId') ?? ''
  if (!keys.pair || keys.pair.client.clientId !== seen) return call.show(replacedPage(t, presentPair(keys), seen))
  await runTry(call, tryFrame(t), triedOf(keys.pair))
}

/** *Settings → API*, where admins look after their own key pair. */
export const KEY_PAIR_PAGES: readonly ConsoleRoute[] = [
  {
    method: 'get',
    path: KEY_PAIR_PATH,
    permission: readKeyPair.permission,
    handle: showKeys,
  },
  {
    method: 'get',
    path: `${KEY_PAIR_PATH}/generate`,
    permission: generateKeyPair.permission,
    handle: async (call) => call.show(generatePage(call.t, await ownKeyPair(call))),
  },
  {
    method: 'post',
    path: `${KEY_PAIR_PATH}/generate`,
    permission: generateKeyPair.permission,
    handle: generateOwnKeys,
  },
  {
    method: 'get',
    path: REVOKE,
    permission: revokeAllOfClient.permission,
    handle: async (call) => call.show(revokePage(call.t, await ownPair(call))),
  },
  { method: 'post', path: REVOKE, permission: revokeAllOfClient.permission, handle: revoke },
  {
    method: 'get',
    path: TRY,
    permission: readKeyPair.permission,
    handle: askTry,
  },
  { method: 'post', path: TRY, permission: readKeyPair.permission, handle: tryKeys },
]
