import { CLIENT_ATTRIBUTES } from '../../../clients/client-attributes.ts'
import type { ClientSettings } from '../../../clients/client-settings.ts'
import type { Client } from '../../../clients/clients.ts'
import type { ChoosableApi } from '../../../management/application-forms.ts'
import type { ClientApiView } from '../../../management/client-parts.ts'
import { attributesWhere, namesOf } from '../../../shared/attributes.ts'
import type { Form } from '../../forms.ts'
import { attributeFields, type FieldsOf } from '../kit/attribute-fields.ts'
import { radioField } from '../kit/choice-fields.ts'
import { type Fields, type ValuesOf, writeFields } from '../kit/form-fields.ts'
import type { Section } from '../kit/form-view.ts'
import { textField } from '../kit/text-fields.ts'
import { accessFields, accessOf } from './access-fields.ts'

/** Whose a new application is; who is in an account adds to their own. */
const OWNER_FIELDS = {
  owner: radioField({
    label: 'Owner',
    required: true,
    choices: [
      { value: 'account', label: 'An account' },
      {
        value: 'instance',
        label: 'This instance',
        hint: 'Not visible to any account. With client credentials it has the permissions of an operator.',
      },
    ],
  }),
  accountId: textField({ label: 'Account', hint: 'Enter the ID or the exact name.', maxLength: 200 }),
}

/** Who fills in the form, and about what. */
export interface FormSubject {
  readonly isOperator: boolean
  readonly choosableApis: readonly ChoosableApi[]
  /** Absent: a new one. */
  readonly present?: { readonly client: Client; readonly apis: readonly ClientApiView[] }
}

type AllFields = FieldsOf<typeof CLIENT_ATTRIBUTES> & typeof OWNER_FIELDS & ReturnType<typeof accessFields>

export type ApplicationValues = ValuesOf<AllFields>

/** Those that this user is shown of this application; the others, and their values, are missing. */
export function applicationFields({ isOperator, choosableApis, present }: FormSubject): AllFields {
  const fields: Fields = {
    ...(attributeFields(CLIENT_ATTRIBUTES, { isOperator, current: present?.client }) as Fields),
    ...accessFields(choosableApis, { required: present?.apis.length !== 0 }),
    ...(isOperator && !present && OWNER_FIELDS),
  }
  return fields as AllFields
}

/** What of the form is a setting; the fields are called as the settings are. */
export const settingsOf = (
  values: Partial<ApplicationValues> | ClientSettings,
): Partial<ClientSettings> & Pick<ClientSettings, 'name' | 'grants'> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(CLIENT_ATTRIBUTES, name))) as never

/** An application as its form would send it. */
export function presentForm(subject: FormSubject): Form {
  const { client, apis } = subject.present!
  return writeFields(applicationFields(subject), { ...settingsOf(client), ...accessOf(apis) })
}

/** What a new one's form holds before anybody typed. @param account whose it shall be, where that is known already */
export function initialForm(
  subject: FormSubject,
  initial: Omit<ClientSettings, 'name' | 'grants'>,
  account: string,
): Form {
  const apis = subject.choosableApis.filter(({ isDefault }) => isDefault).map(({ identifier }) => identifier)
  const access = { apis, defaultApi: '', narrowing: 'all', scopes: [] } as const
  return writeFields(applicationFields(subject), { ...initial, ...access, owner: 'account', accountId: account })
}

type Name = keyof AllFields

const inSection = (section: string): Name[] =>
  namesOf(attributesWhere(CLIENT_ATTRIBUTES, (one) => one.section === section)) as Name[]

const SECTIONS: readonly Section<Name>[] = [
  { heading: 'Application', fields: [...inSection('application'), 'owner', 'accountId'] },
  { heading: 'Grant types and redirects', fields: inSection('signIn') },
  { heading: 'Access', fields: ['apis', 'defaultApi', 'narrowing', 'scopes', ...inSection('access')] },
  { heading: 'Tokens', fields: inSection('tokens') },
  {
    heading: 'OpenID Connect',
    lead: 'Settings for sign-out and ID tokens.',
    fields: inSection('openidConnect'),
    collapsed: true,
  },
  {
    heading: 'Legacy compatibility',
    lead: 'Options for clients that do not follow current standards. Each option makes the application less secure.',
    fields: inSection('legacy'),
    collapsed: true,
  },
  { heading: 'Visible to operators only', fields: inSection('operator') },
]

/** The parts of the form, each with those of its fields that there are. */
export const sectionsOf = (fields: Fields): Section<Name>[] =>
  SECTIONS.map((section) => ({
    ...section,
    fields: section.fields.filter((name) => Object.hasOwn(fields, name)),
  })).filter((section) => section.fields.length > 0)
