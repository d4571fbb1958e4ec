import { scopesError } from '../apis/scopes.ts'
import { attribute, duration, nullable, words } from '../shared/attributes.ts'
import { isId } from '../shared/ids.ts'
import { MANAGEMENT_API } from '../shared/management-api-identifier.ts'

/** Seconds: the greatest lifetime of an exchanged token, if the registration sets none. */
export const DEFAULT_EXCHANGE_TTL = 3600

const MIN_TTL = 60
const MAX_TTL = 86_400

/** The most clients whose tokens a client may exchange. */
const MAX_SOURCES = 50

/** The most APIs for which a client may exchange tokens of others. */
const MAX_TARGETS = 50

/** The most accounts that a policy names. */
const MAX_ACCOUNTS = 50

/** In the place of account IDs: every account. */
export const ANY_ACCOUNT = 'any'

const CLIENT_ID = /^kw[ac]_[0-9A-Za-z]{20}$/

function sourcesError(clientIds: readonly string[]): string | undefined {
  if (clientIds.length === 0) return 'must name at least one client ID, or none'
  if (clientIds.length > MAX_SOURCES) return `must have at most ${MAX_SOURCES} client IDs`
  if (new Set(clientIds).size < clientIds.length) return 'a client ID is named twice'
  const wrong = clientIds.find((id) => !CLIENT_ID.test(id))
  return wrong === undefined ? undefined : `${JSON.stringify(wrong.slice(0, 60))} is not a client ID`
}

function targetsError(apis: readonly string[]): string | undefined {
  if (apis.length === 0) return 'must name at least one API, or none'
  if (apis.length > MAX_TARGETS) return `must have at most ${MAX_TARGETS} APIs`
  return apis.includes(MANAGEMENT_API) ? 'tokens cannot be exchanged for the management API' : undefined
}

function accountsError(accounts: readonly string[]): string | undefined {
  if (accounts.length === 0) return `must name at least one account ID, ${ANY_ACCOUNT}, or none`
  if (accounts.length > MAX_ACCOUNTS) return `must have at most ${MAX_ACCOUNTS} account IDs`
  if (new Set(accounts).size < accounts.length) return 'an account ID is named twice'
  if (accounts.includes(ANY_ACCOUNT)) return accounts.length === 1 ? undefined : `${ANY_ACCOUNT} stands alone`
  const wrong = accounts.find((id) => !isId(id))
  return wrong === undefined ? undefined : `${JSON.stringify(wrong.slice(0, 60))} is not an account ID`
}

/**
 * The policy for token exchange (RFC 8693): which tokens an application may exchange, and for what. Without it, the grant type
 * allows nothing. The cached registrations do not have these attributes: an exchange reads them while it holds the lock of the client.
 */
