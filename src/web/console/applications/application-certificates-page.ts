import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type Application, rotateApplicationSecret } from '../../../management/application-operations.ts'
import { isStale } from '../../../shared/errors.ts'
import { radioField } from '../kit/choice-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { attempt, revisionOf, type ValuesOf, writeFields } from '../kit/form-fields.ts'
import { keptChoices } from '../kit/secret-choices.ts'
import {
  atNameField,
  certificateNameFields,
  certificatesField,
  certificatesIn,
  NO_CERTIFICATES,
} from './application-certificate-fields.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationOf } from './application-status-pages.ts'
import { heldTokens } from './effect-texts.ts'
import { type ReplacementState, replacementPage } from './replacement-page.ts'

// The page of an application that authenticates in TLS, in place of `application-key-page.ts`.

function revocationHint(t: ConsoleTranslate, application: Application): string {
  const held = heldTokens(t, application)
  return held
    ? t(
        'Select this if someone else may have the private key. This will revoke {count, plural, one {{tokens}} other {{tokens}}} immediately.',
        held,
      )
    : t('Select this if someone else may have the private key.')
}

const whenField = (t: ConsoleTranslate, application: Application) =>
  radioField({
    label: t('Current certificate'),
    required: true,
    choices: [
      { value: '0', label: t('Revoke now'), hint: revocationHint(t, application) },
      ...keptChoices(t, t('Gives you time to deploy the new certificate without an outage.')),
    ],
  })

type Fields = ReturnType<typeof certificateNameFields> & {
  certificates: ReturnType<typeof certificatesField>
  when: ReturnType<typeof whenField>
}

/** Those of the client's authentication method. */
function fieldsOf(t: ConsoleTranslate, application: Application): Fields {
  const isNamed = application.client.authMethod === 'tls_client_auth'
  const credential = isNamed ? certificateNameFields(t, true) : { certificates: certificatesField(t, true) }
  return { ...credential, when: whenField(t, application) } as unknown as Fields
}

function certificatesPage(t: ConsoleTranslate, application: Application, state: ReplacementState = {}): ConsolePage {
  const fields = fieldsOf(t, application)
  const replacement = {
    fields,
    initial: writeFields(fields, { ...NO_CERTIFICATES, when: '86400' }),
    title: t('Replace the certificate?'),
    lead: t('Keywright never has the private key: the proxy that terminates TLS checks that the application has it.'),
    stops: [
      t('replace the certificate at the time you select'),
      t('revoke every token obtained with the previous certificate when it expires'),
    ],
    submit: t('Replace certificate'),
  }
  return replacementPage(t, application, replacement, state)
}

export const askCertificates = ({ t, show }: ConsoleCall, application: Application): void =>
  show(certificatesPage(t, application))

export async function replaceCertificates(call: ConsoleCall, application: Application): Promise<void> {
  const { management, who, params, form, files, show, goTo, t } = call
  const clientId = params.clientId!
  const rotate = ({ when, ...values }: ValuesOf<Fields>) =>
    rotateApplicationSecret(management, who, {
      clientId,
      overlap: Number(when),
      revision: revisionOf(form),
      ...certificatesIn(values),
    })
  try {
    const { fieldErrors } = await attempt(fieldsOf(t, application), { form, files }, rotate)
    if (fieldErrors) {
      const state = { typed: form, fieldErrors: atNameField(fieldErrors) }
      return show(certificatesPage(t, application, state))
    }
    goTo(applicationPath(clientId, '?notice=certificate_replaced'))
  } catch (error) {
    if (!isStale(error)) throw error
    const warning = t(
      'Another user changed this application, so no certificate was replaced. To replace it, submit the form again.',
    )
    show(certificatesPage(t, await applicationOf(call), { typed: form, warning }))
  }
}
