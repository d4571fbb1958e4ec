import { hasClientSecret, usesCertificates, usesTrusts } from '../../../clients/authentication-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type Application, rotateApplicationSecret } from '../../../management/application-operations.ts'
import { invalidInput, isStale, KeywrightError } from '../../../shared/errors.ts'
import { MAX_REFRESH_TOKEN_TTL } from '../../../shared/lifetimes.ts'
import { durationField } from '../kit/amount-fields.ts'
import { radioField } from '../kit/choice-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { validated } from '../kit/field-changes.ts'
import { attempt, revisionOf, type ValuesOf } from '../kit/form-fields.ts'
import { expiryField, expiryIn, keptChoices, UNTIL_UNUSED, UNUSED, unusedChoice } from '../kit/secret-choices.ts'
import { askCertificates, replaceCertificates } from './application-certificates-page.ts'
import { askKeys, replaceKeys } from './application-keys-page.ts'
import { applicationSecretPage } from './application-secret-page.ts'
import { applicationOf } from './application-status-pages.ts'
import { askTrusts, replaceTrusts } from './application-trusts-page.ts'
import { callingAddresses, heldTokens } from './effect-texts.ts'
import { type ReplacementState, replacementPage } from './replacement-page.ts'

/** What ends with the present key where it stops at once. */
function revocationHint(t: ConsoleTranslate, application: Application): string {
  const callers = callingAddresses(application)
  const held = heldTokens(t, application)
  if (held && callers > 0)
    return t(
      'Select this if someone else may have the client secret. This will revoke {count, plural, one {{tokens}} other {{tokens}}} immediately, and block {callers, plural, one {# IP address} other {# IP addresses}} that called in the last 24 hours.',
      { ...held, callers },
    )
  if (held)
    return t(
      'Select this if someone else may have the client secret. This will revoke {count, plural, one {{tokens}} other {{tokens}}} immediately, and affect no callers: none used it in the last 24 hours.',
      held,
    )
  if (callers > 0)
    return t(
      'Select this if someone else may have the client secret. This will revoke no tokens: none are active, and block {callers, plural, one {# IP address} other {# IP addresses}} that called in the last 24 hours.',
      { callers },
    )
  return t(
    'Select this if someone else may have the client secret. This will revoke no tokens: none are active, and affect no callers: none used it in the last 24 hours.',
  )
}

const fieldsOf = (t: ConsoleTranslate, application: Application) => ({
  when: radioField({
    label: t('Current client secret'),
    required: true,
    choices: [
      { value: 'now', label: t('Revoke now'), hint: revocationHint(t, application) },
      ...keptChoices(t, t('Gives you time to deploy the new client secret without an outage.')),
      unusedChoice(t),
      { value: 'own', label: t('Keep for a custom time') },
    ],
  }),
  overlap: validated(
    durationField({
      label: t('Custom time'),
      hint: t('Used with “Keep for a custom time”. At most 366 days.'),
      unit: 'days',
    }),
    (seconds) =>
      seconds !== null && seconds > MAX_REFRESH_TOKEN_TTL
        ? 'a previous client secret is valid for at most 366 days'
        : undefined,
  ),
  expiresAt: expiryField(t),
})

const presentKey = ({ secrets }: Application): string | undefined =>
  secrets.find(({ kind, isCurrent }) => kind === 'secret' && isCurrent)?.lastFour

function stopsOf(t: ConsoleTranslate, application: Application): string[] {
  const lastFour = presentKey(application)
  return [
    lastFour === undefined
      ? t('generate a client secret, because the application has no permanent one')
      : t('replace the client secret that ends in {lastFour} at the time you select', { lastFour }),
    ...(application.client.apiKeyRequired ? [t('replace the API key')] : []),
    t('revoke every token obtained with the previous client secret when it expires'),
  ]
}

const keyPage = (t: ConsoleTranslate, application: Application, state: ReplacementState = {}): ConsolePage =>
  replacementPage(
    t,
    application,
    {
      fields: fieldsOf(t, application),
      initial: new Map([
        ['when', '86400'],
        ['expiresAt', ''],
      ]),
      title: t('Generate a new client secret?'),
      lead: t('The new client secret is shown once, on the next page.'),
      stops: stopsOf(t, application),
      submit: t('Generate key'),
    },
    state,
  )

/** @throws KeywrightError `conflict` */
function requireSecret({ client }: Application): void {
  if (client.isPublic) {
    throw new KeywrightError('conflict', 'this application is public and has no client secret')
  }
}

export async function askKey(call: ConsoleCall): Promise<void> {
  const application = await applicationOf(call)
  requireSecret(application)
  if (usesCertificates(application.client)) return askCertificates(call, application)
  if (usesTrusts(application.client)) return askTrusts(call, application)
  if (!hasClientSecret(application.client)) return askKeys(call, application)
  call.show(keyPage(call.t, application))
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

function stoppedBy(t: ConsoleTranslate, { overlap, unusedHours }: ReturnType<typeof keptFor>): string {
  if (overlap === 0) return t('The previous client secret and every token obtained with it are revoked.')
  const duration = t.duration(overlap)
  if (!unusedHours) return t('The previous client secret is valid for another {duration}.', { duration })
  return t('The previous client secret is valid for another {duration}, or until it is unused for {unused}.', {
    duration,
    unused: t.duration(unusedHours * 3600),
  })
}

/** A second press must not end a key that somebody may just be copying. */
async function showStale(call: ConsoleCall): Promise<void> {
  const { t, form: typed } = call
  const application = await applicationOf(call)
  const lastFour = presentKey(application)
  const warning = lastFour
    ? t(
        'Another user changed this application, so no client secret was generated. The current client secret ends in {lastFour}. To generate a new one, submit the form again.',
        { lastFour },
      )
    : t(
        'Another user changed this application, so no client secret was generated. To generate a new one, submit the form again.',
      )
  call.show(keyPage(t, application, { typed, warning }))
}

export async function generateKey(call: ConsoleCall): Promise<void> {
  const { management, who, params, form, files, show, t } = call
  const revision = revisionOf(form)
  const application = await applicationOf(call)
  requireSecret(application)
  if (usesCertificates(application.client)) return await replaceCertificates(call, application)
  if (usesTrusts(application.client)) return await replaceTrusts(call, application)
  if (!hasClientSecret(application.client)) return await replaceKeys(call, application)
  try {
    const outcome = await attempt(fieldsOf(t, application), { form, files }, async (values) => {
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
    if (outcome.fieldErrors) return show(keyPage(t, application, { typed: form, fieldErrors: outcome.fieldErrors }))
    const { client, kept, ...secrets } = outcome.done
    const { apis } = application
    const stopped = stoppedBy(t, kept)
    show(applicationSecretPage(call, { title: t('New client secret'), client, secrets, apis, stopped }))
  } catch (error) {
    if (!isStale(error)) throw error
    await showStale(call)
  }
}
