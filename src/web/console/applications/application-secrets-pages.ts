import { hasClientSecret } from '../../../clients/authentication-attributes.ts'
import { readApplicationSecrets } from '../../../management/client-secrets-reading.ts'
import { planApplicationSecretRetirement, retireApplicationSecret } from '../../../management/secret-retirement.ts'
import { KeywrightError } from '../../../shared/errors.ts'
import { secretPages } from '../kit/secret-pages.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'

/** The secrets of an application. @throws KeywrightError `conflict` for a public application */
export const APPLICATION_SECRETS_PAGES = secretPages({
  path: '/applications/:clientId/secrets',
  permissions: { read: readApplicationSecrets.permission, retire: retireApplicationSecret.permission },
  pathOf: ({ params }) => applicationPath(params.clientId!, '/secrets'),
  page: ({ params, t }, client) => {
    const href = applicationPath(params.clientId!, '/key')
    return hasClientSecret(client)
      ? {
          lead: t('Generate a new client secret, deploy it to every caller below, then retire the previous one.'),
          actions: [{ href, label: t('Generate key'), primary: true }],
        }
      : {
          title: t('Public keys'),
          lead: t('Add a new public key, deploy its private key to every caller below, then retire the previous one.'),
          actions: [
            { href: applicationPath(params.clientId!, '/keys/new'), label: t('Add keys'), primary: true },
            { href, label: t('Replace keys') },
          ],
        }
  },
  async load({ management, who, params, t }) {
    const secrets = await readApplicationSecrets(management, who, { clientId: params.clientId! })
    if (secrets.client.isPublic) {
      throw new KeywrightError('conflict', 'this application is public and has no client secret')
    }
    return { secrets, breadcrumbs: applicationBreadcrumbs(t, secrets.client) }
  },
  retire: ({ management, who, params }, secretId) =>
    retireApplicationSecret(management, who, { clientId: params.clientId!, secretId }),
  plan: ({ management, who, params }, plan) =>
    planApplicationSecretRetirement(management, who, { ...plan, clientId: params.clientId! }),
})
