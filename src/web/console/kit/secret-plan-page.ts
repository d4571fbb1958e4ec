import { MAX_UNUSED_HOURS } from '../../../clients/unused-secrets.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { ClientSecrets, SecretWithCallers } from '../../../management/client-secrets-reading.ts'
import type { FieldError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { durationField } from './amount-fields.ts'
import type { ConsolePage } from './console-page.ts'
import { validated } from './field-changes.ts'
import { type ValuesOf, writeFields } from './form-fields.ts'
import { formView } from './form-view.ts'
import { confirmPage } from './panels.ts'
import { callersOf, secretFacts } from './secret-blocks.ts'
import type { SecretPlace } from './secret-retirement-page.ts'

const HOUR = 3600

export const planFields = (t: ConsoleTranslate) => ({
  unusedHours: validated(
    durationField({
      label: t('Unused for'),
      hint: t('Counted from now, and again from each use. Whole hours, at least 1.'),
      required: true,
      unit: 'hours',
    }),
    (seconds) =>
      seconds !== null && (seconds < HOUR || seconds % HOUR > 0 || seconds > MAX_UNUSED_HOURS * HOUR)
        ? 'enter 1 to 8,784 whole hours'
        : undefined,
  ),
  latestAt: durationField({
    label: t('At the latest in'),
    hint: t('Leave empty to keep the present end. The end can only become earlier.'),
    unit: 'days',
  }),
})

/** What the form of `planPage` says. */
export const planIn = ({ unusedHours, latestAt }: ValuesOf<ReturnType<typeof planFields>>) => ({
  unusedHours: unusedHours! / HOUR,
  latestAt: latestAt === null ? undefined : new Date(Date.now() + latestAt * 1000),
})

export interface PlanState {
  readonly typed?: Form
  readonly fieldErrors?: readonly FieldError[]
  readonly status?: number
  readonly warning?: string
}

const initial = (t: ConsoleTranslate, { retireUnusedHours }: SecretWithCallers): Form =>
  writeFields(planFields(t), { unusedHours: (retireUnusedHours ?? 24) * HOUR })

/** Asks after how many hours without a use a previous secret retires. */
export function planPage(
  t: ConsoleTranslate,
  of: ClientSecrets,
  secret: SecretWithCallers,
  place: SecretPlace,
  state: PlanState = {},
): ConsolePage {
  const { typed = initial(t, secret), fieldErrors = [], status, warning } = state
  const { kind, lastFour } = secret
  const form = formView({
    fields: planFields(t),
    typed,
    fieldErrors,
    revision: of.client.revision,
    action: `${place.secretsPath}/${secret.id}/retire-unused`,
    submit: t('Retire when unused'),
    cancel: place.secretsPath,
  })
  const page = confirmPage({
    title: t(
      '{kind, select, api_key {Retire the API key that ends in {lastFour} when it is unused?} key {Retire the public key that ends in {lastFour} when it is unused?} certificate {Retire the certificate that ends in {lastFour} when it is unused?} trust {Retire the trust that ends in {lastFour} when it is unused?} other {Retire the client secret that ends in {lastFour} when it is unused?}}',
      { kind, lastFour },
    ),
    breadcrumbs: place.breadcrumbs,
    status: status ?? (fieldErrors.length > 0 ? 400 : undefined),
    text: t(
      '{kind, select, api_key {The API key works until no caller uses it any more. When it retires, every token obtained with it is revoked.} key {The public key works until no caller uses it any more. When it retires, every token obtained with it is revoked.} certificate {The certificate works until no caller uses it any more. When it retires, every token obtained with it is revoked.} trust {The trust works until no caller uses it any more. When it retires, every token obtained with it is revoked.} other {The client secret works until no caller uses it any more. When it retires, every token obtained with it is revoked.}}',
      { kind },
    ),
    stops: [],
    facts: secretFacts(t, secret).slice(2),
    action: form.action,
    submit: form.submit,
    keep: { href: place.secretsPath, label: t('Cancel') },
    form,
    affected: callersOf(t, secret),
  })
  return { ...page, ...(warning && { warning }) }
}
