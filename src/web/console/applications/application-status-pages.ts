import { actsFor } from '../../../clients/grant-types.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
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
import { countedUpTo } from '../kit/counts.ts'
import { attempt } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { confirmPage } from '../kit/panels.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationSecretPage } from './application-secret-page.ts'
import { affectedCallers } from './recent-callers-list.ts'

export const applicationOf = ({ management, who, params }: ConsoleCall): Promise<Application> =>
  readApplication(management, who, { clientId: params.clientId! })

/** Those who called in the last day, who will notice. */
export function callersStop({ callers }: Application): string {
  const count = new Set(callers.map(({ ip }) => ip)).size
  if (count === 0) return 'affect no callers: none used it in the last 24 hours'
  return `block ${count === 1 ? '1 IP address' : `${count} IP addresses`} that called in the last 24 hours`
}

export function tokensStop({ activeTokens, grants }: Application): string {
  if (activeTokens.count === 0 && grants.count === 0) return 'revoke no tokens: none are active'
  const held = [
    ...(activeTokens.count > 0 ? [countedUpTo(toConsoleEnglish(), activeTokens, 'access token')] : []),
    ...(grants.count > 0 ? [countedUpTo(toConsoleEnglish(), grants, 'refresh token')] : []),
  ]
  return `revoke ${held.join(' and ')} immediately`
}

export async function askArchive(call: ConsoleCall): Promise<void> {
  const application = await applicationOf(call)
  const { client } = application
  const page = confirmPage({
    title: `Archive ${client.name}?`,
    breadcrumbs: applicationBreadcrumbs(client),
    text: client.isPublic
      ? 'Archive an application that is no longer used. You can restore it later.'
      : 'Archive an application that is no longer used. You can restore it later. If someone else may have its client secret, generate a new one instead.',
    stops: [
      tokensStop(application),
      callersStop(application),
      ...(actsFor('user', client.grants) ? ['stop users from signing in'] : []),
      ...(client.isPublic ? [] : ['disable the client secret']),
    ],
    action: applicationPath(client.clientId, '/archive'),
    submit: 'Archive',
    keep: { href: applicationPath(client.clientId), label: 'Cancel' },
    ...affectedCallers(application),
  })
  call.show(page)
}

const KEEPS = 'keep'

/** What becomes of the secret is chosen: a new one, unless somebody is sure that nobody else has the archived one. */
const secretFields = () => ({
  secret: radioField({
    label: 'Client secret',
    required: true,
    choices: [
      {
        value: 'new',
        label: 'Generate a new client secret',
        hint: 'It is shown once, on the next page. The archived client secret stays revoked.',
      },
      {
        value: KEEPS,
        label: 'Reactivate the archived client secret',
        hint: 'Only if you are sure that no one else has it.',
      },
    ],
  }),
})

function restorePage(
  { client }: Application,
  { typed, fieldErrors = [] }: { typed?: Form; fieldErrors?: readonly FieldError[] } = {},
) {
  const path = applicationPath(client.clientId)
  const page = {
    title: `Restore ${client.name}?`,
    breadcrumbs: applicationBreadcrumbs(client),
    status: fieldErrors.length > 0 ? 400 : undefined,
    stops: [
      ...(actsFor('user', client.grants) ? ['Users can sign in to the application again.'] : []),
      'Earlier tokens stay revoked. The application requests new ones, and users sign in again.',
    ],
    harmless: true,
    action: `${path}/restore`,
    submit: 'Restore',
    keep: { href: path, label: 'Cancel' },
  }
  if (client.isPublic) return confirmPage(page)
  const fields = secretFields()
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
  call.show(restorePage(await applicationOf(call)))
}

export async function archive({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const { clientId } = await archiveApplication(management, who, { clientId: params.clientId! })
  goTo(applicationPath(clientId, '?notice=archived'))
}

export async function restore(call: ConsoleCall): Promise<void> {
  const { management, who, form, files, params, show, goTo } = call
  const application = await applicationOf(call)
  const clientId = params.clientId!
  const fields = application.client.isPublic ? {} : secretFields()
  const outcome = await attempt(fields as ReturnType<typeof secretFields>, { form, files }, ({ secret }) =>
    restoreApplication(management, who, { clientId, keepSecret: secret === KEEPS }),
  )
  if (outcome.fieldErrors) return show(restorePage(application, { typed: form, fieldErrors: outcome.fieldErrors }))
  const { client, ...secrets } = outcome.done
  if (!secrets.clientSecret) return goTo(applicationPath(clientId, '?notice=restored'))
  const { apis } = application
  show(applicationSecretPage(call, { title: `${client.name} was restored`, client, secrets, apis }))
}
