import { BRANDING_ATTRIBUTES } from '../../../clients/branding-attributes.ts'
import type { Client } from '../../../clients/clients.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { updateApplication } from '../../../management/application-operations.ts'
import { type FieldError, invalidInput } from '../../../shared/errors.ts'
import type { Image } from '../../../shared/images.ts'
import { logoPath } from '../../application-logos.ts'
import type { Form } from '../../forms.ts'
import { attributeFields } from '../kit/attribute-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { attempt, type Field } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { currentLogoField } from '../kit/logo-fields.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationOf } from './application-status-pages.ts'

/** `removeLogo` is absent while the application has no logo. */
interface LogoFields {
  readonly removeLogo: Field<boolean>
  readonly logo: Field<Image | null>
}

function fieldsFor(t: ConsoleTranslate, { clientId, logo }: Client): LogoFields {
  const { logo: field } = attributeFields({ logo: BRANDING_ATTRIBUTES.logo }, { isOperator: false, t })
  const removeLogo = logo && currentLogoField(t, logoPath(clientId, logo), t('Pages then show only the name.'))
  const fields = { ...(removeLogo && { removeLogo }), logo: removeLogo ? { ...field, label: t('New logo') } : field }
  return fields as unknown as LogoFields
}

function logoPage(
  t: ConsoleTranslate,
  client: Client,
  typed: Form = new Map(),
  fieldErrors: readonly FieldError[] = [],
): ConsolePage {
  const form = formView({
    fields: { ...fieldsFor(t, client) },
    typed,
    fieldErrors,
    action: applicationPath(client.clientId, '/logo'),
    submit: t('Save'),
    cancel: applicationPath(client.clientId),
  })
  return {
    view: 'console/edit',
    title: t('Logo of {name}', { name: client.name }),
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: applicationBreadcrumbs(t, client),
    data: { form },
  }
}

export async function askLogo(call: ConsoleCall): Promise<void> {
  const { client } = await applicationOf(call)
  call.show(logoPage(call.t, client))
}

/** A page of its own: a form with other settings may have to be confirmed, and a browser does not send its file again. */
export async function changeLogo(call: ConsoleCall): Promise<void> {
  const { management, who, form, files, show, goTo, t } = call
  const { client } = await applicationOf(call)
  const { clientId } = client
  const outcome = await attempt({ ...fieldsFor(t, client) }, { form, files }, async ({ logo, removeLogo }) => {
    if (!logo && !removeLogo) throw invalidInput('choose an image', 'logo')
    return await updateApplication(management, who, { clientId, settings: { logo } })
  })
  if (outcome.fieldErrors) return show(logoPage(t, client, form, outcome.fieldErrors))
  goTo(applicationPath(clientId, '?notice=saved'))
}
