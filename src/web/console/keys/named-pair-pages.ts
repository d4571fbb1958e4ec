import { isPairAllowed } from '../../../clients/key-pair-apis.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { readKeyPairDetails } from '../../../management/key-pair-details.ts'
import {
  generateKeyPair,
  type KeyPair,
  type KeyPairOfUser,
  listKeyPairs,
  readKeyPair,
} from '../../../management/key-pair-operations.ts'
import { keyPairPath } from '../applications/application-list-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { needsProof } from '../kit/required-proofs.ts'
import { runTry, type TryFrame, tryPage } from '../kit/try-page.ts'
import { addPair, askNewPair } from './add-key-pair-page.ts'
import { generateKeys, generatePage } from './generate-keys-page.ts'
import { keyPairBreadcrumbs, ownKeyPair } from './key-pair-page.ts'
import { ADD_PATH } from './named-pairs-block.ts'
import { replacedPage } from './replaced-keys-page.ts'

type OwnKeys = KeyPairOfUser & { readonly pair: KeyPair }

/** Whose page is shown instead of a form that only its owner has. @throws KeywrightError `not_found` */
async function goToPair({ management, who, params, goTo }: ConsoleCall): Promise<undefined> {
  const { client } = await readKeyPairDetails(management, who, { clientId: params.clientId! })
  goTo(keyPairPath(client.clientId))
}

/** The named key pair of the signed-in user. Undefined: it is another one, whose page is shown instead. */
async function ownNamedKeys(call: ConsoleCall): Promise<OwnKeys | undefined> {
  if (call.who.role === 'operator') return await goToPair(call)
  const { pair, choosableApis, ...keys } = await ownKeyPair(call, { clientId: call.params.clientId! })
  if (!pair) return await goToPair(call)
  const apis = choosableApis.filter(({ keyPairs }) => isPairAllowed(pair.client, keyPairs))
  return { ...keys, pair, choosableApis: apis }
}

/** The present key pair with the name of this one. */
async function presentOf({ management, who }: ConsoleCall, { client }: KeyPair) {
  const pairs = await listKeyPairs(management, who, {})
  return pairs.find(({ client: { pairName } }) => pairName === client.pairName) ?? null
}

async function askGeneration(call: ConsoleCall): Promise<void> {
  const keys = await ownNamedKeys(call)
  if (!keys) return
  const { clientId, status } = keys.pair.client
  if (status === 'replaced') return call.show(replacedPage(call.t, await presentOf(call, keys.pair), clientId))
  call.show(generatePage(call.t, keys))
}

async function generate(call: ConsoleCall): Promise<void> {
  const keys = await ownNamedKeys(call)
  if (keys) await generateKeys(call, keys, () => presentOf(call, keys.pair))
}

const frameOf = (t: ConsoleTranslate, { client: { clientId, pairName } }: KeyPair): TryFrame => ({
  title: t('Try {name}', { name: pairName! }),
  lead: t('Sends a token request with the client secret, and shows the request and the response.'),
  breadcrumbs: [...keyPairBreadcrumbs(t), { href: keyPairPath(clientId), label: pairName! }],
})

const triedOf = ({ client, apis }: KeyPair) => ({ client, apis, action: keyPairPath(client.clientId, '/try') })

async function askTry(call: ConsoleCall): Promise<void> {
  const keys = await ownNamedKeys(call)
  if (keys && needsProof(keys.pair.client)) return call.goTo(keyPairPath(keys.pair.client.clientId))
  if (keys) call.show(tryPage(call.t, frameOf(call.t, keys.pair), triedOf(keys.pair)))
}

async function tryKeys(call: ConsoleCall): Promise<void> {
  const keys = await ownNamedKeys(call)
  if (keys) await runTry(call, frameOf(call.t, keys.pair), triedOf(keys.pair))
}

const ONE = '/key-pairs/:clientId'

/** The named key pairs of the signed-in user. */
export const NAMED_PAIR_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: ADD_PATH, permission: generateKeyPair.permission, handle: askNewPair },
  { method: 'post', path: ADD_PATH, permission: generateKeyPair.permission, handle: addPair },
  { method: 'get', path: `${ONE}/generate`, permission: generateKeyPair.permission, handle: askGeneration },
  { method: 'post', path: `${ONE}/generate`, permission: generateKeyPair.permission, handle: generate },
  { method: 'get', path: `${ONE}/try`, permission: readKeyPair.permission, handle: askTry },
  { method: 'post', path: `${ONE}/try`, permission: readKeyPair.permission, handle: tryKeys },
]
