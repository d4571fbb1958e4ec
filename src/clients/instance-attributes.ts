import { SECOND_FACTOR_IN_INSTANCE } from '../accounts/second-factor-requirement.ts'
import { SESSION_LIFETIME_ATTRIBUTES } from '../accounts/session-lifetime-attributes.ts'
import { ENGLISH, LANGUAGES, type LanguageCode } from '../languages/languages.ts'
import {
  type Attribute,
  type Attributes,
  attribute,
  choice,
  colour,
  either,
  entriesOf,
  image,
  namesOf,
  nullable,
  text,
  type ValuesOf,
  words,
} from '../shared/attributes.ts'
import type { Font } from '../shared/fonts.ts'
import { imageError } from '../shared/images.ts'
import { nameError, textError } from '../shared/names.ts'
import { redirectSchemesError } from '../shared/redirect-schemes.ts'
import { originsError } from '../shared/web-origins.ts'
import { CLIENT_ATTRIBUTES } from './client-attributes.ts'
import { REGISTRATION_SETTINGS } from './registration-attributes.ts'
import { SIGN_IN_URL_ATTRIBUTES } from './sign-in-url-attributes.ts'

// The settings of the instance, each declared once. They are here, and not in `accounts/`, because the defaults of new applications
// derive from the attributes of an application.

const paragraphError = (what: string, line: string): string | undefined =>
  /[\r\n\t]/.test(line) ? `${what} has no line breaks` : textError(what, line)

