import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Application } from '../../../management/application-operations.ts'
import { addApplicationKeys } from '../../../management/client-key-addition.ts'
import { type FieldError, KeywrightError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { attempt } from '../kit/form-fields.ts'
import { jwksField } from '../kit/public-key-fields.ts'
import { additionPage } from './addition-page.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationOf } from './application-status-pages.ts'

const fieldsOf = (t: ConsoleTranslate) => ({ jwks: jwksField(t, true) })

const newKeysPage = (
  t: ConsoleTranslate,
  application: Application,
  typed?: Form,
  fieldErrors?: readonly FieldError[],
): ConsolePage =>
  additionPage(
    t,
    application,
    {
      fields: fieldsOf(t),
      step: '/keys/new',
      title: t('Add public keys'),
      lead: t(
        'The current keys stay valid. For each key, you see when it was last used, and you can retire it on its own.',
      ),
      submit: t('Add keys'),
    },
    typed,
    fieldErrors,
  )

/** An application that authenticates by its private key. @throws KeywrightError `not_found`, `conflict` */
async function applicationWithKeys(call: ConsoleCall): Promise<Application> {
  const application = await applicationOf(call)
  if (application.client.authMethod !== 'private_key_jwt') {
    throw new KeywrightError('conflict', 'this application does not authenticate by a private key')
  }
  if (application.client.jwksUri !== null) {
    throw new KeywrightError('conflict', 'this application publishes its public keys at a URL')
  }
  return application
}

export async function askNewKeys(call: ConsoleCall): Promise<void> {
  call.show(newKeysPage(call.t, await applicationWithKeys(call)))
}

export async function addNewKeys(call: ConsoleCall): Promise<void> {
  const { management, who, form, files, show, goTo, t } = call
  const application = await applicationWithKeys(call)
  const { clientId } = application.client
  const outcome = await attempt(fieldsOf(t), { form, files }, ({ jwks }) =>
    addApplicationKeys(management, who, { clientId, jwks }),
  )
  if (outcome.fieldErrors) return show(newKeysPage(t, application, form, outcome.fieldErrors))
  goTo(applicationPath(clientId, '?notice=keys_added'))
}
