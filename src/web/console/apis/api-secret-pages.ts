import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type ApiDetails, rotateApiSecret } from '../../../management/api-operations.ts'
import { readApiSecrets } from '../../../management/client-secrets-reading.ts'
import { planApiSecretRetirement, retireApiSecret } from '../../../management/secret-retirement.ts'
import { type FieldError, notFound, stale } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { radioField } from '../kit/choice-fields.ts'
import type { ConsolePage, PageLink } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { attempt, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { confirmPage, secretPage } from '../kit/panels.ts'
import { expiryField, expiryIn, keptChoices, UNTIL_UNUSED, UNUSED, unusedChoice } from '../kit/secret-choices.ts'
import { secretPages } from '../kit/secret-pages.ts'
import { apiIdOf, apiOf, apisLink, pathOf } from './api-pages.ts'

const fieldsIn = (t: ConsoleTranslate) => ({
  overlap: radioField({
    label: t('Current client secret'),
    choices: [
      {
        value: '0',
        label: t('Revoke now'),
        hint: t(
          'Select this if someone else may have it. Introspection fails until the API uses the new client secret.',
        ),
      },
      ...keptChoices(t, t('Gives you time to deploy the new client secret.')),
      unusedChoice(t),
    ],
  }),
  expiresAt: expiryField(t),
})

const keptFor = (choice: string) => (choice === UNUSED ? UNTIL_UNUSED : { overlap: Number(choice) })

interface NewCredentials {
  readonly title: string
  readonly lead: string
  readonly identifier: string
  readonly clientId: string
  readonly clientSecret: string
  readonly done: PageLink
}

const introspection = (issuer: string, { clientId, clientSecret }: NewCredentials): string =>
  `curl --silent --user '${clientId}:${clientSecret}' \\\n  --data-urlencode 'token=ACCESS_TOKEN' \\\n  ${issuer}/oauth2/introspect`

/** An API's own credentials, this once. */
export const apiSecretPage = (t: ConsoleTranslate, issuer: string, made: NewCredentials): ConsolePage =>
  secretPage({
    title: made.title,
    lead: made.lead,
    breadcrumbs: [apisLink(t)],
    values: [
      { label: t('Client ID'), value: made.clientId },
      { label: t('Client secret'), value: made.clientSecret },
    ],
    commands: [{ label: t('Introspect a token (RFC 7662)'), value: introspection(issuer, made) }],
    done: made.done,
  })

/** Which secret is the newest: the answer to a form that was drawn before another one was made would end that one. */
const newestOf = ({ secrets }: ApiDetails): number | null => secrets[0]?.id ?? null

function rotatePage(
  t: ConsoleTranslate,
  view: ApiDetails,
  typed: Form,
  fieldErrors: readonly FieldError[] = [],
): ConsolePage {
  const path = pathOf(view)
  const form = formView({
    fields: fieldsIn(t),
    typed,
    fieldErrors,
    hidden: { newest: String(newestOf(view)) },
    action: `${path}/secret`,
    submit: t('Rotate secret'),
    danger: true,
    cancel: path,
  })
  return confirmPage({
    title: t('Rotate the client secret of the API?'),
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: [apisLink(t), { href: path, label: view.api.identifier }],
    text: t('The API uses the client secret for token introspection. No tokens are revoked.'),
    stops: [t('revoke the current client secret at the time you select'), t('show the new client secret once')],
    action: form.action,
    submit: form.submit,
    keep: { href: path, label: t('Cancel') },
    form,
  })
}

/** @throws KeywrightError `not_found` also for the management API, which has none */
async function apiWithSecret(call: ConsoleCall): Promise<ApiDetails> {
  const view = await apiOf(call)
  if (view.clientId === null) throw notFound('secret of', view.api.identifier)
  return view
}

async function askRotation(call: ConsoleCall): Promise<void> {
  const { t } = call
  call.show(rotatePage(t, await apiWithSecret(call), writeFields(fieldsIn(t), { overlap: '86400', expiresAt: '' })))
}

async function rotate(call: ConsoleCall): Promise<void> {
  const { management, who, form, files, web, show, t } = call
  const view = await apiWithSecret(call)
  const newest = newestOf(view)
  if (form.get('newest') !== String(newest)) throw stale('the client secret')
  const { identifier } = view.api
  const outcome = await attempt(fieldsIn(t), { form, files }, ({ overlap, expiresAt }) =>
    rotateApiSecret(management, who, { identifier, newest, ...keptFor(overlap), expiresAt: expiryIn(expiresAt) }),
  )
  if (outcome.fieldErrors) return show(rotatePage(t, view, form, outcome.fieldErrors))
  show(
    apiSecretPage(t, web.issuerUrl(), {
      ...outcome.done,
      title: t('New client secret of the API'),
      lead: identifier,
      identifier,
      done: { href: pathOf(view), label: t('Go to the API') },
    }),
  )
}

const SECRETS_PAGES = secretPages({
  path: '/apis/:apiId/secrets',
  permissions: { read: readApiSecrets.permission, retire: retireApiSecret.permission },
  pathOf: ({ params }) => `/apis/${params.apiId}/secrets`,
  page: ({ params, t }) => ({
    lead: t('Generate a new client secret, deploy it to every node of the API, then retire the previous one.'),
    actions: [{ href: `/apis/${params.apiId}/secret`, label: t('Generate client secret'), primary: true }],
  }),
  async load(call) {
    const id = apiIdOf(call)
    const secrets = await readApiSecrets(call.management, call.who, { id })
    return { secrets, breadcrumbs: [apisLink(call.t), { href: `/apis/${id}`, label: secrets.client.name }] }
  },
  async retire(call, secretId) {
    const { identifier } = (await apiWithSecret(call)).api
    return await retireApiSecret(call.management, call.who, { identifier, secretId })
  },
  async plan(call, plan) {
    const { identifier } = (await apiWithSecret(call)).api
    return await planApiSecretRetirement(call.management, call.who, { ...plan, identifier })
  },
})

export const API_SECRET_PAGES: readonly ConsoleRoute[] = [
  ...SECRETS_PAGES,
  { method: 'get', path: '/apis/:apiId/secret', permission: rotateApiSecret.permission, handle: askRotation },
  { method: 'post', path: '/apis/:apiId/secret', permission: rotateApiSecret.permission, handle: rotate },
]