/** What users see of the instance, and which redirect URIs it allows. */
export const GENERAL_ATTRIBUTES = {
  name: attribute({
    type: text(60),
    section: 'branding',
    label: 'Name',
    hint: 'Shown on every page.',
    description: 'The name that users see on every page',
    example: 'Example keys',
    option: { help: 'Name on the sign-in page, 1 to 60 characters; initially Keywright' },
    validate: (name) => nameError("an instance's name", name, 60),
  }),
  accent: attribute({
    type: colour,
    initial: '#1f5fbf',
    section: 'branding',
    label: 'Accent colour',
    hint: 'Used for buttons, links and selected items. A colour with low contrast is adjusted.',
    description: 'The colour of buttons, links and selected items',
    example: '#1f5fbf',
    option: { help: 'Colour of buttons and links; initially #1f5fbf' },
  }),
  font: attribute({
    type: choice<Font>(
      [
        { value: 'system', label: 'System' },
        { value: 'humanist', label: 'Humanist' },
        { value: 'geometric', label: 'Geometric' },
        { value: 'grotesque', label: 'Grotesque' },
        { value: 'rounded', label: 'Rounded' },
        { value: 'serif', label: 'Serif' },
      ],
      'select',
    ),
    initial: 'system',
    section: 'branding',
    label: 'Font',
    hint: 'A style of fonts that operating systems have. Pages load no font.',
    description: 'The style of the font of all pages',
    example: 'humanist',
    option: { help: 'Style of the font of all pages; initially system' },
  }),
  logo: attribute({
    type: nullable(image, 'not set'),
    initial: null,
    section: 'branding',
    label: 'Logo',
    hint: 'PNG, JPEG, WebP or SVG, at most 256 KiB. A wide image with a transparent background works best.',
    description: 'Shown beside the name; null: no logo',
    option: { help: 'PNG, JPEG, WebP or SVG file of at most 256 KiB; off: no logo', nullWord: 'off' },
    validate: (logo) => imageError('a logo', logo),
  }),
  signInText: attribute({
    type: nullable(text(300), 'not set'),
    initial: null,
    section: 'branding',
    label: 'Text on the sign-in page',
    hint: 'One paragraph of plain text, such as whom to contact for help.',
    placeholder: 'Need help? Write to support@example.com.',
    description: 'A paragraph of plain text on the sign-in page; null: none',
    example: 'Need help? Write to support@example.com.',
    option: { help: 'Text on the sign-in page, at most 300 characters; off: none', nullWord: 'off' },
    validate: (line) => paragraphError('the text on the sign-in page', line),
  }),
  secondFactorRequired: SECOND_FACTOR_IN_INSTANCE,
  ...SESSION_LIFETIME_ATTRIBUTES,
  ...SIGN_IN_URL_ATTRIBUTES,
  defaultLanguage: attribute({
    type: choice<LanguageCode>(
      LANGUAGES.map(({ code, name }) => ({ value: code, label: name })),
      'select',
    ),
    initial: ENGLISH.code,
    section: 'language',
    label: 'Default language',
    hint: 'Of emails to users who have not selected a language, such as invited users. Pages follow the browser.',
    description: 'The language of e-mails to users without a language (BCP 47)',
    example: 'de',
    option: { help: 'Language of e-mails to users who have none; initially en' },
  }),
  redirectSchemes: attribute({
    type: words,
    initial: [],
    section: 'redirectUris',
    label: 'Custom URI schemes without a dot',
    hint: 'For desktop applications that cannot use a scheme such as com.example.app. Removing a scheme does not affect registered applications.',
    placeholder: 'cursor vscode',
    description: 'URI schemes without a dot that redirect URIs may have',
    example: ['cursor', 'vscode'],
    option: {
      help: 'Schemes without a dot that redirect URIs may use, such as "cursor vscode"; off: none',
      nullWord: 'off',
    },
    validate: redirectSchemesError,
  }),
  ...REGISTRATION_SETTINGS,
  productOrigins: attribute({
    type: words,
    initial: [],
    section: 'consoleSessions',
    label: 'Origins of your product',
    hint: 'Your own pages, which console sessions may return to. Without an origin, no console session can be created.',
    placeholder: 'https://app.example.com',
    description: 'Web origins that console sessions may return to',
    example: ['https://app.example.com'],
    option: {
      help: 'Origins of your own pages that console sessions may return to, such as "https://app.example.com"; off: none',
      nullWord: 'off',
    },
    validate: originsError,
  }),
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

/** The attribute of an application as a setting of the instance, which only operators read. */
function ofNewApplications<Value>(one: Attribute<Value>): Attribute<Value> {
  const { type, hint, option, operatorOnly } = one
  return {
    ...one,
    // An operator selects the other choices for single applications.
    type: type.kind === 'choice' ? { ...type, choices: type.choices.filter((each) => !each.operatorOnly) } : type,
    section: 'defaults',
    hint: operatorOnly ? `${hint} Visible to operators only.` : hint,
    option: option && { ...option, help: `New applications: ${lowerFirst(option.help)}` },
    operatorOnly: false,
    isFixed: false,
  }
}

/** The initial values of new applications that an operator can change, by their names in an application. */
export const APPLICATION_DEFAULTS = {
  accessTokenTtl: ofNewApplications(CLIENT_ATTRIBUTES.accessTokenTtl),
  refreshTokenTtl: ofNewApplications(CLIENT_ATTRIBUTES.refreshTokenTtl),
  consent: ofNewApplications({
    ...CLIENT_ATTRIBUTES.consent,
    description: 'Which users see the allow/deny page',
    option: { help: 'Consent page; skip_own_account: not shown to users of their account' },
  }),
  rateLimit: ofNewApplications(CLIENT_ATTRIBUTES.rateLimit),
}

export type ApplicationDefaults = ValuesOf<typeof APPLICATION_DEFAULTS>

type InstanceName<Name extends string> = `default${Capitalize<Name>}`

/** The name of a default among the settings of the instance: `defaultAccessTokenTtl`. */
export const instanceNameOf = <Name extends string>(name: Name): InstanceName<Name> =>
  `default${name.charAt(0).toUpperCase()}${name.slice(1)}` as InstanceName<Name>

type OfInstance<All extends Attributes> = {
  readonly [Name in Extract<keyof All, string> as InstanceName<Name>]: All[Name]
}

function withInstanceName([name, { option, ...one }]: [string, Attribute]): [string, Attribute] {
  const flag = option?.flag && `default-${option.flag}`
  const jsonName = option?.jsonName && `default_${option.jsonName}`
  return [instanceNameOf(name), { ...one, option: option && { ...option, flag, jsonName } }]
}

/** The same defaults by their names among the settings of the instance. */
export const DEFAULT_ATTRIBUTES = Object.fromEntries(
  entriesOf(APPLICATION_DEFAULTS).map(withInstanceName),
) as unknown as OfInstance<typeof APPLICATION_DEFAULTS>

/** The settings that an update changes. Each is a column of `instance_settings`. */
export const INSTANCE_ATTRIBUTES = { ...GENERAL_ATTRIBUTES, ...DEFAULT_ATTRIBUTES }

/** Its own operation changes this setting, because that revokes all tokens. */
export const AVAILABILITY_ATTRIBUTES = {
  apiEnabled: attribute({
    type: either({ value: 'on', label: 'Enabled' }, { value: 'off', label: 'Disabled' }),
    initial: true,
    section: 'availability',
    label: 'API access',
    description: 'While the API is disabled, no client gets a token',
    option: { flag: 'api', jsonName: 'api', help: 'off: no client gets a token, and all tokens are revoked' },
  }),
}

/** The defaults in the settings of the instance, by their names in an application. */
export const applicationDefaults = (settings: ValuesOf<typeof DEFAULT_ATTRIBUTES>): ApplicationDefaults =>
  Object.fromEntries(
    namesOf(APPLICATION_DEFAULTS).map((name) => [name, settings[instanceNameOf(name)]]),
  ) as unknown as ApplicationDefaults

/** Defaults by their names in an application, as settings of the instance. */
export const asInstanceValues = (
  defaults: Partial<ApplicationDefaults>,
): Partial<ValuesOf<typeof DEFAULT_ATTRIBUTES>> =>
  Object.fromEntries(Object.entries(defaults).map(([name, value]) => [instanceNameOf(name), value]))
