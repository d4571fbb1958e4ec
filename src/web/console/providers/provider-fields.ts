import { IDENTITY_PROVIDER_ATTRIBUTES } from '../../../identity-providers/identity-provider-attributes.ts'
import type { IdentityProvider, IdentityProviderValues } from '../../../identity-providers/identity-providers.ts'
import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { initialValues } from '../../../shared/attributes.ts'
import { attributeFields, type FieldsOf } from '../kit/attribute-fields.ts'
import type { Fields } from '../kit/form-fields.ts'
import type { Section } from '../kit/form-view.ts'
import { linesField, newSecretField } from '../kit/text-fields.ts'

interface FormOf {
  readonly t: ConsoleTranslate
  readonly isOperator: boolean
  /** Null: the provider is of the instance. */
  readonly accountId: string | null
  /** Absent: a new provider. */
  readonly current?: IdentityProvider
}

type ProviderFields = FieldsOf<typeof IDENTITY_PROVIDER_ATTRIBUTES>

/** One role value on each line, because names of groups contain spaces. */
function roleValuesField(t: ConsoleTranslate): ProviderFields['roleValues'] {
  const { label, placeholder } = IDENTITY_PROVIDER_ATTRIBUTES.roleValues
  return linesField({
    label: t.declared(label),
    hint: t('One value of the role claim and its role per line: value=role. Of several roles, the highest applies.'),
    placeholder: placeholder?.replace(' ', '\n') ?? '',
  })
}

const NAME_IN_ACCOUNT: ConsoleText =
  'Shown on the Security page and in the activity log. Users reach the provider by their email domain.'

/** Without fields that only operators set, and without those of the instance for a provider of an account. */
export function providerFields({ t, isOperator, accountId, current }: FormOf): ProviderFields {
  const { name, ...others } = IDENTITY_PROVIDER_ATTRIBUTES
  const attributes = { name: accountId === null ? name : { ...name, hint: NAME_IN_ACCOUNT }, ...others }
  const all = {
    ...attributeFields(attributes as typeof IDENTITY_PROVIDER_ATTRIBUTES, { t, isOperator, current }),
    roleValues: roleValuesField(t),
  }
  if (accountId === null) return all
  const { accountClaim: _, operators: __, ...ofAccount } = all
  return ofAccount as ProviderFields
}

export const secretFields = (t: ConsoleTranslate) => ({
  clientSecret: newSecretField({
    label: t('Client secret'),
    hint: t('The client secret that the provider gave to Keywright. It is stored encrypted and not shown again.'),
    required: true,
  }),
})

/** The fields of a new provider, with its client secret. */
export const newProviderFields = (form: FormOf) => ({ ...providerFields(form), ...secretFields(form.t) })

type Name = keyof ReturnType<typeof newProviderFields>

/** Drawn in this order, as far as the form has the fields. */
export function sectionsOf(t: ConsoleTranslate, fields: Fields, isNew: boolean): Section<Name>[] {
  const present = (...names: Name[]) => names.filter((name) => Object.hasOwn(fields, name))
  const sections: Section<Name>[] = [
    { fields: present('name', 'issuer', 'clientId', 'clientSecret') },
    {
      heading: t('New users'),
      lead: t('For people who sign in through the provider for the first time and have no user here.'),
      fields: present('createsUsers', 'accountClaim', 'roleClaim', 'roleValues', 'newUserRole'),
      collapsed: isNew,
    },
    {
      heading: t('Second factors'),
      lead: t('Otherwise Keywright asks for the second factor that it requires.'),
      fields: present('trustsSecondFactor', 'trustedAcr'),
      collapsed: isNew,
    },
    { heading: t('Operators'), fields: present('operators'), collapsed: isNew },
    {
      heading: t('Connection'),
      fields: present('clientAuth', 'scopes', 'signOutAtProvider', 'identityAssertions'),
      collapsed: isNew,
    },
  ]
  return sections.filter(({ fields: shown }) => shown.length > 0)
}

export const INITIAL = initialValues(IDENTITY_PROVIDER_ATTRIBUTES) as Partial<IdentityProviderValues>
