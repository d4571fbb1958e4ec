import type { Client } from '../../../clients/clients.ts'
import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { FieldError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { selectField } from './choice-fields.ts'
import type { ConsolePage } from './console-page.ts'
import type { ConsoleCall } from './console-route.ts'
import { type Field, type FieldText, readFields } from './form-fields.ts'
import { formView } from './form-view.ts'
import type { TryNow } from './panels.ts'
import { textField } from './text-fields.ts'
import type { ShownSecrets } from './token-command-examples.ts'
import { type TryOutcome, type TryShape, tryToken } from './try-token-request.ts'

/** A client with client credentials, and the action of its form. */
export interface TrySubject {
  readonly client: Pick<Client, 'clientId' | 'queryCredentials' | 'apiKeyRequired'>
  /** Its default first. */
  readonly apis: readonly { readonly identifier: string; readonly scopes: readonly string[] }[]
  readonly action: string
}

/** Head of the page. */
export type TryFrame = Pick<ConsolePage, 'title' | 'lead' | 'breadcrumbs' | 'tabs' | 'badge' | 'actions'>

interface TryState {
  readonly typed?: Form
  readonly fieldErrors?: readonly FieldError[]
  readonly outcome?: TryOutcome
  readonly status?: number
}

/** RFC 6749, appendix A: the characters of a client secret. */
const SENDABLE = /^[\x20-\x7e]{1,500}$/

/** A password input without autocomplete. */
function secretField(options: FieldText): Field<string> {
  const plain = textField({ ...options, required: true, mono: true, maxLength: 500 })
  return {
    ...plain,
    read(name, sent) {
      const reading = plain.read(name, sent)
      if ('fieldError' in reading || SENDABLE.test(reading.value)) return reading
      return { fieldError: 'this contains characters that are not allowed' }
    },
    controls: (name, form) => ({ ...plain.controls(name, form), type: 'password', autocomplete: 'off' }),
  }
}

const SHAPES = {
  body: 'Request body',
  basic: 'HTTP Basic authentication',
  query: 'Query parameters',
} as const satisfies Record<TryShape, ConsoleText>

const shapesOf = ({ queryCredentials }: TrySubject['client']): TryShape[] =>
  queryCredentials ? ['body', 'basic', 'query'] : ['body', 'basic']

function apiChoices(t: ConsoleTranslate, apis: TrySubject['apis']) {
  const [first, ...rest] = apis.map(({ identifier }) => identifier)
  const unnamed = { value: '', label: first === undefined ? t('None') : t('{api} (default)', { api: first }) }
  return [unnamed, ...rest.map((identifier) => ({ value: identifier, label: identifier }))]
}

function fieldsOf(t: ConsoleTranslate, { client, apis }: TrySubject) {
  const shapes = shapesOf(client).map((shape) => ({ value: shape, label: t(SHAPES[shape]) }))
  return {
    clientSecret: secretField({ label: t('Client secret'), hint: t('Used for this request only. It is not stored.') }),
    ...(client.apiKeyRequired && { apiKey: secretField({ label: t('API key') }) }),
    resource: selectField({ label: t('API'), choices: apiChoices(t, apis) }),
    scope: textField({
      label: t('Scope'),
      hint: t('Separate scopes with spaces. Leave empty to request all scopes of the client.'),
      mono: true,
    }),
    shape: selectField({ label: t('Client authentication'), choices: shapes }),
  }
}

/** The form of *Try it*, below the last result. */
export function tryPage(t: ConsoleTranslate, frame: TryFrame, subject: TrySubject, state: TryState = {}): ConsolePage {
  const { typed, fieldErrors = [], outcome, status } = state
  const form = formView({
    fields: fieldsOf(t, subject),
    action: subject.action,
    submit: outcome ? t('Send request again') : t('Send request'),
    errorHeading: t('The request was not sent'),
    hidden: { clientId: subject.client.clientId },
    fieldErrors,
    ...(typed && { typed }),
  })
  return { ...frame, view: 'console/try', status, data: { outcome, form } }
}

/** The cause goes to the log. */
function noAnswer({ ctx }: ConsoleCall, failure: unknown): FieldError[] {
  ctx.state.failure = failure
  return [{ field: '', message: 'the token endpoint did not respond' }]
}

/** The secrets are not drawn again, so that a saved or printed page does not contain them. */
const withoutCredentials = (typed: Form): Form =>
  new Map([...typed].filter(([name]) => name !== 'clientSecret' && name !== 'apiKey'))

/** Sends the token request and shows the result. */
export async function runTry(call: ConsoleCall, frame: TryFrame, subject: TrySubject): Promise<void> {
  const { ctx, web, form: typed, show, t } = call
  const { values, fieldErrors } = readFields(fieldsOf(t, subject), typed)
  if (fieldErrors.length > 0) return show(tryPage(t, frame, subject, { typed, fieldErrors, status: 400 }))
  const { clientId } = subject.client
  const outcome = await tryToken(t, web, { ...values, clientId, ip: ctx.ip }).catch((failure) =>
    noAnswer(call, failure),
  )
  if (Array.isArray(outcome)) return show(tryPage(t, frame, subject, { typed, fieldErrors: outcome, status: 502 }))
  show(tryPage(t, frame, subject, { typed: withoutCredentials(typed), outcome }))
}

/** The complete form for the page that shows a secret once. */
export const tryNow = (action: string, { clientId, clientSecret, apiKey }: ShownSecrets): TryNow => ({
  action,
  hidden: Object.entries({ clientId, clientSecret, ...(apiKey && { apiKey }), resource: '', shape: 'body' }),
})
