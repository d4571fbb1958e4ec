import { MAX_UNUSED_HOURS } from '../../../clients/unused-secrets.ts'
import type { ClientSecrets, SecretWithCallers } from '../../../management/client-secrets-reading.ts'
import type { FieldError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { durationField } from './amount-fields.ts'
import type { ConsolePage } from './console-page.ts'
import { validated } from './field-changes.ts'
import { type ValuesOf, writeFields } from './form-fields.ts'
import { formView } from './form-view.ts'
import { confirmPage } from './panels.ts'
import { callersList, secretFacts, secretNoun } from './secret-blocks.ts'
import type { SecretPlace } from './secret-retirement-page.ts'

const HOUR = 3600

export const PLAN_FIELDS = {
  unusedHours: validated(
    durationField({
      label: 'Unused for',
      hint: 'Counted from now, and again from each use. Whole hours, at least 1.',
      required: true,
      unit: 'hours',
    }),
    (seconds) =>
      seconds !== null && (seconds < HOUR || seconds % HOUR > 0 || seconds > MAX_UNUSED_HOURS * HOUR)
        ? 'enter 1 to 8,784 whole hours'
        : undefined,
  ),
  latestAt: durationField({
    label: 'At the latest in',
    hint: 'Leave empty to keep the present end. The end can only become earlier.',
    unit: 'days',
  }),
}

/** What the form of `planPage` says. */
export const planIn = ({ unusedHours, latestAt }: ValuesOf<typeof PLAN_FIELDS>) => ({
  unusedHours: unusedHours! / HOUR,
  latestAt: latestAt === null ? undefined : new Date(Date.now() + latestAt * 1000),
})

export interface PlanState {
  readonly typed?: Form
  readonly fieldErrors?: readonly FieldError[]
  readonly status?: number
  readonly warning?: string
}

const initial = ({ retireUnusedHours }: SecretWithCallers): Form =>
  writeFields(PLAN_FIELDS, { unusedHours: (retireUnusedHours ?? 24) * HOUR })

/** Asks after how many hours without a use a previous secret retires. */
export function planPage(
  of: ClientSecrets,
  secret: SecretWithCallers,
  place: SecretPlace,
  state: PlanState = {},
): ConsolePage {
  const { typed = initial(secret), fieldErrors = [], status, warning } = state
  const what = secretNoun(secret)
  const form = formView({
    fields: PLAN_FIELDS,
    typed,
    fieldErrors,
    revision: of.client.revision,
    action: `${place.secretsPath}/${secret.id}/retire-unused`,
    submit: 'Retire when unused',
    cancel: place.secretsPath,
  })
  const page = confirmPage({
    title: `Retire the ${what} that ends in ${secret.lastFour} when it is unused?`,
    breadcrumbs: place.breadcrumbs,
    status: status ?? (fieldErrors.length > 0 ? 400 : undefined),
    text: `The ${what} works until no caller uses it any more. When it retires, every token obtained with it is revoked.`,
    stops: [],
    facts: secretFacts(secret).slice(2),
    action: form.action,
    submit: form.submit,
    keep: { href: place.secretsPath, label: 'Cancel' },
    form,
    affected: { heading: 'Callers with this secret', list: callersList(secret) },
  })
  return { ...page, ...(warning && { warning }) }
}
