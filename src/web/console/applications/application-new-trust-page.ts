import { usesTrusts } from '../../../clients/authentication-attributes.ts'
import { trustIn } from '../../../clients/trust-presets.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Application } from '../../../management/application-operations.ts'
import { addApplicationTrust } from '../../../management/client-trust-addition.ts'
import { type FieldError, invalidInput, KeywrightError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { attempt } from '../kit/form-fields.ts'
import { additionPage } from './addition-page.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationOf } from './application-status-pages.ts'
import { trustFields, trustFieldsIn } from './application-trust-fields.ts'

/** The trust that a form gives. @throws KeywrightError `invalid_input` */
export function requiredTrust(values: Parameters<typeof trustFieldsIn>[0]) {
  const trust = trustIn(trustFieldsIn(values))
  if (!trust) throw invalidInput('select a platform, or enter the issuer', 'trustPreset')
  return trust
}

const newTrustPage = (
  t: ConsoleTranslate,
  application: Application,
  typed?: Form,
  fieldErrors?: readonly FieldError[],
): ConsolePage =>
  additionPage(
    t,
    application,
    {
      fields: trustFields(t),
      step: '/trusts/new',
      title: t('Add a trust in an issuer'),
      lead: t(
        'The current trusts stay valid. For each trust, you see when it was last used, and you can retire it on its own.',
      ),
      submit: t('Add trust'),
    },
    typed,
    fieldErrors,
  )

/** An application with workload identity. @throws KeywrightError `not_found`, `conflict` */
export async function applicationWithTrusts(call: ConsoleCall): Promise<Application> {
  const application = await applicationOf(call)
  if (!usesTrusts(application.client)) {
    throw new KeywrightError('conflict', 'this application does not authenticate by workload identity')
  }
  return application
}

export async function askNewTrust(call: ConsoleCall): Promise<void> {
  call.show(newTrustPage(call.t, await applicationWithTrusts(call)))
}

export async function addNewTrust(call: ConsoleCall): Promise<void> {
  const { management, who, form, files, show, goTo, t } = call
  const application = await applicationWithTrusts(call)
  const { clientId } = application.client
  const outcome = await attempt(trustFields(t), { form, files }, (values) =>
    addApplicationTrust(management, who, { clientId, trust: requiredTrust(values) }),
  )
  if (outcome.fieldErrors) return show(newTrustPage(t, application, form, outcome.fieldErrors))
  goTo(applicationPath(clientId, '?notice=trust_added'))
}
