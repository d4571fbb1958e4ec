import { ACCOUNT_ROLE, type AccountRole } from '../accounts/user-attributes.ts'
import { attribute, boolean, choice, choiceValues, nullable, text, uriUpTo, words } from '../shared/attributes.ts'
import { issuerError, LONGEST_ISSUER } from '../shared/issuer-identifiers.ts'
import { nameError, textError } from '../shared/names.ts'

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/

function scopesError(scopes: readonly string[]): string | undefined {
  if (!scopes.includes('openid')) return 'the scopes must include openid'
  return scopes.length <= 20 && scopes.every((scope) => SCOPE.test(scope))
    ? undefined
    : 'at most 20 scopes, without quotes and backslashes'
}

/** The role that a value of the claim stands for. */
export interface RoleValue {
  readonly value: string
  readonly role: AccountRole
}

const ROLES = choiceValues(ACCOUNT_ROLE) as readonly AccountRole[]

/** `value=role`; undefined: it has another form. */
export function parseRoleValue(entry: string): RoleValue | undefined {
  const at = entry.lastIndexOf('=')
  const role = ROLES.find((one) => one === entry.slice(at + 1))
  return at > 0 && role ? { value: entry.slice(0, at), role } : undefined
}

function roleValuesError(entries: readonly string[]): string | undefined {
  const wrong = entries.find((entry) => entry.length > 300 || !parseRoleValue(entry))
  if (wrong !== undefined)
    return `${wrong.slice(0, 100)} is not a value and a role, such as administrators=admin; roles are ${ROLES.join(', ')}`
  return entries.length > 100 ? 'at most 100 values' : undefined
}

const claimNameError = (name: string): string | undefined =>
  /^[\x21-\x7e]{1,200}$/.test(name) ? undefined : 'the name of a claim has 1 to 200 visible ASCII characters'

/**
 * The attributes of an identity provider, each declared once. Its column, the fields of the API, the form and the detail page, the CLI
 * option, and *old → new* in the activity log derive from it.
 */
