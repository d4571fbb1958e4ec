import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Application } from '../../../management/application-operations.ts'
import type { FieldError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { Fields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { affectedCallers } from './recent-callers-list.ts'

/** What a page that replaces a credential says and asks. */
interface Replacement<F extends Fields> {
  readonly fields: F
  /** The form as it is first shown. */
  readonly initial: Form
  readonly title: string
  readonly lead: string
  /** What the replacement does, each as the end of a sentence. */
  readonly stops: readonly string[]
  /** Label of the button. */
  readonly submit: string
}

/** Why the page is shown again. */
export interface ReplacementState {
  readonly typed?: Form
  readonly fieldErrors?: readonly FieldError[]
  readonly warning?: string
}

/** The page that asks how to replace the secret, the keys or the certificate of an application; a `warning` makes it 412. */
export function replacementPage<F extends Fields>(
  t: ConsoleTranslate,
  application: Application,
  { fields, initial, title, lead, stops, submit }: Replacement<F>,
  { typed = initial, fieldErrors = [], warning }: ReplacementState,
): ConsolePage {
  const { client } = application
  const cancel = applicationPath(client.clientId)
  const action = applicationPath(client.clientId, '/key')
  const form = formView({ fields, typed, fieldErrors, revision: client.revision, action, submit, danger: true, cancel })
  return {
    view: 'console/confirm',
    title,
    lead,
    breadcrumbs: applicationBreadcrumbs(t, client),
    ...(fieldErrors.length > 0 && { status: 400 }),
    ...(warning && { status: 412, warning }),
    data: { confirm: { stops, form, ...affectedCallers(t, application) } },
  }
}