export const EXCHANGE_ATTRIBUTES = {
  /** Account admins name clients of their own account only (`management/exchange-checks.ts`). */
  exchangeFrom: attribute({
    type: nullable(words, 'no application'),
    initial: null,
    section: 'exchange',
    label: 'Exchanges tokens of',
    hint: 'Client IDs, separated by spaces. The application may exchange tokens that users gave these applications for narrower tokens of its own. Leave empty to allow none. Removing a client ID revokes the exchanged tokens.',
    placeholder: 'kwc_…',
    description:
      'Client IDs of the applications whose tokens of users the application may exchange (RFC 8693); null: none. Removing one revokes the exchanged tokens',
    example: ['kwc_2Ew9fTbnCN0ZPqTtGKsu'],
    option: {
      help: 'Client IDs whose tokens of users it may exchange (RFC 8693), space-separated; default: off',
      nullWord: 'off',
    },
    validate: sourcesError,
  }),
  exchangeScopes: attribute({
    type: nullable(words, 'all scopes of the application'),
    initial: null,
    section: 'exchange',
    label: 'Scopes of exchanged tokens',
    hint: 'An exchanged token never has more scopes than the token that it is exchanged for. Separate scopes with spaces. Leave empty for all scopes of the application.',
    description:
      'The scopes that exchanged tokens may have, of those of the application and of the token that they are exchanged for; null: all of these',
    example: ['read'],
    option: { help: 'Scopes that exchanged tokens may have, space-separated; default: all', nullWord: 'all' },
    validate: scopesError,
  }),
  exchangeTtl: attribute({
    type: nullable(duration(MAX_TTL, 'minutes'), '1 hour'),
    initial: null,
    section: 'exchange',
    label: 'Longest lifetime of exchanged tokens',
    hint: 'At most 24 hours, and never longer than the token that it is exchanged for. Leave empty for 1 hour.',
    description: 'In seconds: the greatest lifetime of exchanged tokens; null: 1 hour',
    example: 300,
    option: { help: 'Longest lifetime of exchanged tokens, 60 to 86400; default: 3600', nullWord: 'default' },
    validate: (seconds) =>
      Number.isInteger(seconds) && seconds >= MIN_TTL && seconds <= MAX_TTL
        ? undefined
        : `an exchanged token is valid for ${MIN_TTL} to ${MAX_TTL} seconds`,
  }),
  exchangeApis: attribute({
    type: nullable(words, 'no other API'),
    initial: null,
    operatorOnly: true,
    section: 'operator',
    label: 'Exchanges tokens for other APIs',
    hint: 'Identifiers of APIs, separated by spaces. Tokens of any API may be exchanged for tokens of these. Leave empty to allow only the API of the exchanged token.',
    placeholder: 'https://api.example.com',
    description:
      'APIs for which the application may exchange tokens of other APIs; null: only the API of the token that is exchanged',
    example: ['https://api.example.com'],
    option: {
      help: 'APIs for which it may exchange tokens of other APIs, space-separated; default: off',
      nullWord: 'off',
    },
    validate: targetsError,
  }),
  exchangeAccounts: attribute({
    type: nullable(words, 'no account'),
    initial: null,
    operatorOnly: true,
    section: 'operator',
    label: 'Obtains tokens for users of',
    hint: 'Account IDs, separated by spaces, or any. The application may exchange its own token for one of any user of these accounts, without their consent. Leave empty to allow none. Removing an account revokes the exchanged tokens.',
    description:
      'Account IDs, or `any`: the application may exchange its own token for one of any user of these accounts, without their consent (RFC 8693); null: none. Removing one revokes the exchanged tokens',
    example: ['any'],
    option: {
      help: 'Account IDs, space-separated, or any: it may obtain tokens for their users without consent; default: off',
      nullWord: 'off',
    },
    validate: accountsError,
  }),
  exchangeWithoutUser: attribute({
    type: nullable(words, 'no account'),
    initial: null,
    operatorOnly: true,
    section: 'operator',
    label: 'Obtains tokens for accounts',
    hint: 'Account IDs, separated by spaces, or any. The application may exchange its own token for one that acts for one of these accounts, without a user. Leave empty to allow none. Removing an account revokes the exchanged tokens.',
    description:
      'Account IDs, or `any`: the application may exchange its own token for one that acts for one of these accounts, without a user (RFC 8693); null: none. Removing one revokes the exchanged tokens',
    example: ['any'],
    option: {
      help: 'Account IDs, space-separated, or any: it may obtain tokens that act for these accounts, without a user; default: off',
      nullWord: 'off',
    },
    validate: accountsError,
  }),
}

/** What an exchange is checked against. */
export interface ExchangePolicy {
  readonly exchangeFrom: readonly string[] | null
  readonly exchangeScopes: readonly string[] | null
  readonly exchangeTtl: number | null
  readonly exchangeApis: readonly string[] | null
  readonly exchangeAccounts: readonly string[] | null
  readonly exchangeWithoutUser: readonly string[] | null
}

const isAnyRemoved = (before: readonly string[], after: readonly string[]): boolean =>
  before.some((one) => !after.includes(one))

const losesScope = (before: readonly string[] | null, after: readonly string[] | null): boolean =>
  after !== null && (before === null || isAnyRemoved(before, after))

const losesAccount = (before: readonly string[] | null, after: readonly string[] | null): boolean =>
  !after?.includes(ANY_ACCOUNT) && isAnyRemoved(before ?? [], after ?? [])

/** Whether a change of the policy takes rights away, so that exchanged tokens must be revoked. */
export const losesExchangeRight = (before: ExchangePolicy, after: ExchangePolicy): boolean =>
  isAnyRemoved(before.exchangeFrom ?? [], after.exchangeFrom ?? []) ||
  losesScope(before.exchangeScopes, after.exchangeScopes) ||
  isAnyRemoved(before.exchangeApis ?? [], after.exchangeApis ?? []) ||
  losesAccount(before.exchangeAccounts, after.exchangeAccounts) ||
  losesAccount(before.exchangeWithoutUser, after.exchangeWithoutUser)
