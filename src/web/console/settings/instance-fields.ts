import { INSTANCE_ATTRIBUTES } from '../../../clients/instance-attributes.ts'
import type { InstanceChanges, InstanceSettings } from '../../../clients/instance-settings.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { findAccount } from '../../../management/account-operations.ts'
import { accentsOf } from '../../../shared/accent-colours.ts'
import { attributesWhere, namesOf } from '../../../shared/attributes.ts'
import { invalidInput } from '../../../shared/errors.ts'
import { fieldErrorsOf } from '../../../shared/field-error-collector.ts'
import type { Form } from '../../forms.ts'
import { attributeFields, type FieldsOf } from '../kit/attribute-fields.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { nullable } from '../kit/field-changes.ts'
import { type Field, type ValuesOf, writeFields } from '../kit/form-fields.ts'
import type { Section } from '../kit/form-view.ts'
import { currentLogoField } from '../kit/logo-fields.ts'
import { textField } from '../kit/text-fields.ts'

const HEX = /^#[0-9a-f]{6}$/i

const PAPERS = { light: ['#ffffff', '#1c2128'], dark: ['#181c22', '#e7eaef'] } as const

/** With a preview of a button and a link in the light and the dark theme. */
function withPreview(field: Field<string>): Field<string> {
  const preview = (hex: string) => {
    const accents = accentsOf(hex)
    return (['light', 'dark'] as const).map((scheme) => {
      const [paper, text] = PAPERS[scheme]
      return { scheme, paper, text, accent: accents[scheme] }
    })
  }
  const controls = (name: string, form: Form) => {
    const value = form.get(name) ?? ''
    return { value, preview: HEX.test(value) ? preview(value) : [] }
  }
  return { ...field, kind: 'accent', controls }
}

/** `removeLogo` is absent while the instance has no logo. */
type InstanceFields = FieldsOf<typeof INSTANCE_ATTRIBUTES> & { readonly removeLogo: Field<boolean> }

function logoFields(
  t: ConsoleTranslate,
  settings: InstanceSettings,
  logo: InstanceFields['logo'],
): Partial<InstanceFields> {
  if (!settings.logo) return { logo }
  const src = `/assets/${settings.logo.etag.slice(0, 16)}/logo`
  return {
    removeLogo: currentLogoField(t, src, t('Pages then show only the name.')),
    logo: { ...logo, label: t('New logo') },
  }
}

/** An account by its ID or name, as in other forms; `withAccount` finds it. */
const accountField = (t: ConsoleTranslate): InstanceFields['openRegistrationAccount'] =>
  nullable(
    textField({
      label: t.declared(INSTANCE_ATTRIBUTES.openRegistrationAccount.label),
      hint: t(
        'Holds the applications that were registered without a token. Enter the ID or the exact name of an account without users.',
      ),
      maxLength: 200,
    }),
  )

/** The changes, with the ID of the account that the form names. @throws KeywrightError `invalid_input` at its field */
export async function withAccount(
  { management, who }: ConsoleCall,
  changes: InstanceChanges,
): Promise<InstanceChanges> {
  const named = changes.openRegistrationAccount
  if (!named) return changes
  try {
    return { ...changes, openRegistrationAccount: (await findAccount(management, who, { named })).id }
  } catch (error) {
    throw invalidInput(fieldErrorsOf(error)[0]!.message, 'openRegistrationAccount')
  }
}

type Name = keyof InstanceFields

const inSection = (section: string): Name[] =>
  namesOf(attributesWhere(INSTANCE_ATTRIBUTES, (one) => one.section === section)) as Name[]

const sectionsOf = (t: ConsoleTranslate, { logo }: InstanceSettings): readonly Section<Name>[] => [
  {
    heading: t('Branding'),
    fields: inSection('branding').flatMap((name): Name[] => (name === 'logo' && logo ? ['removeLogo', name] : [name])),
  },
  { heading: t('Sign-in'), fields: inSection('signIn') },
  {
    heading: t('Sign-in at your product'),
    lead: t('For a product with users of its own and without OpenID Connect.'),
    fields: inSection('signInUrl'),
  },
  { heading: t('Language'), fields: inSection('language') },
  { heading: t('Redirect URIs'), fields: inSection('redirectUris') },
  { heading: t('Dynamic client registration'), fields: inSection('dynamicRegistration') },
  { heading: t('Console sessions'), fields: inSection('consoleSessions') },
  {
    heading: t('Defaults for new applications'),
    lead: t('You can change each value per application. Existing applications do not change.'),
    fields: inSection('defaults'),
  },
]

export function fieldsFor(t: ConsoleTranslate, settings: InstanceSettings) {
  const fields = attributeFields(INSTANCE_ATTRIBUTES, { t, isOperator: true, current: settings })
  const all = {
    ...fields,
    accent: withPreview(fields.accent),
    openRegistrationAccount: accountField(t),
    ...logoFields(t, settings, fields.logo),
  }
  return { fields: all as InstanceFields, sections: sectionsOf(t, settings) }
}

export const formOfInstance = (t: ConsoleTranslate, settings: InstanceSettings): Form =>
  writeFields(attributeFields(INSTANCE_ATTRIBUTES, { t, isOperator: true }), settings)

/** A new logo replaces the current one, also if that is removed. */
export function changesOf({ logo, removeLogo, ...others }: Partial<ValuesOf<InstanceFields>>): InstanceChanges {
  if (logo) return { ...others, logo }
  return removeLogo ? { ...others, logo: null } : others
}
