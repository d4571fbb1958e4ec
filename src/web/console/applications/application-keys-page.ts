import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type Application, rotateApplicationSecret } from '../../../management/application-operations.ts'
import { isStale } from '../../../shared/errors.ts'
import { radioField } from '../kit/choice-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { attempt, revisionOf } from '../kit/form-fields.ts'
import { jwksField, jwksUriField } from '../kit/public-key-fields.ts'
import { keptChoices } from '../kit/secret-choices.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationOf } from './application-status-pages.ts'
import { heldTokens } from './effect-texts.ts'
import { type ReplacementState, replacementPage } from './replacement-page.ts'

// The page of an application that authenticates by its private key, in place of `application-key-page.ts`.

function revocationHint(t: ConsoleTranslate, application: Application): string {
  const held = heldTokens(t, application)
  return held
    ? t(
        'Select this if someone else may have the private key. This will revoke {count, plural, one {{tokens}} other {{tokens}}} immediately.',
        held,
      )
    : t('Select this if someone else may have the private key.')
}

const fieldsOf = (t: ConsoleTranslate, application: Application) => ({
  jwks: jwksField(t),
  jwksUri: jwksUriField(t),
  when: radioField({
    label: t('Current public keys'),
    required: true,
    choices: [
      { value: '0', label: t('Revoke now'), hint: revocationHint(t, application) },
      ...keptChoices(t, t('Gives you time to deploy the new private key without an outage.')),
    ],
  }),
})

const leadOf = (t: ConsoleTranslate, { client }: Application): string =>
  client.jwksUri === null
    ? t(
        'Keywright never has the private key. Generate a new pair where the application runs, and enter the public key here.',
      )
    : t(
        'The application rotates its keys itself, at its URL. Keep the URL to fetch the keys again, or replace it by another URL or by public keys.',
      )

const keysPage = (t: ConsoleTranslate, application: Application, state: ReplacementState = {}): ConsolePage =>
  replacementPage(
    t,
    application,
    {
      fields: fieldsOf(t, application),
      initial: new Map([
        ['jwks', ''],
        ['jwksUri', application.client.jwksUri ?? ''],
        ['when', '86400'],
      ]),
      title: t('Replace the public keys?'),
      lead: leadOf(t, application),
      stops: [
        t('replace the public keys at the time you select'),
        t('revoke every token obtained with a previous key when it expires'),
      ],
      submit: t('Replace keys'),
    },
    state,
  )

export const askKeys = ({ t, show }: ConsoleCall, application: Application): void => show(keysPage(t, application))

export async function replaceKeys(call: ConsoleCall, application: Application): Promise<void> {
  const { management, who, params, form, files, show, goTo, t } = call
  const clientId = params.clientId!
  try {
    const outcome = await attempt(fieldsOf(t, application), { form, files }, ({ jwks, jwksUri, when }) => {
      const given = { jwks: jwks || undefined, jwksUri: jwksUri || undefined }
      const change = { clientId, ...given, overlap: Number(when), revision: revisionOf(form) }
      return rotateApplicationSecret(management, who, change)
    })
    if (outcome.fieldErrors) return show(keysPage(t, application, { typed: form, fieldErrors: outcome.fieldErrors }))
    goTo(applicationPath(clientId, '?notice=keys_replaced'))
  } catch (error) {
    if (!isStale(error)) throw error
    const warning = t(
      'Another user changed this application, so no key was replaced. To replace the keys, submit the form again.',
    )
    show(keysPage(t, await applicationOf(call), { typed: form, warning }))
  }
}
