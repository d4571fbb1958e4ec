import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { type Application, rotateApplicationSecret } from '../../../management/application-operations.ts'
import { type FieldError, invalidInput, KeywrightError } from '../../../shared/errors.ts'
import { MAX_REFRESH_TOKEN_TTL } from '../../../shared/lifetimes.ts'
import type { Form } from '../../forms.ts'
import { sentence } from '../../to-sentence.ts'
import { durationField } from '../kit/amount-fields.ts'
import { radioField } from '../kit/choice-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { durationInWords } from '../kit/duration-text.ts'
import { validated } from '../kit/field-changes.ts'
import { attempt, revisionOf, type ValuesOf } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { expiryField, expiryIn, UNTIL_UNUSED, UNUSED, unusedChoice } from '../kit/secret-choices.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationSecretPage } from './application-secret-page.ts'
import { applicationOf, callersStop, tokensStop } from './application-status-pages.ts'
import { affectedCallers } from './recent-callers-list.ts'

/** @param stops what ends with the present key where it stops at once */
const fieldsOf = (stops: string) => ({
  when: radioField({
    label: 'Current client secret',
    required: true,
    choices: [
      { value: 'now', label: 'Revoke now', hint: `Select this if someone else may have the client secret. ${stops}` },
      { value: '3600', label: 'Keep for 1 hour' },
      {
        value: '86400',
        label: 'Keep for 24 hours',
        hint: 'Gives you time to deploy the new client secret without an outage.',
      },
      { value: '604800', label: 'Keep for 7 days' },
      unusedChoice(toConsoleEnglish()),
      { value: 'own', label: 'Keep for a custom time' },
    ],
  }),
  overlap: validated(
    durationField({
      label: 'Custom time',
      hint: 'Used with “Keep for a custom time”. At most 366 days.',
      unit: 'days',
    }),
    (seconds) =>
      seconds !== null && seconds > MAX_REFRESH_TOKEN_TTL
        ? 'a previous client secret is valid for at most 366 days'
        : undefined,
  ),
  expiresAt: expiryField(toConsoleEnglish()),
})

const fieldsFor = (application: Application) =>
  fieldsOf(sentence(`this will ${tokensStop(application)}, and ${callersStop(application)}`))

interface State {
  readonly typed?: Form
  readonly fieldErrors?: readonly FieldError[]
  readonly status?: number
  readonly warning?: string
}

const presentKey = ({ secrets }: Application): string | undefined =>
  secrets.find(({ kind, isCurrent }) => kind === 'secret' && isCurrent)?.lastFour

function keyPage(application: Application, { typed, fieldErrors = [], status, warning }: State = {}): ConsolePage {
  const { client } = application
  const lastFour = presentKey(application)
  const form = formView({
    fields: fieldsFor(application),
    typed:
      typed ??
      new Map([
        ['when', '86400'],
        ['expiresAt', ''],
      ]),
    fieldErrors,
    revision: client.revision,
    action: applicationPath(client.clientId, '/key'),
    submit: 'Generate key',
    danger: true,
    cancel: applicationPath(client.clientId),
  })
  const stops = [
    lastFour === undefined
      ? 'generate a client secret, because the application has no permanent one'
      : `replace the client secret that ends in ${lastFour} at the time you select`,
    ...(client.apiKeyRequired ? ['replace the API key'] : []),
    'revoke every token obtained with the previous client secret when it expires',
  ]
  return {
    view: 'console/confirm',
    title: 'Generate a new client secret?',
    lead: 'The new client secret is shown once, on the next page.',
    breadcrumbs: applicationBreadcrumbs(client),
    status: status ?? (fieldErrors.length > 0 ? 400 : undefined),
    ...(warning && { warning }),
    data: { confirm: { stops, form, ...affectedCallers(application) } },
  }
}

/** @throws KeywrightError `conflict` */
function requireSecret({ client }: Application): void {
  if (client.isPublic) {
    throw new KeywrightError('conflict', 'this application is public and has no client secret')
  }
}

export async function askKey(call: ConsoleCall): Promise<void> {
  const application = await applicationOf(call)
  requireSecret(application)
  call.show(keyPage(application))
}

/** How long the present key still works. @throws KeywrightError `invalid_input` */
function keptFor({ when, overlap }: ValuesOf<ReturnType<typeof fieldsOf>>): { overlap: number; unusedHours?: number } {
  if (when === UNUSED) return UNTIL_UNUSED
  if (when === 'now') return { overlap: 0 }
  if (when !== 'own') return { overlap: Number(when) }
  if (overlap === null || overlap === 0)
    throw invalidInput('enter how long the current client secret stays valid', 'overlap')
  return { overlap }
}

function stoppedBy({ overlap, unusedHours }: ReturnType<typeof keptFor>): string {
  if (overlap === 0) return 'The previous client secret and every token obtained with it are revoked.'
  const unused = unusedHours ? `, or until it is unused for ${durationInWords(unusedHours * 3600)}` : ''
  return `The previous client secret is valid for another ${durationInWords(overlap)}${unused}.`
}

const isStale = (error: unknown): boolean => error instanceof KeywrightError && error.code === 'stale'

/** A second press must not end a key that somebody may just be copying. */
async function showStale(call: ConsoleCall): Promise<void> {
  const application = await applicationOf(call)
  const lastFour = presentKey(application)
  const warning = `Another user changed this application, so no client secret was generated. ${
    lastFour ? `The current client secret ends in ${lastFour}. ` : ''
  }To generate a new one, submit the form again.`
  call.show(keyPage(application, { typed: call.form, status: 412, warning }))
}

export async function generateKey(call: ConsoleCall): Promise<void> {
  const { management, who, params, form, files, show } = call
  const revision = revisionOf(form)
  const application = await applicationOf(call)
  requireSecret(application)
  try {
    const outcome = await attempt(fieldsFor(application), { form, files }, async (values) => {
      const kept = keptFor(values)
      return {
        kept,
        ...(await rotateApplicationSecret(management, who, {
          clientId: params.clientId!,
          ...kept,
          expiresAt: expiryIn(values.expiresAt),
          revision,
        })),
      }
    })
    if (outcome.fieldErrors) return show(keyPage(application, { typed: form, fieldErrors: outcome.fieldErrors }))
    const { client, kept, ...secrets } = outcome.done
    const { apis } = application
    show(applicationSecretPage(call, { title: 'New client secret', client, secrets, apis, stopped: stoppedBy(kept) }))
  } catch (error) {
    if (!isStale(error)) throw error
    await showStale(call)
  }
}
