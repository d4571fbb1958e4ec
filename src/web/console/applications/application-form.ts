import type { ApplicationType } from '../../../clients/application-types.ts'
import { CLIENT_ATTRIBUTES } from '../../../clients/client-attributes.ts'
import type { ClientSettings } from '../../../clients/client-settings.ts'
import type { Client } from '../../../clients/clients.ts'
import { actsFor } from '../../../clients/grant-types.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { ChoosableApi } from '../../../management/application-forms.ts'
import type { ClientApiView } from '../../../management/client-parts.ts'
import { attributesWhere, namesOf } from '../../../shared/attributes.ts'
import type { Form } from '../../forms.ts'
import { attributeFields, type FieldsOf } from '../kit/attribute-fields.ts'
import { radioField } from '../kit/choice-fields.ts'
import { type Fields, type ValuesOf, writeFields } from '../kit/form-fields.ts'
import type { Section } from '../kit/form-view.ts'
import { onlyWith } from '../kit/public-key-fields.ts'
import { secretExpiryField } from '../kit/secret-choices.ts'
import { textField } from '../kit/text-fields.ts'
import { accessFields, accessOf } from './access-fields.ts'
import { CREDENTIAL_FIELD_NAMES, credentialFields, NO_CREDENTIALS } from './credentials-of-method.ts'

/** Whose a new application is; who is in an account adds to their own. */
const ownerFields = (t: ConsoleTranslate) => ({
  owner: radioField({
    label: t('Owner'),
    required: true,
    choices: [
      { value: 'account', label: t('An account') },
      {
        value: 'instance',
        label: t('This instance'),
        hint: t('Not visible to any account. With client credentials it has the permissions of an operator.'),
      },
    ],
  }),
  accountId: textField({ label: t('Account'), hint: t('Enter the ID or the exact name.'), maxLength: 200 }),
})

/** When the client secret of a new application expires. */
const expiryFields = (t: ConsoleTranslate) => ({ secretExpiresAt: secretExpiryField(t) })

/** Who fills in the form, and about what. */
export interface FormSubject {
  readonly isOperator: boolean
  readonly choosableApis: readonly ChoosableApi[]
  /** The type of a new application; absent: the form asks for every setting. */
  readonly type?: ApplicationType | undefined
  /** Absent: a new one. */
  readonly present?: { readonly client: Client; readonly apis: readonly ClientApiView[] }
}

/** The logo has a page of its own (`application-logo-page.ts`). */
type AllFields = Omit<FieldsOf<typeof CLIENT_ATTRIBUTES>, 'logo'> &
  ReturnType<typeof ownerFields> &
  ReturnType<typeof expiryFields> &
  ReturnType<typeof credentialFields> &
  ReturnType<typeof accessFields>

export type ApplicationValues = ValuesOf<AllFields>

/** The attributes, with the texts of the type; a type that needs redirect URIs requires them. */
function attributesFor(type: ApplicationType | undefined): typeof CLIENT_ATTRIBUTES {
  if (!type) return CLIENT_ATTRIBUTES
  if (!type.redirectUris) {
    const { hint: _, ...name } = CLIENT_ATTRIBUTES.name
    return actsFor('user', type.settings.grants) ? CLIENT_ATTRIBUTES : { ...CLIENT_ATTRIBUTES, name }
  }
  const { initial: _, ...redirectUris } = CLIENT_ATTRIBUTES.redirectUris
  return { ...CLIENT_ATTRIBUTES, redirectUris: { ...redirectUris, ...type.redirectUris } }
}

/** Those that this user is shown of this application; the others, and their values, are missing. */
export function applicationFields(
  t: ConsoleTranslate,
  { isOperator, choosableApis, present, type }: FormSubject,
): AllFields {
  const { logo: _, jwksUri, ...attributes } = attributesFor(type)
  const user = { isOperator, t, current: present?.client }
  const fields: Fields = {
    ...(attributeFields(attributes, user) as Fields),
    ...(!present && onlyWith('private_key_jwt', attributeFields({ jwksUri }, user) as Fields)),
    ...accessFields(t, choosableApis, { required: present?.apis.length !== 0 }),
    ...(isOperator && !present && ownerFields(t)),
    ...(!present && !type?.settings.isPublic && { ...expiryFields(t), ...credentialFields(t) }),
  }
  return fields as AllFields
}

/** What of the form is a setting; the fields are called as the settings are. */
export const settingsOf = (
  values: Partial<ApplicationValues> | ClientSettings,
): Partial<ClientSettings> & Pick<ClientSettings, 'name' | 'grants'> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(CLIENT_ATTRIBUTES, name))) as never

