import type { Knex } from 'knex'
import { findExistingApis } from '../apis/apis.ts'
import { losesNetwork } from '../shared/allowed-networks.ts'
import { identifiersOf, scopeRestrictionOf } from './client-apis.ts'
import type { ClientSettings } from './client-settings.ts'
import { losesExchangeRight } from './exchange-attributes.ts'
import {
  type GrantSubject,
  grantTypesOf,
  JWT_BEARER_GRANT,
  REFRESH_TOKEN_GRANT,
  TOKEN_EXCHANGE_GRANT,
} from './grant-types.ts'

/** The scopes that a client may request of one API. */
export interface ApiRights {
  readonly api: number
  readonly identifier: string
  readonly scopes: readonly string[]
}

/** The parts of a registration that limit its tokens, authorization codes and consents. */
export interface Rights {
  readonly accountId: string | null
  readonly settings: ClientSettings
  readonly apis: readonly ApiRights[]
}

/** The rights that a change removes from a client, and so what must be revoked. */
export interface Narrowing {
  /** The APIs and scopes that remain. */
  readonly remaining: readonly ApiRights[]
  /** Revoke tokens of users: the client lost a grant type that issues them. Tokens do not record their grant type. */
  readonly users: boolean
  /** Revoke tokens of the client itself. */
  readonly itself: boolean
  /** Revoke exchanged tokens: the client lost the grant type, or its policy for it became stricter. */
  readonly exchanged: boolean
  /** Revoke tokens that identity assertions obtained: the client may not present them any more. */
  readonly asserted: boolean
  /** Revoke every access token, and no refresh token: the client lost a network that it could get them from. */
  readonly accessTokens: boolean
  /** Revoke all consents: the client no longer acts for users. */
  readonly consents: boolean
  /** Revoke consents to `offline_access`: the client no longer gets refresh tokens. */
  readonly offlineConsents: boolean
  /** Also when a client becomes public: a refresh token that requires client authentication must not lose it. */
  readonly refreshTokensOfUsers: boolean
  readonly refreshTokensOfItself: boolean
  /** Revoke refresh tokens that were issued without `offline_access`. */
  readonly refreshTokensWithoutOfflineAccess: boolean
  /** Revoke consents of users who did not see the consent page; users of `exceptAccount` keep theirs. */
  readonly skippedConsents: { readonly exceptAccount: string | null } | null
}

const isAnyRemoved = (before: readonly string[], after: readonly string[]): boolean =>
  before.some((one) => !after.includes(one))

/** The grant types with which a client acts for a user, or for itself. */
const grantsFor = ({ grants, accessType }: ClientSettings, subject: GrantSubject): readonly string[] => {
  if (accessType !== 'both' && accessType !== subject) return []
  const acting = grantTypesOf(grants).filter(({ actsFor }) => actsFor === subject)
  return acting.map(({ value }) => value)
}

const losesGrant = (before: Rights, after: Rights, subject: GrantSubject): boolean =>
  isAnyRemoved(grantsFor(before.settings, subject), grantsFor(after.settings, subject))

function losesScope(before: Rights, after: Rights): boolean {
  const remaining = new Map(after.apis.map(({ api, scopes }) => [api, scopes]))
  return before.apis.some(({ api, scopes }) => isAnyRemoved(scopes, remaining.get(api) ?? []) || !remaining.has(api))
}

const refreshes = ({ grants }: ClientSettings): boolean => grants.includes(REFRESH_TOKEN_GRANT)

const exchanges = ({ grants }: ClientSettings): boolean => grants.includes(TOKEN_EXCHANGE_GRANT)

const presentsAssertions = ({ grants, identityAssertions }: ClientSettings): boolean =>
  identityAssertions && grants.includes(JWT_BEARER_GRANT)

/** From the strictest to the most permissive. */
const CONSENTS: readonly ClientSettings['consent'][] = ['show', 'skip_own_account', 'skip']

function skippedConsents(before: Rights, after: Rights): Narrowing['skippedConsents'] {
  const [previous, current] = [before, after].map(({ settings }) => CONSENTS.indexOf(settings.consent)) as [
    number,
    number,
  ]
  if (current >= previous) return null
  return { exceptAccount: after.settings.consent === 'skip_own_account' ? after.accountId : null }
}

const losesRedirectUri = (before: ClientSettings, after: ClientSettings): boolean =>
  isAnyRemoved(before.redirectUris, after.redirectUris) || (after.pkceRequired && !before.pkceRequired)

/** Compares the rights before and after a change. Undefined: the change removes nothing. */
export function narrowingBetween(before: Rights, after: Rights): Narrowing | undefined {
  const losesRefresh = refreshes(before.settings) && !refreshes(after.settings)
  const narrowing: Narrowing = {
    remaining: after.apis,
    users: losesGrant(before, after, 'user'),
    itself: losesGrant(before, after, 'client'),
    exchanged:
      exchanges(before.settings) && (!exchanges(after.settings) || losesExchangeRight(before.settings, after.settings)),
    asserted: presentsAssertions(before.settings) && !presentsAssertions(after.settings),
    accessTokens: losesNetwork(before.settings.allowedNetworks, after.settings.allowedNetworks),
    consents: grantsFor(before.settings, 'user').length > 0 && grantsFor(after.settings, 'user').length === 0,
    offlineConsents: losesRefresh,
    refreshTokensOfUsers: losesRefresh || before.settings.isPublic !== after.settings.isPublic,
    refreshTokensOfItself: before.settings.clientCredentialsRefresh && !after.settings.clientCredentialsRefresh,
    refreshTokensWithoutOfflineAccess:
      before.settings.refreshTokens === 'always' && after.settings.refreshTokens === 'offline_access',
    skippedConsents: skippedConsents(before, after),
  }
  const { remaining, ...flags } = narrowing
  const isNarrowed = losesScope(before, after) || losesRedirectUri(before.settings, after.settings)
  return isNarrowed || Object.values(flags).some(Boolean) ? narrowing : undefined
}

/** The APIs that a client has, or would have after a change of them. */
export async function apiRightsOf(
  db: Knex,
  clientKey: number,
  change: {
    readonly apis?: readonly string[] | undefined
    readonly scopes?: readonly string[] | null | undefined
  } = {},
): Promise<ApiRights[]> {
  if (change.apis === undefined && change.scopes === undefined) return await currentApiRights(db, clientKey)
  const identifiers = change.apis ?? (await identifiersOf(db, clientKey))
  const scopes = change.scopes === undefined ? await scopeRestrictionOf(db, clientKey) : change.scopes
  return (await findExistingApis(db, identifiers)).map(({ id, identifier, scopes: all }) => ({
    api: id,
    identifier,
    scopes: scopes ? all.filter((scope) => scopes.includes(scope)) : all,
  }))
}

const currentApiRights = (db: Knex, clientKey: number): Promise<ApiRights[]> =>
  db('client_apis AS x')
    .join('apis AS p', 'p.id', 'x.api_id')
    .where('x.client_id', clientKey)
    .select('p.id AS api', 'p.identifier', db.raw('coalesce(x.scopes, p.scopes) AS scopes'))
