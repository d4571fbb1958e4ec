import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Application } from '../../../management/application-operations.ts'
import type { FieldError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { Fields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'

/** What a page that adds a credential says and asks. */
interface Addition<F extends Fields> {
  readonly fields: F
  /** Below the page of the application. */
  readonly step: string
  readonly title: string
  readonly lead: string
  /** Label of the button. */
  readonly submit: string
}

/** The page that adds a credential to those of an application. */
export function additionPage<F extends Fields>(
  t: ConsoleTranslate,
  { client }: Application,
  { fields, step, title, lead, submit }: Addition<F>,
  typed: Form = new Map(),
  fieldErrors: readonly FieldError[] = [],
): ConsolePage {
  const cancel = applicationPath(client.clientId)
  const action = applicationPath(client.clientId, step)
  return {
    view: 'console/edit',
    title,
    lead,
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: applicationBreadcrumbs(t, client),
    data: { form: formView({ fields, typed, fieldErrors, action, submit, cancel }) },
  }
}