/** An application as its form would send it. */
export function presentForm(t: ConsoleTranslate, subject: FormSubject): Form {
  const { client, apis } = subject.present!
  return writeFields(applicationFields(t, subject), { ...settingsOf(client), ...accessOf(apis) })
}

/** What a new one's form holds before anybody typed. @param account whose it shall be, where that is known already */
export function initialForm(
  t: ConsoleTranslate,
  subject: FormSubject,
  initial: Omit<ClientSettings, 'name' | 'grants'>,
  account: string,
): Form {
  const apis = subject.choosableApis.filter(({ isDefault }) => isDefault).map(({ identifier }) => identifier)
  const access = { apis, defaultApi: '', narrowing: 'all', scopes: [] } as const
  const values = {
    ...initial,
    ...subject.type?.settings,
    ...access,
    owner: 'account',
    accountId: account,
    secretExpiresAt: '',
    ...NO_CREDENTIALS,
  } as const
  return writeFields(applicationFields(t, subject), values)
}

type Name = keyof AllFields

const inSection = (section: string): Name[] =>
  namesOf(attributesWhere(CLIENT_ATTRIBUTES, (one) => one.section === section)) as Name[]

/** The method of client authentication, with the credentials of a new application next to it. */
const signInFields = (): Name[] =>
  inSection('signIn').flatMap((name) => (name === 'authMethod' ? [name, ...CREDENTIAL_FIELD_NAMES] : [name]))

const allSections = (t: ConsoleTranslate): readonly Section<Name>[] => [
  { heading: t('Application'), fields: [...inSection('application'), 'owner', 'accountId', 'secretExpiresAt'] },
  { heading: t('Grant types and redirects'), fields: signInFields() },
  {
    heading: t('Branding'),
    lead: t('Shown to users on the allow/deny screen.'),
    fields: inSection('branding'),
    collapsed: true,
  },
  { heading: t('Access'), fields: ['apis', 'defaultApi', 'narrowing', 'scopes', ...inSection('access')] },
  { heading: t('Tokens'), fields: inSection('tokens') },
  {
    heading: t('Required proofs'),
    lead: t('Select what the application supports: requests without a required proof are refused.'),
    fields: inSection('proofs'),
  },
  {
    heading: t('Token exchange'),
    lead: t('For the grant type token exchange. Without client IDs, it exchanges no tokens of users.'),
    fields: inSection('exchange'),
    collapsed: true,
  },
  {
    heading: 'OpenID Connect',
    lead: t('Settings for sign-out and ID tokens.'),
    fields: inSection('openidConnect'),
    collapsed: true,
  },
  {
    heading: t('Legacy compatibility'),
    lead: t('Options for clients that do not follow current standards. Each option makes the application less secure.'),
    fields: inSection('legacy'),
    collapsed: true,
  },
  { heading: t('Visible to operators only'), fields: inSection('operator') },
]

/** The sections with those of their fields that match; a section without any is left out. */
const sectionsWith = (t: ConsoleTranslate, isShown: (name: Name) => boolean): Section<Name>[] =>
  allSections(t)
    .map((section) => ({ ...section, fields: section.fields.filter(isShown) }))
    .filter(({ fields }) => fields.length > 0)

/** The parts of the form, each with those of its fields that there are. */
export const sectionsOf = (t: ConsoleTranslate, fields: Fields): Section<Name>[] =>
  sectionsWith(t, (name) => Object.hasOwn(fields, name))

/** What the form for a type asks first. */
const askedFirst = ({ redirectUris }: ApplicationType): readonly Name[] => [
  'name',
  'description',
  'owner',
  'accountId',
  ...(redirectUris ? (['redirectUris'] as const) : []),
  'apis',
  'narrowing',
  'scopes',
]

/** A few fields, and the others under *Advanced*, with the values that the type gives them. */
export function sectionsOfType(t: ConsoleTranslate, fields: Fields, type: ApplicationType): Section<Name>[] {
  const first = askedFirst(type).filter((name) => Object.hasOwn(fields, name))
  return [
    { fields: first },
    {
      heading: t('Advanced'),
      lead: t(
        'These settings have the right values for most applications of this type. You can change them later, except the client type.',
      ),
      fields: [],
      sections: sectionsWith(t, (name) => Object.hasOwn(fields, name) && !first.includes(name)),
      collapsed: true,
    },
  ]
}
