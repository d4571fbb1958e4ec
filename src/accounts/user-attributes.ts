import { LANGUAGES, type LanguageCode } from '../languages/languages.ts'
import { type AttributeChoice, attribute, boolean, choice, email, id, nullable, text } from '../shared/attributes.ts'
import { emailError } from '../shared/email-addresses.ts'
import { externalAttributes } from '../shared/external-attributes.ts'
import { nameError } from '../shared/names.ts'
import { statusAttribute } from './account-attributes.ts'

/** The role of an operator, who belongs to no account, or of a user in an account. */
export type Role = 'operator' | AccountRole

export type AccountRole = 'admin' | 'developer' | 'viewer' | 'member'

const ACCOUNT_ROLES: readonly AttributeChoice<AccountRole>[] = [
  {
    value: 'member',
    label: 'Member',
    hint: 'Signs in to applications and manages their own connected applications.',
  },
  {
    value: 'viewer',
    label: 'Viewer',
    hint: 'Also sees the applications, key pairs, usage and activity of the account, and changes nothing.',
  },
  {
    value: 'developer',
    label: 'Developer',
    hint: 'Also has key pairs, and manages the applications of the account.',
  },
  {
    value: 'admin',
    label: 'Admin',
    hint: 'Also manages the users and webhooks of the account.',
  },
]

const ROLES: readonly AttributeChoice<Role>[] = [
  ...ACCOUNT_ROLES,
  {
    value: 'operator',
    label: 'Operator',
    hint: 'Manages all accounts, APIs and settings of this instance. Has no account.',
    operatorOnly: true,
  },
]

const ROLE = {
  section: 'membership',
  label: 'Role',
  description:
    'A member signs in to applications, a viewer also sees what the account has, a developer also has key pairs and manages applications, an admin manages the account, and an operator the instance',
  option: {
    help: 'Role in the account: admin, developer, viewer or member; viewers and members have no key pairs, so those of a former developer or admin are revoked',
  },
}

/**
 * The attributes that describe a user, each declared once. The column, the fields of the API, the forms and the detail page, the
 * CLI option, and *old → new* in the activity log derive from the declaration. To add one: a migration with its column, its
 * declaration here, and the code that acts on it.
 */
export const PROFILE_ATTRIBUTES = {
  email: attribute({
    type: email,
    section: 'profile',
    label: 'Email address',
    hint: 'Used to sign in.',
    description: 'The address that the user signs in with',
    example: 'ada@example.com',
    option: { help: 'Email address that the user signs in with' },
    validate: emailError,
  }),
  emailVerified: attribute({
    type: boolean,
    initial: false,
    section: 'profile',
    label: 'Email verified',
    hint: 'Select this if you know that the address belongs to the user. Applications receive it as email_verified.',
    description:
      'Asserts that the address belongs to the user; applications receive it as the claim `email_verified`. A change of the address makes it false',
    option: {
      help: 'Mark the address as verified, for the claim email_verified',
      switchOffHelp: 'Mark the address as not verified',
    },
  }),
  name: attribute({
    type: nullable(text(200), 'not set'),
    initial: null,
    section: 'profile',
    label: 'Name',
    hint: 'Optional. Pages show the email address of a user without a name.',
    description: 'The full name of the user; null: unknown',
    example: 'Ada Lovelace',
    option: { help: "Display name; '' removes it" },
    validate: (name) => nameError('the name of a user', name, 200),
  }),
  language: attribute({
    type: nullable(
      choice<LanguageCode>(
        LANGUAGES.map(({ code, name }) => ({ value: code, label: name })),
        'select',
      ),
      'No preference',
    ),
    initial: null,
    section: 'profile',
    label: 'Language',
    hint: 'Used for pages and e-mails. Users can select it below their pages. Applications receive it as locale.',
    description:
      'The language of the pages and e-mails for the user (BCP 47), which the user can select too; applications receive it as the claim `locale`; null: no preference',
    example: 'de',
    option: {
      help: 'Language of pages and e-mails; off: no preference, so that pages follow the browser',
      nullWord: 'off',
    },
  }),
  ...externalAttributes({ what: 'user', section: 'profile' }),
}

/** What a user may do, and where. An operation of its own changes the role. */
export const MEMBERSHIP_ATTRIBUTES = {
  role: attribute({ ...ROLE, type: choice(ROLES) }),
  accountId: attribute({
    type: nullable(id, 'no account'),
    initial: null,
    isFixed: true,
    section: 'membership',
    label: 'Account',
    hint: 'Enter the ID or the exact name. Leave empty for an operator.',
    description: 'The account of the user; null: an operator, who belongs to no account',
    option: { flag: 'account', help: 'Account that the user belongs to' },
  }),
}

/** The role of a user in an account, which can be changed to another one. */
export const ACCOUNT_ROLE = attribute({ ...ROLE, type: choice(ACCOUNT_ROLES) })

export const USER_STATUS = statusAttribute(
  'disabled: the user cannot sign in, and all their tokens are revoked; deleting: disabled, and being deleted',
)

/** Every attribute of a user. */
export const USER_ATTRIBUTES = { ...PROFILE_ATTRIBUTES, ...MEMBERSHIP_ATTRIBUTES, status: USER_STATUS }
