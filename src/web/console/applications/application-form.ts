import type { ClientSettings, Consent } from '../../../clients/client-settings.ts'
import type { Client } from '../../../clients/clients.ts'
import type { ChoosableApi } from '../../../management/application-forms.ts'
import type { ClientApiView } from '../../../management/client-parts.ts'
import type { Form } from '../../forms.ts'
import { radioField } from '../kit/choice-fields.ts'
import { type Field, type Fields, type ValuesOf, writeFields } from '../kit/form-fields.ts'
import type { Section } from '../kit/form-view.ts'
import { textField } from '../kit/text-fields.ts'
import { accessFields, accessOf } from './access-fields.ts'
import { consentField, KIND, OPERATOR_FIELDS, SETTINGS_FIELDS } from './application-fields.ts'

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

type AllFields = typeof SETTINGS_FIELDS &
  typeof KIND &
  typeof OPERATOR_FIELDS &
  typeof OWNER_FIELDS & { consent: Field<Consent> } & ReturnType<typeof accessFields>

export type ApplicationValues = ValuesOf<AllFields>

/** Those that this user is shown of this application; the others, and their values, are missing. */
export function applicationFields({ isOperator, choosableApis, present }: FormSubject): AllFields {
  const fields: Fields = {
    ...SETTINGS_FIELDS,
    consent: consentField({ skip: isOperator || present?.client.consent === 'skip' }),
    ...accessFields(choosableApis, { required: present?.apis.length !== 0 }),
    ...(isOperator && OPERATOR_FIELDS),
    ...(present ? {} : KIND),
    ...(isOperator && !present && OWNER_FIELDS),
  }
  return fields as AllFields
}

const SETTING_NAMES: ReadonlySet<string> = new Set([
  'consent',
  ...[SETTINGS_FIELDS, KIND, OPERATOR_FIELDS].flatMap((fields) => Object.keys(fields)),
])

/** What of the form is a setting; the fields are called as the settings are. */
export const settingsOf = (
  values: Partial<ApplicationValues> | ClientSettings,
): Partial<ClientSettings> & Pick<ClientSettings, 'name' | 'grants'> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => SETTING_NAMES.has(name))) as never

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

const SECTIONS: readonly Section<Name>[] = [
  { heading: 'Application', fields: ['name', 'owner', 'accountId'] },
  { heading: 'Grant types and redirects', fields: ['grants', 'isPublic', 'redirectUris', 'consent'] },
  { heading: 'Access', fields: ['apis', 'defaultApi', 'narrowing', 'scopes', 'defaultScopes'] },
  {
    heading: 'Tokens',
    fields: ['accessTokenTtl', 'refreshTokenTtl', 'refreshTokenMaxAge', 'refreshTokens', 'policy'],
  },
  {
    heading: 'OpenID Connect',
    lead: 'Settings for sign-out and ID tokens.',
    fields: ['postLogoutRedirectUris', 'backchannelLogoutUri', 'idTokenAlg'],
    collapsed: true,
  },
  {
    heading: 'Legacy compatibility',
    lead: 'Options for clients that do not follow current standards. Each option makes the application less secure.',
    fields: ['queryCredentials', 'clientCredentialsRefresh', 'apiKeyRequired', 'pkceRequired', 'refreshTokenRotation'],
    collapsed: true,
  },
  { heading: 'Visible to operators only', fields: ['rateLimit', 'accessType'] },
]

/** The parts of the form, each with those of its fields that there are. */
export const sectionsOf = (fields: Fields): Section<Name>[] =>
  SECTIONS.map((section) => ({
    ...section,
    fields: section.fields.filter((name) => Object.hasOwn(fields, name)),
  })).filter((section) => section.fields.length > 0)
