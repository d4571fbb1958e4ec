import type { Client } from '../../../clients/clients.ts'
import { actsFor, CLIENT_CREDENTIALS_GRANT } from '../../../clients/grant-types.ts'
import type { NewSecrets } from '../../../management/client-secret-rotation.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { secretPage } from '../kit/panels.ts'
import { tryNow } from '../kit/try-page.ts'
import { commandsFor, discoveryOf } from './application-command-examples.ts'
import { APPLICATIONS_BREADCRUMBS, applicationPath } from './application-list-page.ts'
import { snippetGroups } from './code-snippets.ts'

interface Shown {
  readonly title: string
  readonly client: Client
  readonly secrets: NewSecrets
  /** Its default first. */
  readonly apis: readonly { readonly identifier: string; readonly scopes: readonly string[] }[]
  /** What was revoked, in one sentence. */
  readonly stopped?: string
}

/** A new secret of an application, this once; or its API key alone, where that is all that is new. */
export function applicationSecretPage({ web }: ConsoleCall, shown: Shown): ConsolePage {
  const { title, client, secrets, apis, stopped } = shown
  const { clientId, name, grants } = client
  const { clientSecret, apiKey } = secrets
  const identifiers = apis.map(({ identifier }) => identifier)
  const whole = clientSecret === undefined ? undefined : { clientId, clientSecret, apiKey }
  return secretPage({
    title,
    breadcrumbs: [...APPLICATIONS_BREADCRUMBS, { href: applicationPath(clientId), label: name }],
    values: [
      { label: 'Client ID', value: clientId },
      ...(clientSecret ? [{ label: 'Client secret', value: clientSecret }] : []),
      ...(apiKey ? [{ label: 'API key', value: apiKey }] : []),
      ...(actsFor('user', grants) ? [discoveryOf(web.issuerUrl())] : []),
    ],
    commands: whole ? commandsFor(web.issuerUrl(), client, whole, identifiers) : [],
    ...(whole && { snippets: snippetGroups({ issuer: web.issuerUrl(), client, api: apis[0], secrets: whole }) }),
    ...(whole &&
      grants.includes(CLIENT_CREDENTIALS_GRANT) && { tryIt: tryNow(applicationPath(clientId, '/try'), whole) }),
    ...(stopped && { stopped }),
    done: { href: applicationPath(clientId), label: 'I have copied the secret' },
  })
}
