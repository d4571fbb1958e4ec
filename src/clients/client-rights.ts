import type { Knex } from 'knex'
import { findPresentApis } from '../apis/apis.ts'
import { identifiersOf, narrowingOf } from './client-apis.ts'
import { DEVICE_CODE_GRANT } from './client-rules.ts'
import type { ClientSettings } from './client-settings.ts'

/** What a client may ask of one API. */
export interface ApiRights {
  readonly api: number
  readonly identifier: string
  readonly scopes: readonly string[]
}

/** Everything of a registration that bounds what its tokens, codes and consents may say. */
export interface Rights {
  readonly accountId: string | null
  readonly settings: ClientSettings
  readonly apis: readonly ApiRights[]
}

/** What a change takes away from a client. */
export interface Narrowing {
  /** The APIs and scopes that remain. */
  readonly kept: readonly ApiRights[]
  /** Tokens of users end: a grant type by which they were obtained is gone. Which one it was is not recorded. */
  readonly users: boolean
  /** Tokens of the client itself end. */
  readonly itself: boolean
  /** The client acts for no user any more: what users allowed it is void. */
  readonly consents: boolean
  /** Consents to `offline_access` end: there are no refresh tokens any more. */
  readonly offlineConsents: boolean
  /** Also when a client becomes public: a refresh token that takes a secret must not become one that takes none. */
  readonly refreshTokensOfUsers: boolean
  readonly refreshTokensOfItself: boolean
  /** Refresh tokens end that nobody asked for with `offline_access`. */
  readonly unaskedRefreshTokens: boolean
  /** Consents end that users were not asked for; `ofAccount`: those of its users stay. */
  readonly skipped: { readonly ofAccount: string | null } | null
}

const USER_GRANTS = ['authorization_code', DEVICE_CODE_GRANT]

const isAnyGone = (before: readonly string[], after: readonly string[]): boolean =>
  before.some((one) => !after.includes(one))

const grantsFor = ({ grants, accessType }: ClientSettings, whom: 'user' | 'client'): readonly string[] => {
  if (accessType !== 'both' && accessType !== whom) return []
  return grants.filter((grant) => (whom === 'user' ? USER_GRANTS.includes(grant) : grant === 'client_credentials'))
}

const losesGrant = (before: Rights, after: Rights, whom: 'user' | 'client'): boolean =>
  isAnyGone(grantsFor(before.settings, whom), grantsFor(after.settings, whom))

function losesScope(before: Rights, after: Rights): boolean {
  const kept = new Map(after.apis.map(({ api, scopes }) => [api, scopes]))
  return before.apis.some(({ api, scopes }) => isAnyGone(scopes, kept.get(api) ?? []) || !kept.has(api))
}

const refreshes = ({ grants }: ClientSettings): boolean => grants.includes('refresh_token')

/** From the strictest on. */
const CONSENTS: readonly ClientSettings['consent'][] = ['show', 'skip_own_account', 'skip']

function skippedConsents(before: Rights, after: Rights): Narrowing['skipped'] {
  const [was, is] = [before, after].map(({ settings }) => CONSENTS.indexOf(settings.consent)) as [number, number]
  if (is >= was) return null
  return { ofAccount: after.settings.consent === 'skip_own_account' ? after.accountId : null }
}

const losesRedirectUri = (before: ClientSettings, after: ClientSettings): boolean =>
  isAnyGone(before.redirectUris, after.redirectUris) || (after.pkceRequired && !before.pkceRequired)

/** Undefined: the change takes nothing away. */
export function narrowingBetween(before: Rights, after: Rights): Narrowing | undefined {
  const losesRefresh = refreshes(before.settings) && !refreshes(after.settings)
  const narrowing: Narrowing = {
    kept: after.apis,
    users: losesGrant(before, after, 'user'),
    itself: losesGrant(before, after, 'client'),
    consents: grantsFor(before.settings, 'user').length > 0 && grantsFor(after.settings, 'user').length === 0,
    offlineConsents: losesRefresh,
    refreshTokensOfUsers: losesRefresh || before.settings.isPublic !== after.settings.isPublic,
    refreshTokensOfItself: before.settings.clientCredentialsRefresh && !after.settings.clientCredentialsRefresh,
    unaskedRefreshTokens:
      before.settings.refreshTokens === 'always' && after.settings.refreshTokens === 'offline_access',
    skipped: skippedConsents(before, after),
  }
  const { kept, ...flags } = narrowing
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
  if (change.apis === undefined && change.scopes === undefined) return await presentApiRights(db, clientKey)
  const identifiers = change.apis ?? (await identifiersOf(db, clientKey))
  const scopes = change.scopes === undefined ? await narrowingOf(db, clientKey) : change.scopes
  return (await findPresentApis(db, identifiers)).map(({ id, identifier, scopes: all }) => ({
    api: id,
    identifier,
    scopes: scopes ? all.filter((scope) => scopes.includes(scope)) : all,
  }))
}

const presentApiRights = (db: Knex, clientKey: number): Promise<ApiRights[]> =>
  db('client_apis AS x')
    .join('apis AS p', 'p.id', 'x.api_id')
    .where('x.client_id', clientKey)
    .select('p.id AS api', 'p.identifier', db.raw('coalesce(x.scopes, p.scopes) AS scopes'))
