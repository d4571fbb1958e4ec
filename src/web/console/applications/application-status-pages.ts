import { hasClientSecret } from '../../../clients/authentication-attributes.ts'
import type { Client } from '../../../clients/clients.ts'
import { actsFor } from '../../../clients/grant-types.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import {
  type Application,
  archiveApplication,
  readApplication,
  restoreApplication,
} from '../../../management/application-operations.ts'
import type { FieldError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { radioField } from '../kit/choice-fields.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { attempt } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { confirmPage } from '../kit/panels.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationSecretPage } from './application-secret-page.ts'
import { callersStop, heldTokensStop } from './effect-texts.ts'
import { affectedCallers } from './recent-callers-list.ts'

export const applicationOf = ({ management, who, params }: ConsoleCall): Promise<Application> =>
  readApplication(management, who, { clientId: params.clientId! })

function archiveText(t: ConsoleTranslate, client: Client): string {
  if (!hasClientSecret(client)) return t('Archive an application that is no longer used. You can restore it later.')
  return t(
    'Archive an application that is no longer used. You can restore it later. If someone else may have its client secret, generate a new one instead.',
  )
}

export async function askArchive(call: ConsoleCall): Promise<void> {
  const { t } = call
  const application = await applicationOf(call)
  const { client } = application
  const page = confirmPage({
    title: t('Archive {name}?', { name: client.name }),
    breadcrumbs: applicationBreadcrumbs(t, client),
    text: archiveText(t, client),
    stops: [
      heldTokensStop(t, application),
      callersStop(t, application),
      ...(actsFor('user', client.grants) ? [t('stop users from signing in')] : []),
      ...(hasClientSecret(client) ? [t('disable the client secret')] : []),
    ],
    action: applicationPath(client.clientId, '/archive'),
    submit: t('Archive'),
    keep: { href: applicationPath(client.clientId), label: t('Cancel') },
    ...affectedCallers(t, application),
  })
  call.show(page)
}

const KEEPS = 'keep'

/** What becomes of the secret is chosen: a new one, unless somebody is sure that nobody else has the archived one. */
const secretFields = (t: ConsoleTranslate) => ({
  secret: radioField({
    label: t('Client secret'),
    required: true,
    choices: [
      {
        value: 'new',
        label: t('Generate a new client secret'),
        hint: t('It is shown once, on the next page. The archived client secret stays revoked.'),
      },
      {
        value: KEEPS,
        label: t('Reactivate the archived client secret'),
        hint: t('Only if you are sure that no one else has it.'),
      },
    ],
  }),
})

function restorePage(
  t: ConsoleTranslate,
  { client }: Application,
  { typed, fieldErrors = [] }: { typed?: Form; fieldErrors?: readonly FieldError[] } = {},
) {
  const path = applicationPath(client.clientId)
  const page = {
    title: t('Restore {name}?', { name: client.name }),
    breadcrumbs: applicationBreadcrumbs(t, client),
    status: fieldErrors.length > 0 ? 400 : undefined,
    stops: [
      ...(actsFor('user', client.grants) ? [t('Users can sign in to the application again.')] : []),
      t('Earlier tokens stay revoked. The application requests new ones, and users sign in again.'),
    ],
    harmless: true,
    action: `${path}/restore`,
    submit: t('Restore'),
    keep: { href: path, label: t('Cancel') },
  }
  if (!hasClientSecret(client)) return confirmPage(page)
  const fields = secretFields(t)
  const form = formView({
    fields,
    typed: typed ?? new Map([['secret', 'new']]),
    fieldErrors,
    action: page.action,
    submit: page.submit,
    cancel: path,
  })
  return confirmPage({ ...page, form })
}

export async function askRestore(call: ConsoleCall): Promise<void> {
  call.show(restorePage(call.t, await applicationOf(call)))
}

export async function archive({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const { clientId } = await archiveApplication(management, who, { clientId: params.clientId! })
  goTo(applicationPath(clientId, '?notice=archived'))
}

export async function restore(call: ConsoleCall): Promise<void> {
  const { management, who, form, files, params, show, goTo, t } = call
  const application = await applicationOf(call)
  const clientId = params.clientId!
  const fields = hasClientSecret(application.client) ? secretFields(t) : {}
  const outcome = await attempt(fields as ReturnType<typeof secretFields>, { form, files }, ({ secret }) =>
    restoreApplication(management, who, { clientId, keepSecret: secret === KEEPS }),
  )
  if (outcome.fieldErrors) return show(restorePage(t, application, { typed: form, fieldErrors: outcome.fieldErrors }))
  const { client, ...secrets } = outcome.done
  if (!secrets.clientSecret) return goTo(applicationPath(clientId, '?notice=restored'))
  const { apis } = application
  const title = t('{name} was restored', { name: client.name })
  show(applicationSecretPage(call, { title, client, secrets, apis }))
}
