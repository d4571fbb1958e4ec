import { DEFAULT_SETTINGS } from '../../../clients/client-settings.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { GeneratedKeyPair, KeyPair, KeyPairOfUser } from '../../../management/key-pair-operations.ts'
import { keyPairPath } from '../applications/application-list-page.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { secretPage } from '../kit/panels.ts'
import { needsProof, proofOptions, proofTexts } from '../kit/required-proofs.ts'
import { revocationPath } from '../kit/revocation-path.ts'
import { tokenCommands } from '../kit/token-command-examples.ts'
import { tryNow } from '../kit/try-page.ts'
import { KEY_PAIR_PATH, keyPairBreadcrumbs } from './key-pair-page.ts'

function stoppedText(t: ConsoleTranslate, { revoked }: GeneratedKeyPair): string {
  if (revoked === null) return t('Your previous keys and all their tokens are revoked.')
  if (revoked === 0) return t('Your previous keys and no active tokens are revoked.')
  return t('Your previous keys and {count, plural, one {# active token} other {# active tokens}} are revoked.', {
    count: revoked,
  })
}

const effectOf = (t: ConsoleTranslate, { client }: KeyPair) => ({
  href: revocationPath(client.clientId),
  label: t('See who still uses them (opens a new tab)'),
})

interface NewKeys {
  readonly made: GeneratedKeyPair
  /** Identifiers, the default first. */
  readonly apis: readonly string[]
  readonly isNamed: boolean
}

/** @param keys with the key pair that was replaced, if there was one */
export function newKeysPage(
  { web, t }: ConsoleCall,
  keys: KeyPairOfUser,
  { made, apis, isNamed }: NewKeys,
): ConsolePage {
  const { clientId, clientSecret, apiKey } = made
  const path = isNamed ? keyPairPath(clientId) : KEY_PAIR_PATH
  const client = keys.pair?.client ?? DEFAULT_SETTINGS
  const api = keys.choosableApis.find(({ identifier }) => identifier === apis[0])
  const shapes = { ...client, apis, proofs: proofOptions(client, api) }
  return secretPage({
    title: t('Your new keys'),
    breadcrumbs: keyPairBreadcrumbs(t),
    values: [
      { label: t('Client ID'), value: clientId },
      { label: t('Client secret'), value: clientSecret },
      ...(apiKey === undefined ? [] : [{ label: t('API key'), value: apiKey }]),
    ],
    commands: tokenCommands(t, web.issuerUrl(), made, shapes),
    needs: proofTexts(t, client, api),
    ...(!needsProof(client, api) && { tryIt: tryNow(`${path}/try`, made) }),
    ...(keys.pair && { stopped: stoppedText(t, made), effect: effectOf(t, keys.pair) }),
    done: { href: path, label: t('I have copied them') },
  })
}
