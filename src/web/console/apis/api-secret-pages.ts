import { hasClientSecret } from '../../../clients/authentication-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type ApiDetails, rotateApiSecret } from '../../../management/api-operations.ts'
import { addApiKeys } from '../../../management/client-key-addition.ts'
import { readApiSecrets } from '../../../management/client-secrets-reading.ts'
import { planApiSecretRetirement, retireApiSecret } from '../../../management/secret-retirement.ts'
import { type FieldError, KeywrightError, notFound, stale } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { radioField } from '../kit/choice-fields.ts'
import type { ConsolePage, PageLink } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { attempt, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { confirmPage, secretPage } from '../kit/panels.ts'
import { jwksField, onlyWith, withKeyFile } from '../kit/public-key-fields.ts'
import { expiryField, expiryIn, keptChoices, UNTIL_UNUSED, UNUSED, unusedChoice } from '../kit/secret-choices.ts'
import { secretPages } from '../kit/secret-pages.ts'
import { apiCredentialFields, apiKeysIn, NO_API_KEYS } from './api-credential-fields.ts'
import { apiIdOf, apiOf, apisLink, pathOf } from './api-pages.ts'

const fieldsIn = (t: ConsoleTranslate) => ({
  ...apiCredentialFields(t),
  overlap: radioField({
    label: t('Current credentials'),
    choices: [
      {
        value: '0',
        label: t('Revoke now'),
        hint: t(
          'Select this if someone else may have them. Introspection fails until the API uses the new credentials.',
        ),
      },
      ...keptChoices(t, t('Gives you time to deploy the new credentials.')),
      unusedChoice(t),
    ],
  }),
  ...onlyWith('client_secret', { expiresAt: expiryField(t) }),
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
    submit: t('Rotate credentials'),
    danger: true,
    cancel: path,
  })
  return confirmPage({
    title: t('Rotate the credentials of the API?'),
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: [apisLink(t), { href: path, label: view.api.identifier }],
    text: t('The API uses these credentials for token introspection. No tokens are revoked.'),
    stops: [
      t('revoke the current credentials at the time you select'),
      t('show a new client secret once, or accept the new public keys'),
    ],
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
  const view = await apiWithSecret(call)
  const present = { ...NO_API_KEYS, authMethod: view.authMethod!, jwksUri: view.jwksUri ?? '' }
  call.show(rotatePage(t, view, writeFields(fieldsIn(t), { ...present, overlap: '86400', expiresAt: '' })))
}

async function rotate(call: ConsoleCall): Promise<void> {
  const { management, who, form, files, web, show, goTo, t } = call
  const view = await apiWithSecret(call)
  const newest = newestOf(view)
  if (form.get('newest') !== String(newest)) throw stale('the client secret')
  const { identifier } = view.api
  const outcome = await attempt(fieldsIn(t), { form, files }, ({ overlap, expiresAt, ...given }) => {
    const { authMethod } = given
    const keys = { authMethod, ...apiKeysIn(given) }
    const expiry = authMethod === 'client_secret' ? { expiresAt: expiryIn(expiresAt) } : {}
    return rotateApiSecret(management, who, { identifier, newest, ...keptFor(overlap), ...keys, ...expiry })
  })
  if (outcome.fieldErrors) return show(rotatePage(t, view, withKeyFile(form, files), outcome.fieldErrors))
  const { clientId, clientSecret } = outcome.done
  if (!clientSecret) return goTo(`${pathOf(view)}?notice=keys_replaced`)
  show(
    apiSecretPage(t, web.issuerUrl(), {
      clientId,
      clientSecret,
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
  page({ params, t }, client) {
    const rotation = { href: `/apis/${params.apiId}/secret`, primary: true }
    if (hasClientSecret(client))
      return {
        lead: t('Generate a new client secret, deploy it to every node of the API, then retire the previous one.'),
        actions: [{ ...rotation, label: t('Generate client secret') }],
      }
    return {
      title: t('Public keys'),
      lead: t('Add a new public key, deploy its private key to every node of the API, then retire the previous one.'),
      actions: [
        ...(client.jwksUri === null ? [{ href: `/apis/${params.apiId}/keys/new`, label: t('Add keys') }] : []),
        { ...rotation, label: t('Rotate credentials') },
      ],
    }
  },
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

const keysField = (t: ConsoleTranslate) => ({ jwks: jwksField(t, true) })

function newKeysPage(
  t: ConsoleTranslate,
  view: ApiDetails,
  typed: Form = new Map(),
  fieldErrors: readonly FieldError[] = [],
): ConsolePage {
  const path = pathOf(view)
  const action = `${path}/keys/new`
  return {
    view: 'console/edit',
    title: t('Add public keys'),
    lead: t(
      'The current keys stay valid. For each key, you see when it was last used, and you can retire it on its own.',
    ),
    breadcrumbs: [apisLink(t), { href: path, label: view.api.identifier }],
    ...(fieldErrors.length > 0 && { status: 400 }),
    data: { form: formView({ fields: keysField(t), typed, fieldErrors, action, submit: t('Add keys'), cancel: path }) },
  }
}

/** @throws KeywrightError `not_found`, `conflict` */
async function apiWithKeys(call: ConsoleCall): Promise<ApiDetails> {
  const view = await apiWithSecret(call)
  if (view.authMethod !== 'private_key_jwt' || view.jwksUri !== null)
    throw new KeywrightError('conflict', 'no public keys are registered for this API')
  return view
}

async function askNewKeys(call: ConsoleCall): Promise<void> {
  call.show(newKeysPage(call.t, await apiWithKeys(call)))
}

async function addNewKeys(call: ConsoleCall): Promise<void> {
  const { management, who, form, files, show, goTo, t } = call
  const view = await apiWithKeys(call)
  const { identifier } = view.api
  const outcome = await attempt(keysField(t), { form, files }, ({ jwks }) =>
    addApiKeys(management, who, { identifier, jwks }),
  )
  if (outcome.fieldErrors) return show(newKeysPage(t, view, withKeyFile(form, files), outcome.fieldErrors))
  goTo(`${pathOf(view)}?notice=keys_added`)
}

export const API_SECRET_PAGES: readonly ConsoleRoute[] = [
  ...SECRETS_PAGES,
  { method: 'get', path: '/apis/:apiId/secret', permission: rotateApiSecret.permission, handle: askRotation },
  {
    method: 'post',
    path: '/apis/:apiId/secret',
    permission: rotateApiSecret.permission,
    handle: rotate,
    takesFiles: true,
  },
  { method: 'get', path: '/apis/:apiId/keys/new', permission: addApiKeys.permission, handle: askNewKeys },
  {
    method: 'post',
    path: '/apis/:apiId/keys/new',
    permission: addApiKeys.permission,
    handle: addNewKeys,
    takesFiles: true,
  },
]
