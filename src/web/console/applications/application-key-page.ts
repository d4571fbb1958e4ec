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
import { judged } from '../kit/field-changes.ts'
import { attempt, revisionOf, type ValuesOf } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { applicationCrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationSecretPage } from './application-secret-page.ts'
import { applicationOf, callersStop, tokensStop } from './application-status-pages.ts'

/** @param stops what ends with the present key where it stops at once */
const fieldsOf = (stops: string) => ({
  when: radioField({
    label: 'The present key',
    required: true,
    choices: [
      { value: 'now', label: 'Stops at once', hint: `Right when somebody else may have it. ${stops}` },
      { value: '3600', label: 'Works for another hour' },
      {
        value: '86400',
        label: 'Works for another 24 hours',
        hint: 'Time to put the new one in its place, with nothing standing still.',
      },
      { value: '604800', label: 'Works for another 7 days' },
      { value: 'own', label: 'Works for as long as said here:' },
    ],
  }),
  overlap: judged(
    durationField({ label: 'How long', hint: 'Only where that is chosen; at most 366 days.', unit: 'days' }),
    (seconds) =>
      seconds !== null && seconds > MAX_REFRESH_TOKEN_TTL ? 'a former key works for at most 366 days' : undefined,
  ),
})

const fieldsFor = (application: Application) =>
  fieldsOf(sentence(`this would ${tokensStop(application)}, and ${callersStop(application)}`))

interface State {
  readonly typed?: Form
  readonly fieldErrors?: readonly FieldError[]
  readonly status?: number
  readonly caution?: string
}

const presentKey = ({ secrets }: Application): string | undefined =>
  secrets.find(({ kind, retiresAt }) => kind === 'secret' && retiresAt === null)?.lastFour

function keyPage(application: Application, { typed, fieldErrors = [], status, caution }: State = {}): ConsolePage {
  const { client } = application
  const lastFour = presentKey(application)
  const form = formView({
    fields: fieldsFor(application),
    typed: typed ?? new Map([['when', '86400']]),
    fieldErrors,
    revision: client.revision,
    action: applicationPath(client.clientId, '/key'),
    submit: 'Generate key',
    danger: true,
    cancel: applicationPath(client.clientId),
  })
  const stops = [
    lastFour === undefined
      ? 'give the application a key, for it has none that stays'
      : `replace the key that ends in ${lastFour}, when you say`,
    ...(client.apiKeyRequired ? ['replace its API key with it'] : []),
    'end with a former key, whenever it stops, every token that it obtained',
  ]
  return {
    view: 'console/confirm',
    title: 'Generate a new key?',
    lead: 'You see it once, on the next page.',
    crumbs: applicationCrumbs(client),
    status: status ?? (fieldErrors.length > 0 ? 400 : undefined),
    ...(caution && { caution }),
    data: { confirm: { stops, form } },
  }
}

/** @throws KeywrightError `conflict` */
function requireSecret({ client }: Application): void {
  if (client.isPublic) {
    throw new KeywrightError('conflict', 'this application is public: it has no key, because it could not keep one')
  }
}

export async function askKey(call: ConsoleCall): Promise<void> {
  const application = await applicationOf(call)
  requireSecret(application)
  call.show(keyPage(application))
}

/** Seconds for which the present key still works. @throws KeywrightError `invalid_input` */
function overlapOf({ when, overlap }: ValuesOf<ReturnType<typeof fieldsOf>>): number {
  if (when === 'now') return 0
  if (when !== 'own') return Number(when)
  if (overlap === null || overlap === 0) throw invalidInput('say for how long the present key still works', 'overlap')
  return overlap
}

const stoppedBy = (overlap: number): string =>
  overlap === 0
    ? 'The former key has stopped working, and with it everything that it obtained.'
    : `The former key works for another ${durationInWords(overlap)}.`

const isStale = (error: unknown): boolean => error instanceof KeywrightError && error.code === 'stale'

/** A second press must not end a key that somebody may just be copying. */
async function showStale(call: ConsoleCall): Promise<void> {
  const application = await applicationOf(call)
  const lastFour = presentKey(application)
  const caution = `The application was changed meanwhile, and no key was generated. ${
    lastFour ? `Its key ends in ${lastFour} now. ` : ''
  }If you still want a new one, say so again.`
  call.show(keyPage(application, { typed: call.form, status: 412, caution }))
}

export async function generateKey(call: ConsoleCall): Promise<void> {
  const { management, who, params, form, files, show } = call
  const revision = revisionOf(form)
  const application = await applicationOf(call)
  requireSecret(application)
  try {
    const outcome = await attempt(fieldsFor(application), { form, files }, async (values) => {
      const overlap = overlapOf(values)
      return {
        overlap,
        ...(await rotateApplicationSecret(management, who, { clientId: params.clientId!, overlap, revision })),
      }
    })
    if (outcome.fieldErrors) return show(keyPage(application, { typed: form, fieldErrors: outcome.fieldErrors }))
    const { client, overlap, ...secrets } = outcome.done
    const apis = application.apis.map(({ identifier }) => identifier)
    show(applicationSecretPage(call, { title: 'The new key', client, secrets, apis, stopped: stoppedBy(overlap) }))
  } catch (error) {
    if (!isStale(error)) throw error
    await showStale(call)
  }
}
