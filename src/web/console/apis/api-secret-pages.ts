import { type ApiDetails, rotateApiSecret } from '../../../management/api-operations.ts'
import { type FieldError, notFound, stale } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { radioField } from '../kit/choice-fields.ts'
import type { ConsolePage, PageLink } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { attempt, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { confirmPage, secretPage } from '../kit/panels.ts'
import { APIS, apiOf, pathOf } from './api-pages.ts'

const FIELDS = {
  overlap: radioField({
    label: 'The present secret',
    choices: [
      {
        value: '0',
        label: 'Ends at once',
        hint: 'Where somebody else may know it. The API is refused until it has the new one.',
      },
      { value: '3600', label: 'Works for another hour' },
      {
        value: '86400',
        label: 'Works for another day',
        hint: 'Time to hand the new one to every machine that needs it.',
      },
      { value: '604800', label: 'Works for another week' },
    ],
  }),
}

interface NewCredentials {
  readonly title: string
  readonly lead: string
  readonly identifier: string
  readonly clientId: string
  readonly clientSecret: string
  readonly done: PageLink
}

const introspection = (issuer: string, { clientId, clientSecret }: NewCredentials): string =>
  `curl --silent --user '${clientId}:${clientSecret}' \\\n  --data-urlencode 'token=A_TOKEN_THAT_YOU_WERE_SENT' \\\n  ${issuer}/oauth2/introspect`

/** An API's own credentials, this once. */
export const apiSecretPage = (issuer: string, made: NewCredentials): ConsolePage =>
  secretPage({
    title: made.title,
    lead: made.lead,
    crumbs: [APIS],
    values: [
      { label: 'Client id', value: made.clientId },
      { label: 'Client secret', value: made.clientSecret },
    ],
    commands: [{ label: 'Ask whether a token is still good (RFC 7662)', value: introspection(issuer, made) }],
    done: made.done,
  })

/** Which secret is the newest: the answer to a form that was drawn before another one was made would end that one. */
const newestOf = ({ secrets }: ApiDetails): string => secrets[0]?.createdAt ?? 'none'

function rotatePage(view: ApiDetails, typed: Form, fieldErrors: readonly FieldError[] = []): ConsolePage {
  const path = pathOf(view)
  const form = formView({
    fields: FIELDS,
    typed,
    fieldErrors,
    hidden: { newest: newestOf(view) },
    action: `${path}/secret`,
    submit: 'Make a new secret',
    danger: true,
    cancel: path,
  })
  return confirmPage({
    title: 'New secret for the API?',
    status: fieldErrors.length > 0 ? 400 : undefined,
    crumbs: [APIS, { href: path, label: view.api.identifier }],
    text: 'With its secret the API asks whether tokens are still good. Nobody’s tokens end by this.',
    stops: ['stop the present secret, now or in the time that you give it', 'show you the new one, once'],
    action: form.action,
    submit: form.submit,
    keep: { href: path, label: 'Cancel' },
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
  call.show(rotatePage(await apiWithSecret(call), writeFields(FIELDS, { overlap: '86400' })))
}

async function rotate(call: ConsoleCall): Promise<void> {
  const { management, who, form, files, web, show } = call
  const view = await apiWithSecret(call)
  if (form.get('newest') !== newestOf(view)) throw stale('the secret')
  const { identifier } = view.api
  const outcome = await attempt(FIELDS, { form, files }, ({ overlap }) =>
    rotateApiSecret(management, who, { identifier, overlap: Number(overlap) }),
  )
  if (outcome.fieldErrors) return show(rotatePage(view, form, outcome.fieldErrors))
  show(
    apiSecretPage(web.issuerUrl(), {
      ...outcome.done,
      title: 'The new secret of the API',
      lead: identifier,
      identifier,
      done: { href: pathOf(view), label: 'To the API' },
    }),
  )
}

export const API_SECRET_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/apis/:apiId/secret', permission: rotateApiSecret.permission, handle: askRotation },
  { method: 'post', path: '/apis/:apiId/secret', permission: rotateApiSecret.permission, handle: rotate },
]
