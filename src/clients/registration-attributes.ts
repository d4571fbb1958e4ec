import { attribute, choice, choices, count, nullable, text, uris, words } from '../shared/attributes.ts'
import { isId } from '../shared/ids.ts'
import { hostError } from './client-id-urls.ts'
import { AUTHORIZATION_CODE_GRANT, GRANT_TYPES, REFRESH_TOKEN_GRANT, TOKEN_EXCHANGE_GRANT } from './grant-types.ts'

/** Who may register clients at the registration endpoint (RFC 7591). */
export type DynamicRegistration = 'off' | 'initial_access_token' | 'open'

/** Which URLs can be client IDs (draft-ietf-oauth-client-id-metadata-document). */
export type ClientIdDocuments = 'off' | 'allowed_hosts' | 'open'

/** The settings of the instance for clients that register themselves. */
export const REGISTRATION_SETTINGS = {
  dynamicRegistration: attribute({
    type: choice<DynamicRegistration>([
      { value: 'off', label: 'Off', hint: 'Applications are registered in the console, by the API or by commands.' },
      {
        value: 'initial_access_token',
        label: 'With an initial access token',
        hint: 'Admins generate tokens with which applications of their account register themselves (RFC 7591).',
      },
      {
        value: 'open',
        label: 'Open',
        hint: 'Anyone can register an application without a token, within the limits below. Every user is asked for consent.',
      },
    ]),
    initial: 'off',
    section: 'dynamicRegistration',
    label: 'Dynamic client registration',
    hint: 'Applications that have registered already stay registered.',
    description: 'Which clients may register themselves at the registration endpoint (RFC 7591)',
    option: { help: 'Which clients may register themselves (RFC 7591); initially off' },
  }),
  clientIdDocuments: attribute({
    type: choice<ClientIdDocuments>([
      { value: 'off', label: 'Off', hint: 'Every application has a client ID of this server.' },
      {
        value: 'allowed_hosts',
        label: 'Of allowed hosts',
        hint: 'Applications on the hosts below. Every user is asked for consent.',
      },
      {
        value: 'open',
        label: 'Open',
        hint: 'Applications on any host, within the limits below. Every user is asked for consent.',
      },
    ]),
    initial: 'off',
    section: 'dynamicRegistration',
    label: 'Client ID metadata documents',
    hint: 'The client ID of such an application is the URL of a document that describes it.',
    description: 'Which applications may use the URL of a metadata document as their client ID',
    option: { help: 'Which URLs of metadata documents can be client IDs; initially off' },
  }),
  clientIdDocumentHosts: attribute({
    type: words,
    initial: [],
    section: 'dynamicRegistration',
    label: 'Hosts of client ID metadata documents',
    hint: 'Separate hosts with spaces. A host with a port is another host.',
    placeholder: 'app.example.com',
    description: 'The hosts whose applications may use the URL of a metadata document as their client ID',
    example: ['app.example.com'],
    option: { help: 'Hosts whose metadata documents can be client IDs, space-separated' },
    validate: (hosts) => hosts.map(hostError).find((error) => error !== undefined),
  }),
  openRegistrationAccount: attribute({
    type: nullable(text(36), 'not set'),
    initial: null,
    section: 'dynamicRegistration',
    label: 'Account of open registrations',
    hint: 'The ID of the account that holds the applications that were registered without a token. Use an account without users.',
    description: 'The account that holds applications that were registered without a token; null: none can register so',
    example: '01a22b3f-cdb6-797f-ba2f-b9501fbc02be',
    option: { help: 'Account that holds applications that were registered openly; off: none', nullWord: 'off' },
    validate: (account) => (isId(account) ? undefined : 'this is not an account ID'),
  }),
  openRegistrationApis: attribute({
    type: uris,
    initial: [],
    section: 'dynamicRegistration',
    label: 'APIs of open registrations',
    hint: 'Identifiers of the APIs, one per line. Leave empty for the default API.',
    placeholder: 'https://api.example.com',
    description: 'The APIs of applications that were registered without a token; empty: the default API',
    example: ['https://api.example.com'],
    option: {
      help: 'APIs of applications that were registered openly; off: the default API',
      nullWord: 'off',
    },
  }),
  openRegistrationScopes: attribute({
    type: nullable(words, 'all scopes'),
    initial: null,
    section: 'dynamicRegistration',
    label: 'Scopes of open registrations',
    hint: 'Separate scopes with spaces. Leave empty for all scopes of the APIs.',
    placeholder: 'read',
    description: 'The scopes of applications that were registered without a token; null: all scopes of the APIs',
    example: ['read'],
    option: { help: 'Scopes of applications that were registered openly; all: every scope', nullWord: 'all' },
  }),
}

/** A client that registers itself has no settings for token exchange. */
const REGISTRABLE = GRANT_TYPES.filter(({ value }) => value !== TOKEN_EXCHANGE_GRANT)

/** What a client may register without a token. */
export const OPEN_GRANTS: readonly string[] = [AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT]

const INITIAL_GRANTS = [AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT]

/** The most registrations of one initial access token. */
const MAX_USES = 10_000

/** What an initial access token permits (RFC 7591, section 3). */
export const INITIAL_ACCESS_TOKEN_ATTRIBUTES = {
  grants: attribute({
    type: choices<string>(REGISTRABLE),
    initial: INITIAL_GRANTS,
    section: 'access',
    label: 'Grant types',
    description: 'The grant types that an application may register',
    example: INITIAL_GRANTS,
    option: { help: `Grant types that applications may register; default: ${INITIAL_GRANTS.join(' ')}` },
    validate(grants) {
      if (grants.length === 0) return 'select at least one grant type'
      const unknown = grants.find((grant) => !REGISTRABLE.some(({ value }) => value === grant))
      return unknown && `an application cannot register the grant type ${unknown.slice(0, 100)}`
    },
  }),
  apis: attribute({
    type: uris,
    initial: [],
    section: 'access',
    label: 'APIs',
    hint: 'Identifiers of the APIs that registered applications may call, one per line. Leave empty for the default API of the instance.',
    placeholder: 'https://api.example.com',
    description: 'The APIs that registered applications may call; empty: the default API of the instance',
    example: ['https://api.example.com'],
    option: { flag: 'api', help: "APIs that registered applications may call; default: the instance's default API" },
  }),
  scopes: attribute({
    type: nullable(words, 'all scopes'),
    initial: null,
    section: 'access',
    label: 'Scopes',
    hint: 'The scopes that registered applications may request, separated by spaces. Leave empty for all scopes of the APIs.',
    placeholder: 'read',
    description: 'The scopes that registered applications may request; null: every scope of the APIs',
    example: ['read'],
    option: {
      help: 'Scopes that registered applications are limited to, space-separated; default: all',
      nullWord: 'all',
    },
  }),
  maxUses: attribute({
    type: count,
    initial: 1,
    section: 'limits',
    label: 'Number of applications',
    hint: 'How many can register with the token, at most 10,000.',
    description: `How many applications can register with the token, 1 to ${MAX_USES}`,
    example: 1,
    option: { help: `How many applications can register with it, 1 to ${MAX_USES}; default: 1` },
    validate: (uses) =>
      Number.isInteger(uses) && uses >= 1 && uses <= MAX_USES ? undefined : `use a number from 1 to ${MAX_USES}`,
  }),
}
