import {
  AUTH_METHOD_CHOICES,
  type AuthMethod,
  hasClientSecret,
  usesCertificates,
  usesTrusts,
} from '../../../clients/authentication-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import {
  type Application,
  checkApplicationRotation,
  rotateApplicationSecret,
} from '../../../management/application-operations.ts'
import { type FieldError, invalidInput, isStale, KeywrightError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { radioField } from '../kit/choice-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { attempt, revisionOf, type ValuesOf, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { carriedForm } from '../kit/impact-text.ts'
import { confirmPage } from '../kit/panels.ts'
import { jwksUriField, onlyWith, withKeyFile } from '../kit/public-key-fields.ts'
import { expiryField, expiryIn, keptChoices, UNTIL_UNUSED, UNUSED, unusedChoice } from '../kit/secret-choices.ts'
import { atNameField } from './application-certificate-fields.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { methodStops, stoppedMethod } from './application-method-texts.ts'
import { applicationSecretPage } from './application-secret-page.ts'
import { applicationOf } from './application-status-pages.ts'
import { credentialFields, credentialsIn, NO_CREDENTIALS } from './credentials-of-method.ts'
import { affectedCallers } from './recent-callers-list.ts'

/** Certificates and trusts count only for a client that authenticates by them. */
const hasOverlap = ({ client }: Application): boolean => !usesCertificates(client) && !usesTrusts(client)

function methodField(t: ConsoleTranslate, { client }: Application) {
  const others = AUTH_METHOD_CHOICES.filter(({ value }) => value !== client.authMethod)
  return radioField<AuthMethod>({
    label: t('New authentication method'),
    required: true,
    choices: others.map(({ value, label, hint }) => ({ value, label: t.declared(label), hint: t.declared(hint) })),
  })
}

const keptField = (t: ConsoleTranslate, application: Application) =>
  radioField({
    label: t('Current credentials'),
    required: true,
    ...(!hasOverlap(application) && {
      hint: t('Certificates and trusts stop working when the method changes, so they cannot be kept.'),
    }),
    choices: [
      {
        value: '0',
        label: t('Revoke now'),
        hint: t('Revokes all tokens of the application. Select this if someone else may have the current credentials.'),
      },
      ...(hasOverlap(application)
        ? [...keptChoices(t, t('Gives you time to deploy the new credentials without an outage.')), unusedChoice(t)]
        : []),
    ],
  })

const fieldsOf = (t: ConsoleTranslate, application: Application) => {
  const { jwks, ...others } = credentialFields(t)
  return {
    authMethod: methodField(t, application),
    ...onlyWith('client_secret', { expiresAt: expiryField(t) }),
    jwks,
    ...onlyWith('private_key_jwt', { jwksUri: jwksUriField(t) }),
    ...others,
    when: keptField(t, application),
  }
}

type Values = ValuesOf<ReturnType<typeof fieldsOf>>

function initialForm(t: ConsoleTranslate, application: Application): Form {
  const authMethod = hasClientSecret(application.client) ? 'private_key_jwt' : 'client_secret'
  const when = hasOverlap(application) ? '86400' : '0'
  return writeFields(fieldsOf(t, application), { ...NO_CREDENTIALS, authMethod, expiresAt: '', jwksUri: '', when })
}

interface MethodState {
  readonly typed?: Form
  readonly fieldErrors?: readonly FieldError[]
  readonly warning?: string
}

function methodPage(t: ConsoleTranslate, application: Application, state: MethodState = {}): ConsolePage {
  const { typed = initialForm(t, application), fieldErrors = [], warning } = state
  const { client } = application
  const method = AUTH_METHOD_CHOICES.find(({ value }) => value === client.authMethod)!
  const form = formView({
    fields: fieldsOf(t, application),
    typed,
    fieldErrors,
    revision: client.revision,
    action: applicationPath(client.clientId, '/method'),
    submit: t('Continue'),
    cancel: applicationPath(client.clientId),
  })
  return {
    view: 'console/edit',
    title: t('Change the authentication method'),
    lead: t('Current method: {method}. On the next page, you see what ends when, and confirm.', {
      method: t.declared(method.label),
    }),
    breadcrumbs: applicationBreadcrumbs(t, client),
    ...(fieldErrors.length > 0 && { status: 400 }),
    ...(warning && { status: 412, warning }),
    data: { form },
  }
}

/** Asks for a confirmation, with the input in hidden fields. */
function confirmationPage(t: ConsoleTranslate, application: Application, form: Form, values: Values): ConsolePage {
  const action = applicationPath(application.client.clientId, '/method')
  return confirmPage({
    title: t('Change the authentication method?'),
    breadcrumbs: applicationBreadcrumbs(t, application.client),
    stops: methodStops(t, application, { ...values, ...keptFor(values) }),
    action,
    submit: t('Change method'),
    hidden: carriedForm(form),
    keep: { href: action, label: t('Cancel') },
    ...affectedCallers(t, application),
  })
}

/** @throws KeywrightError `not_found`, `conflict` */
async function confidentialApplication(call: ConsoleCall): Promise<Application> {
  const application = await applicationOf(call)
  if (application.client.isPublic)
    throw new KeywrightError('conflict', 'this application is public and does not authenticate')
  return application
}

export async function askMethod(call: ConsoleCall): Promise<void> {
  call.show(methodPage(call.t, await confidentialApplication(call)))
}

const keptFor = ({ when }: Values) => (when === UNUSED ? UNTIL_UNUSED : { overlap: Number(when) })

function rotationIn({ params, form }: ConsoleCall, values: Values) {
  const { authMethod, expiresAt } = values
  const expiry = authMethod === 'client_secret' ? { expiresAt: expiryIn(expiresAt) } : {}
  const credentials = credentialsIn(values)
  if (authMethod === 'private_key_jwt' && !credentials.jwks && !credentials.jwksUri)
    throw invalidInput('enter public keys, or the URL at which the application publishes them', 'jwks')
  const change = { clientId: params.clientId!, authMethod, ...credentials, ...keptFor(values), ...expiry }
  return { ...change, revision: revisionOf(form) }
}

async function showStale(call: ConsoleCall, typed: Form): Promise<void> {
  const { t } = call
  const warning = t(
    'Another user changed this application, so its authentication method was not changed. To change it, submit the form again.',
  )
  call.show(methodPage(t, await confidentialApplication(call), { typed, warning }))
}

/** Shows what the change ends, or makes it where that is confirmed. */
export async function changeMethod(call: ConsoleCall): Promise<void> {
  const { management, who, form, files, show, goTo, t } = call
  const application = await confidentialApplication(call)
  const typed = withKeyFile(form, files)
  try {
    const outcome = await attempt(fieldsOf(t, application), { form, files }, async (values) => {
      const rotation = rotationIn(call, values)
      if (form.has('confirmed')) return { values, changed: await rotateApplicationSecret(management, who, rotation) }
      await checkApplicationRotation(management, who, rotation)
      return { values }
    })
    if (outcome.fieldErrors)
      return show(methodPage(t, application, { typed, fieldErrors: atNameField(outcome.fieldErrors) }))
    const { values, changed } = outcome.done
    if (!changed) return show(confirmationPage(t, application, typed, values))
    const { client, ...secrets } = changed
    if (!secrets.clientSecret) return goTo(applicationPath(client.clientId, '?notice=method_changed'))
    const stopped = stoppedMethod(t, keptFor(values))
    show(
      applicationSecretPage(call, { title: t('New client secret'), client, secrets, apis: application.apis, stopped }),
    )
  } catch (error) {
    if (!isStale(error)) throw error
    await showStale(call, typed)
  }
}
