import type { Client } from '../../../clients/clients.ts'
import { actsFor, CLIENT_CREDENTIALS_GRANT } from '../../../clients/grant-types.ts'
import type { NewSecrets } from '../../../management/issued-credentials.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { secretPage } from '../kit/panels.ts'
import { needsProof, proofTexts } from '../kit/required-proofs.ts'
import { tryNow } from '../kit/try-page.ts'
import { commandsFor, discoveryOf, type ShownApi } from './application-command-examples.ts'
import { applicationPath, applicationsBreadcrumbs } from './application-list-page.ts'
import { snippetGroups } from './code-snippets.ts'

interface Shown {
  readonly title: string
  readonly client: Client
  readonly secrets: NewSecrets
  /** Its default first. */
  readonly apis: readonly ShownApi[]
  /** What was revoked, in one sentence. */
  readonly stopped?: string
}

/** A new secret of an application, this once; or its API key alone, where that is all that is new. */
export function applicationSecretPage({ web, t }: ConsoleCall, shown: Shown): ConsolePage {
  const { title, client, secrets, apis, stopped } = shown
  const { clientId, name, grants } = client
  const { clientSecret, apiKey } = secrets
  const issuer = web.issuerUrl()
  const whole = clientSecret === undefined ? undefined : { clientId, clientSecret, apiKey }
  return secretPage({
    title,
    breadcrumbs: [...applicationsBreadcrumbs(t), { href: applicationPath(clientId), label: name }],
    values: [
      { label: t('Client ID'), value: clientId },
      ...(clientSecret ? [{ label: t('Client secret'), value: clientSecret }] : []),
      ...(apiKey ? [{ label: t('API key'), value: apiKey }] : []),
      ...(actsFor('user', grants) ? [discoveryOf(t, issuer)] : []),
    ],
    commands: whole ? commandsFor(t, issuer, client, whole, apis) : [],
    needs: proofTexts(t, client, apis[0]),
    ...(whole && { snippets: snippetGroups(t, { issuer, client, api: apis[0], secrets: whole }) }),
    ...(whole &&
      grants.includes(CLIENT_CREDENTIALS_GRANT) &&
      !needsProof(client, apis[0]) && { tryIt: tryNow(applicationPath(clientId, '/try'), whole) }),
    ...(stopped && { stopped }),
    done: { href: applicationPath(clientId), label: t('I have copied the secret') },
  })
}