export const IDENTITY_PROVIDER_ATTRIBUTES = {
  name: attribute({
    type: text(100),
    section: 'provider',
    label: 'Name',
    hint: 'Shown on the button of the sign-in page: Continue with the name.',
    placeholder: 'Acme',
    description: 'The name on the sign-in page',
    example: 'Acme',
    option: { help: 'Name on the sign-in page' },
    validate: (name) => nameError('the name of an identity provider', name, 100),
  }),
  issuer: attribute({
    type: uriUpTo(LONGEST_ISSUER),
    isFixed: true,
    section: 'provider',
    label: 'Issuer',
    hint: 'The issuer identifier of the OpenID provider. Its settings are read from /.well-known/openid-configuration below it. It cannot be changed later.',
    placeholder: 'https://login.example.com',
    description:
      'The issuer identifier of the OpenID provider (OpenID Connect Discovery); http only for localhost. It does not change',
    example: 'https://login.example.com',
    option: { help: 'Issuer identifier of the OpenID provider; it cannot be changed later' },
    validate: issuerError,
  }),
  clientId: attribute({
    type: text(500),
    section: 'provider',
    label: 'Client ID',
    hint: 'The client ID that the provider gave to Keywright.',
    description: 'The client ID of Keywright at the provider',
    example: 'keywright',
    option: { help: 'Client ID of Keywright at the provider' },
    validate: (value) =>
      /^[\x20-\x7e]+$/.test(value) ? undefined : 'the client ID has 1 to 500 visible ASCII characters',
  }),
  clientAuth: attribute({
    type: choice<'client_secret_basic' | 'client_secret_post'>([
      { value: 'client_secret_basic', label: 'HTTP Basic authentication' },
      { value: 'client_secret_post', label: 'In the request body' },
    ]),
    initial: 'client_secret_basic',
    section: 'provider',
    label: 'Client authentication',
    description: 'How Keywright sends its client secret to the provider (OpenID Connect Core, section 9)',
    option: { help: 'How the client secret is sent: client_secret_basic or client_secret_post' },
  }),
  scopes: attribute({
    type: words,
    initial: ['openid', 'profile', 'email'],
    section: 'provider',
    label: 'Scopes',
    hint: 'Requested from the provider, separated by spaces.',
    description: 'The scopes that are requested from the provider; openid is among them',
    example: ['openid', 'profile', 'email'],
    option: { help: 'Scopes to request, space-separated; openid is among them' },
    validate: scopesError,
  }),
  signOutAtProvider: attribute({
    type: boolean,
    initial: false,
    section: 'provider',
    label: 'Sign out at the provider too',
    hint: 'Users who sign out here are also signed out at the provider, and so of everything else there. Register the post-logout redirect URI at the provider.',
    description:
      'Users who sign out here are redirected to the `end_session_endpoint` of the provider (OpenID Connect RP-Initiated Logout), if their session began there while this was set',
    option: { help: 'Sign out at the provider too', switchOffHelp: 'Sign out here only' },
  }),
  identityAssertions: attribute({
    type: boolean,
    initial: false,
    section: 'provider',
    label: 'Accept identity assertions',
    hint: 'Applications that use identity assertions obtain tokens for users of this provider without asking them. The provider decides which application acts for whom. Switching this off revokes these tokens.',
    description:
      'Applications with `identity_assertions` obtain access tokens for users of this provider by its assertions (Identity Assertion JWT Authorization Grant), without their consent. Switching it off revokes these tokens',
    option: {
      help: 'Accept identity assertions (ID-JAG) of the provider as grants for access tokens',
      switchOffHelp: 'Accept no identity assertions; revokes the tokens that they obtained',
    },
  }),
  createsUsers: attribute({
    type: boolean,
    initial: false,
    section: 'users',
    label: 'Create users at their first sign-in',
    hint: 'Only with an email address that the provider has verified.',
    description:
      'Creates a user at the first sign-in of somebody whose email address is verified and has no user; otherwise only users who exist sign in',
    option: {
      help: 'Create users at their first sign-in',
      switchOffHelp: 'Only users who exist sign in',
    },
  }),
  accountClaim: attribute({
    type: nullable(text(200), 'none'),
    initial: null,
    operatorOnly: true,
    section: 'users',
    label: 'Account claim',
    hint: 'For providers of the instance: the claim that has the ID or external ID of the account of a new user.',
    description:
      'For a provider of the instance: the claim with the ID or external ID of the account in which a new user is created; null: it creates no users',
    example: 'customer_id',
    option: {
      help: 'Claim with the ID or external ID of the account of new users (providers of the instance); off: none',
      nullWord: 'off',
    },
    validate: claimNameError,
  }),
  roleClaim: attribute({
    type: nullable(text(200), 'none'),
    initial: null,
    section: 'users',
    label: 'Role claim',
    hint: 'The claim, a text or a list, that decides the role of a new user.',
    description: 'The claim, a string or an array of strings, that decides the role of a new user; null: none',
    example: 'groups',
    option: { help: 'Claim that decides the role of new users; off: none', nullWord: 'off' },
    validate: claimNameError,
  }),
  roleValues: attribute({
    type: words,
    initial: [],
    section: 'users',
    label: 'Roles by value',
    hint: 'Values of the role claim with their roles, separated by spaces. Of several roles, the highest counts.',
    placeholder: 'administrators=admin engineers=developer',
    description: 'value=role for each value of the role claim; of several roles the highest counts',
    example: ['administrators=admin', 'engineers=developer'],
    option: { help: 'value=role for values of the role claim, space-separated' },
    validate: roleValuesError,
  }),
  newUserRole: attribute({
    ...ACCOUNT_ROLE,
    initial: 'member',
    section: 'users',
    label: 'Role of other new users',
    description: 'The role of a new user whose role claim has no listed value',
    option: { help: 'Role of new users without a listed value: admin, developer, viewer or member' },
  }),
  trustsSecondFactor: attribute({
    type: boolean,
    initial: false,
    operatorOnly: true,
    section: 'security',
    label: 'Accept the second factor of the provider',
    hint: 'Users whose sign-in at the provider used several factors, as its claims amr or acr state, are not asked for another one.',
    description:
      'A sign-in whose `amr` has `mfa`, or whose `acr` is among the trusted ones, counts as a sign-in with a second factor',
    option: {
      help: "Accept the provider's statement that a second factor was used",
      switchOffHelp: 'Ask for the second factor of Keywright where one is required',
    },
  }),
  trustedAcr: attribute({
    type: words,
    initial: [],
    operatorOnly: true,
    section: 'security',
    label: 'Trusted acr values',
    hint: 'Values of the claim acr that also mean several factors, separated by spaces.',
    description: 'Values of the claim `acr` that mean a second factor, beside `mfa` in `amr`',
    example: ['phr'],
    option: { help: 'Values of acr that mean a second factor, space-separated' },
    validate: (values) =>
      values.length > 20 || values.some((one) => one.length > 200 || textError('a value of acr', one) !== undefined)
        ? 'at most 20 values of at most 200 characters'
        : undefined,
  }),
  operators: attribute({
    type: boolean,
    initial: false,
    operatorOnly: true,
    section: 'security',
    label: 'Operators can sign in',
    hint: 'Only for providers of the instance, and for operators who have connected their identity. Anyone who controls the provider can then act as one of these operators.',
    description:
      'For a provider of the instance: lets operators sign in who connected their identity themselves, signed in with their own credentials. Only operators set it, and programs change nothing of such a provider',
    option: {
      help: 'Let operators sign in with an identity that they have connected (providers of the instance)',
      switchOffHelp: 'No operator signs in through it; ends the sessions of operators',
    },
  }),
}

export const IDENTITY_PROVIDER_STATUS = {
  status: attribute({
    type: choice<'enabled' | 'disabled'>([
      { value: 'enabled', label: 'Enabled' },
      { value: 'disabled', label: 'Disabled' },
    ]),
    initial: 'enabled',
    section: 'status',
    label: 'Status',
    description: 'disabled: nobody signs in through it, and sessions that began with it have ended',
  }),
}
