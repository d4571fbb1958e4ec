import { hasClientSecret, usesCertificates, usesTrusts } from '../../../clients/authentication-attributes.ts'
import { readApplicationSecrets } from '../../../management/client-secrets-reading.ts'
import { planApplicationSecretRetirement, retireApplicationSecret } from '../../../management/secret-retirement.ts'
import { KeywrightError } from '../../../shared/errors.ts'
import { secretPages } from '../kit/secret-pages.ts'
import { credentialTexts } from './application-credential-texts.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'

/** The secrets of an application. @throws KeywrightError `conflict` for a public application */
export const APPLICATION_SECRETS_PAGES = secretPages({
  path: '/applications/:clientId/secrets',
  permissions: { read: readApplicationSecrets.permission, retire: retireApplicationSecret.permission },
  pathOf: ({ params }) => applicationPath(params.clientId!, '/secrets'),
  page: ({ params, t }, client) => {
    const href = applicationPath(params.clientId!, '/key')
    const texts = credentialTexts(client)
    if (usesCertificates(client))
      return { title: t(texts.all), lead: t(texts.lead), actions: [{ href, label: t(texts.replace), primary: true }] }
    return hasClientSecret(client)
      ? {
          lead: t(texts.lead),
          actions: [{ href, label: t(texts.replace), primary: true }],
        }
      : {
          title: t(texts.all),
          lead: t(texts.lead),
          actions: [
            usesTrusts(client)
              ? { href: applicationPath(params.clientId!, '/trusts/new'), label: t('Add trust'), primary: true }
              : { href: applicationPath(params.clientId!, '/keys/new'), label: t('Add keys'), primary: true },
            { href, label: t(texts.replace) },
          ],
        }
  },
  editPathOf: ({ params }, { id, kind, isCurrent }) =>
    kind === 'trust' && isCurrent ? applicationPath(params.clientId!, `/trusts/${id}/edit`) : undefined,
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
