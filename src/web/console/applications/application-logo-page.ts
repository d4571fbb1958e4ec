import { BRANDING_ATTRIBUTES } from '../../../clients/branding-attributes.ts'
import type { Client } from '../../../clients/clients.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
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

function fieldsFor({ clientId, logo }: Client): LogoFields {
  const { logo: field } = attributeFields(
    { logo: BRANDING_ATTRIBUTES.logo },
    { t: toConsoleEnglish(), isOperator: false },
  )
  const removeLogo =
    logo && currentLogoField(toConsoleEnglish(), logoPath(clientId, logo), 'Pages then show only the name.')
  const fields = { ...(removeLogo && { removeLogo }), logo: removeLogo ? { ...field, label: 'New logo' } : field }
  return fields as unknown as LogoFields
}

function logoPage(client: Client, typed: Form = new Map(), fieldErrors: readonly FieldError[] = []): ConsolePage {
  const form = formView({
    fields: { ...fieldsFor(client) },
    typed,
    fieldErrors,
    action: applicationPath(client.clientId, '/logo'),
    submit: 'Save',
    cancel: applicationPath(client.clientId),
  })
  return {
    view: 'console/edit',
    title: `Logo of ${client.name}`,
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: applicationBreadcrumbs(client),
    data: { form },
  }
}

export async function askLogo(call: ConsoleCall): Promise<void> {
  const { client } = await applicationOf(call)
  call.show(logoPage(client))
}

/** A page of its own: a form with other settings may have to be confirmed, and a browser does not send its file again. */
export async function changeLogo(call: ConsoleCall): Promise<void> {
  const { management, who, form, files, show, goTo } = call
  const { client } = await applicationOf(call)
  const { clientId } = client
  const outcome = await attempt({ ...fieldsFor(client) }, { form, files }, async ({ logo, removeLogo }) => {
    if (!logo && !removeLogo) throw invalidInput('choose an image', 'logo')
    return await updateApplication(management, who, { clientId, settings: { logo } })
  })
  if (outcome.fieldErrors) return show(logoPage(client, form, outcome.fieldErrors))
  goTo(applicationPath(clientId, '?notice=saved'))
}
