import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type Application, rotateApplicationSecret } from '../../../management/application-operations.ts'
import { isStale } from '../../../shared/errors.ts'
import { radioField } from '../kit/choice-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { attempt, revisionOf, writeFields } from '../kit/form-fields.ts'
import { keptChoices } from '../kit/secret-choices.ts'
import { applicationPath } from './application-list-page.ts'
import { requiredTrust } from './application-new-trust-page.ts'
import { applicationOf } from './application-status-pages.ts'
import { NO_TRUST, trustFields } from './application-trust-fields.ts'
import { heldTokens } from './effect-texts.ts'
import { type ReplacementState, replacementPage } from './replacement-page.ts'

// The page of an application with workload identity, in place of `application-key-page.ts`.

function revocationHint(t: ConsoleTranslate, application: Application): string {
  const held = heldTokens(t, application)
  return held
    ? t(
        'Select this if the trusts accept a workload that they must not. This will revoke {count, plural, one {{tokens}} other {{tokens}}} immediately.',
        held,
      )
    : t('Select this if the trusts accept a workload that they must not.')
}

const fieldsOf = (t: ConsoleTranslate, application: Application) => ({
  ...trustFields(t),
  when: radioField({
    label: t('Current trusts'),
    required: true,
    choices: [
      { value: '0', label: t('Revoke now'), hint: revocationHint(t, application) },
      ...keptChoices(t, t('Gives you time to change the workloads without an outage.')),
    ],
  }),
})

function trustsPage(t: ConsoleTranslate, application: Application, state: ReplacementState = {}): ConsolePage {
  const fields = fieldsOf(t, application)
  const replacement = {
    fields,
    initial: writeFields(fields, { ...NO_TRUST, when: '86400' }),
    title: t('Replace the trusts?'),
    lead: t('The new trust takes the place of all current ones. You can add further trusts afterwards.'),
    stops: [
      t('replace the trusts at the time you select'),
      t('revoke every token obtained with a previous trust when it expires'),
    ],
    submit: t('Replace trusts'),
  }
  return replacementPage(t, application, replacement, state)
}

export const askTrusts = ({ t, show }: ConsoleCall, application: Application): void => show(trustsPage(t, application))

export async function replaceTrusts(call: ConsoleCall, application: Application): Promise<void> {
  const { management, who, params, form, files, show, goTo, t } = call
  const clientId = params.clientId!
  try {
    const outcome = await attempt(fieldsOf(t, application), { form, files }, ({ when, ...values }) =>
      rotateApplicationSecret(management, who, {
        clientId,
        trust: requiredTrust(values),
        overlap: Number(when),
        revision: revisionOf(form),
      }),
    )
    if (outcome.fieldErrors) return show(trustsPage(t, application, { typed: form, fieldErrors: outcome.fieldErrors }))
    goTo(applicationPath(clientId, '?notice=trusts_replaced'))
  } catch (error) {
    if (!isStale(error)) throw error
    const warning = t(
      'Another user changed this application, so no trust was replaced. To replace the trusts, submit the form again.',
    )
    show(trustsPage(t, await applicationOf(call), { typed: form, warning }))
  }
}
