import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import type { KeyPair } from '../../../management/key-pair-operations.ts'
import { generateKeyPair, readKeyPair } from '../../../management/key-pair-operations.ts'
import { revokeAllOfClient } from '../../../management/token-operations.ts'
import { notFound } from '../../../shared/errors.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { confirmPage } from '../kit/panels.ts'
import { revocationPath } from '../kit/revocation-path.ts'
import { runTry, type TryFrame, type TrySubject, tryPage } from '../kit/try-page.ts'
import { generateKeys, generatePage, presentPair, replacedPage } from './generate-keys-page.ts'
import { KEY_PAIR_BREADCRUMBS, KEY_PAIR_PATH, keyPairPage, ownKeyPair } from './key-pair-page.ts'
import { namedPairsBlocks } from './named-pairs-block.ts'

const REVOKE = `${KEY_PAIR_PATH}/revoke`
const TRY = `${KEY_PAIR_PATH}/try`

/** @throws KeywrightError `not_found` before the first one was generated */
async function ownPair(call: ConsoleCall): Promise<KeyPair> {
  const { pair } = await ownKeyPair(call)
  if (!pair) throw notFound('key pair', 'of yours')
  return pair
}

function revokePage({ client, activeTokens }: KeyPair): ConsolePage {
  return confirmPage({
    title: 'Revoke all tokens of your key pair?',
    breadcrumbs: KEY_PAIR_BREADCRUMBS,
    stops: [
      activeTokens.count === 0
        ? 'revoke no tokens: none are active'
        : `revoke ${countedUpTo(toConsoleEnglish(), activeTokens, 'active token')} of ${client.clientId} immediately`,
      'not change your key pair: it can get new tokens. To prevent that, generate new keys',
    ],
    action: REVOKE,
    submit: 'Revoke tokens',
    keep: { href: KEY_PAIR_PATH, label: 'Cancel' },
  })
}

async function revoke(call: ConsoleCall): Promise<void> {
  const { client } = await ownPair(call)
  await revokeAllOfClient(call.management, call.who, { clientId: client.clientId })
  call.goTo(revocationPath(client.clientId, '?notice=revoked'))
}

const generateOwnKeys = async (call: ConsoleCall): Promise<void> =>
  await generateKeys(call, await ownKeyPair(call), async () => presentPair(await ownKeyPair(call)))

async function showKeys(call: ConsoleCall): Promise<void> {
  const keys = await ownKeyPair(call)
  call.show(keyPairPage(keys, namedPairsBlocks(keys)))
}

const TRY_FRAME: TryFrame = {
  title: 'Try your key pair',
  lead: 'Sends a token request with your client secret, and shows the request and the response.',
  breadcrumbs: KEY_PAIR_BREADCRUMBS,
}

const triedOf = ({ client, apis }: KeyPair): TrySubject => ({ client, apis, action: TRY })

async function tryKeys(call: ConsoleCall): Promise<void> {
  const keys = await ownKeyPair(call)
  const seen = call.form.get('clientId') ?? ''
  if (!keys.pair || keys.pair.client.clientId !== seen) return call.show(replacedPage(presentPair(keys), seen))
  await runTry(call, TRY_FRAME, triedOf(keys.pair))
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
    handle: async (call) => call.show(generatePage(await ownKeyPair(call))),
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
    handle: async (call) => call.show(revokePage(await ownPair(call))),
  },
  { method: 'post', path: REVOKE, permission: revokeAllOfClient.permission, handle: revoke },
  {
    method: 'get',
    path: TRY,
    permission: readKeyPair.permission,
    handle: async (call) => call.show(tryPage(toConsoleEnglish(), TRY_FRAME, triedOf(await ownPair(call)))),
  },
  { method: 'post', path: TRY, permission: readKeyPair.permission, handle: tryKeys },
]
