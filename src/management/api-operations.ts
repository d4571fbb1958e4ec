import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { type ApiSettings, DEFAULT_API_SETTINGS, type NewApi } from '../apis/api-settings.ts'
import { type Api, type ApiRow, checkNewApi, findApis, toApi } from '../apis/apis.ts'
import type { ScopeText, ScopeTextChanges, TranslatedText } from '../apis/scope-texts.ts'
import type { ApiAuthMethod } from '../clients/authentication-attributes.ts'
import { parsePublicKeys } from '../clients/client-keys.ts'
import { ensureSigningKeys } from '../keys/signing-keys.ts'
import { invalidInput, notFound } from '../shared/errors.ts'
import { checkApiChange, createApi, describeScopes, updateApi } from './api-changes.ts'
import { type Bounded, boundedCountOf, toBounded } from './bounded-counts.ts'
import { KEY_FETCH_OF_CLIENT, type KeyFetch, SECRETS_OF_CLIENT, type SecretView } from './client-parts.ts'
import { type RotationOptions, rotateSecret } from './client-secret-rotation.ts'
import { readAffected } from './dry-run.ts'
import { clientOfApiTarget } from './dry-run-targets.ts'
import { numberKey, orderOf, type Sort, textKey } from './list-order.ts'
import { destructiveOperation, operation } from './operation.ts'
import { type PagedRow, type PageOf, type PageRequest, readPage } from './paging.ts'
import { clientIdOfApi } from './tenant-isolation.ts'

/** A scope with its text on the consent page; without a text, the title is the scope itself. */
export interface NamedScope extends ScopeText {
  readonly scope: string
}

/** The same with its texts in other languages. */
export interface ScopeView extends NamedScope, TranslatedText {}

export interface ApiView {
  readonly api: Api
  readonly scopes: readonly ScopeView[]
  /** The client by which the API introspects; null for the management API, which needs none. */
  readonly clientId: string | null
}

/** An API with what only operators see. */
export interface ApiDetails extends ApiView {
  /** Secrets of its client, newest first; more than one while a former secret overlaps. */
  readonly secrets: readonly SecretView[]
  /** How its client authenticates, and where it publishes its public keys; null for the management API, which has no client. */
  readonly authMethod: ApiAuthMethod | null
  readonly jwksUri: string | null
  /** Null: it does not publish its keys. */
  readonly keyFetch: KeyFetch | null
  /** Number of applications and key pairs that may call it. */
  readonly callers: Bounded
}

interface ViewRow extends ApiRow {
  client_id: string | null
  described: ScopeView[]
}

const toView = (row: ViewRow): ApiView => ({ api: toApi(row), scopes: row.described, clientId: row.client_id })

const DESCRIBED = `
  SELECT json_agg(json_build_object('scope', w.scope, 'title', coalesce(t.title, w.scope),
                                    'description', coalesce(t.description, ''),
                                    'translations', coalesce(t.translations, '{}')) ORDER BY w.position)
    FROM unnest(p.scopes) WITH ORDINALITY AS w (scope, position)
    LEFT JOIN scope_texts t ON t.api_id = p.id AND t.scope = w.scope`

const viewed = (knex: Knex, apis: Knex.QueryBuilder) =>
  apis
    .leftJoin('clients AS c', (join) => join.on('c.api_id', 'p.id').andOnVal('c.kind', 'api'))
    .select<ViewRow[]>('p.*', 'c.client_id', knex.raw(`(${DESCRIBED}) AS described`))

const views = (knex: Knex) => viewed(knex, knex('apis AS p'))

export interface ApiQuery extends PageRequest {
  /** A substring of the identifier, or a whole scope. */
  readonly search?: string | undefined
  readonly sort?: Sort<'added' | 'identifier'> | undefined
}

/** Characters. */
const LONGEST_SEARCH = 500

function narrow(query: Knex.QueryBuilder, typed: string): void {
  if (typed.length > LONGEST_SEARCH) {
    throw invalidInput(`a search has at most ${LONGEST_SEARCH} characters`, 'search')
  }
  query.whereRaw('(position(lower(?) IN lower(p.identifier)) > 0 OR ? = ANY (p.scopes))', [typed, typed])
}

const ORDERS = {
  added: [numberKey('p.id')],
  identifier: [textKey('p.identifier')],
}

/** Oldest first unless `sort` says otherwise. Admins choose the APIs of their applications from this list. */
export const listApis = operation<ApiQuery, PageOf<ApiView>>(
  PERMISSIONS.viewApis,
  async ({ knex }, _principal, { search, sort = 'added', ...request }) => {
    const base = knex('apis AS p')
    const typed = search?.trim()
    if (typed) narrow(base, typed)
    const list = { base, order: orderOf(ORDERS, sort) }
    return await readPage<ViewRow & PagedRow, ApiView>(knex, list, request, (query) => viewed(knex, query), toView)
  },
)

interface ApiSelector {
  readonly identifier: string
}

export const readApi = operation<ApiSelector, ApiView>(
  PERMISSIONS.viewApis,
  async ({ knex }, _principal, { identifier }) => {
    const row = await views(knex).where('p.identifier', identifier).first()
    if (!row) throw notFound('API', identifier)
    return toView(row)
  },
)

interface DetailsRow extends ViewRow {
  secrets: SecretView[] | null
  auth_method: ApiAuthMethod | null
  jwks_uri: string | null
  key_fetch: KeyFetch | null
  callers: number
}

const CALLERS = boundedCountOf('client_apis x WHERE x.api_id = p.id')

/** An API by its number, which fits in a URL path. @throws KeywrightError `not_found` */
export const inspectApi = operation<{ id: number }, ApiDetails>(
  PERMISSIONS.inspectApis,
  async ({ knex }, _principal, { id }) => {
    const row: DetailsRow | undefined = await views(knex)
      .select('c.auth_method', 'c.jwks_uri')
      .select(
        knex.raw(`(${SECRETS_OF_CLIENT}) AS secrets, (${CALLERS}) AS callers, (${KEY_FETCH_OF_CLIENT}) AS key_fetch`),
      )
      .whereRaw('p.id = ?::bigint', [id])
      .first()
    if (!row) throw notFound('API', String(id))
    const { secrets, auth_method: authMethod, jwks_uri: jwksUri, key_fetch: keyFetch, callers } = row
    const details = { secrets: secrets ?? [], authMethod, jwksUri, keyFetch }
    return { ...toView(row), ...details, callers: toBounded(callers) }
  },
)

/** The client secret is shown once. */
export interface CreatedApi {
  readonly api: Api
  readonly clientId: string
  /** Absent: its client authenticates by its private key. */
  readonly clientSecret?: string
}

/** What the client of an API authenticates by. Neither: a client secret. */
interface KeyInput {
  /** A JWK set (RFC 7517) with public keys, or PEM. */
  readonly jwks?: string | undefined
  /** Where the API publishes its public keys. */
  readonly jwksUri?: string | undefined
}

interface ApiDeclaration extends NewApi, KeyInput {
  /** Texts on the consent page, by scope. */
  readonly texts?: ScopeTextChanges | undefined
}

const keysIn = async (jwks: string | undefined) => (jwks === undefined ? undefined : await parsePublicKeys(jwks))

/** Validates the given part of a declaration without creating the API. @throws KeywrightError as `declareApi` */
export const checkDeclaration = operation<Partial<ApiDeclaration>, void>(
  PERMISSIONS.manageApis,
  async ({ knex }, _principal, { texts: _, jwks: _jwks, jwksUri: _uri, ...declared }) =>
    await checkNewApi(knex, declared),
)

export const declareApi = operation<ApiDeclaration, CreatedApi>(
  PERMISSIONS.manageApis,
  async ({ knex, encryptionKeys }, principal, { texts = {}, jwks, jwksUri, ...declared }) => {
    const given = { keys: await keysIn(jwks), jwksUri }
    const { signingAlg } = { ...DEFAULT_API_SETTINGS, ...declared }
    await ensureSigningKeys(knex, signingAlg, encryptionKeys)
    return await knex.transaction(async (trx) => {
      const { api, client, clientSecret } = await createApi(trx, declared, principal.actor, given)
      const described = await describeScopes(trx, api.identifier, texts, principal.actor)
      return { api: described, clientId: client.clientId, ...(clientSecret && { clientSecret }) }
    })
  },
)

interface ApiChange extends ApiSelector {
  readonly changes: Partial<ApiSettings>
  /** Texts on the consent page, by scope. */
  readonly texts?: ScopeTextChanges | undefined
  readonly revision?: number | undefined
}

/** Validates a change of an API without making it. @throws KeywrightError `not_found`, `invalid_input`, `conflict` */
export const checkChangeOfApi = operation<Pick<ApiChange, 'identifier' | 'changes'>, void>(
  PERMISSIONS.manageApis,
  async ({ knex }, _principal, { identifier, changes }) => {
    const [api] = await findApis(knex, [identifier])
    await checkApiChange(knex, api!, changes)
  },
)

/** @throws KeywrightError also `stale`, `forbidden` (the management API) */
export const changeApi = operation<ApiChange, Api>(
  PERMISSIONS.manageApis,
  async ({ knex, encryptionKeys }, principal, { identifier, changes, texts = {}, revision }) => {
    if (changes.signingAlg) await ensureSigningKeys(knex, changes.signingAlg, encryptionKeys)
    // Texts alone need no lock of the clients.
    if (Object.keys(changes).length === 0)
      return await describeScopes(knex, identifier, texts, principal.actor, revision)
    return await knex.transaction(async (trx) => {
      const api = await updateApi(trx, identifier, changes, principal.actor, revision)
      if (Object.keys(texts).length === 0) return api
      return await describeScopes(trx, identifier, texts, principal.actor)
    })
  },
)

interface ApiSecretRotation
  extends ApiSelector,
    KeyInput,
    Pick<RotationOptions, 'newest' | 'unusedHours' | 'expiresAt'> {
  /** How the API authenticates from now on; undefined: as before. */
  readonly authMethod?: ApiAuthMethod | undefined
  /** Seconds for which the former credentials still work. */
  readonly overlap: number
}

/** A new secret of the client by which the API introspects, or new public keys in its place. @throws KeywrightError also `stale` */
export const rotateApiSecret = destructiveOperation<
  ApiSecretRotation,
  { clientId: string; clientSecret?: string },
  ApiSelector
>(PERMISSIONS.manageApis, {
  async run({ knex }, principal, { identifier, overlap, jwks, ...options }) {
    const clientId = await clientIdOfApi(knex, identifier)
    const rules = { ...options, keys: await keysIn(jwks) }
    const { clientSecret } = await rotateSecret(knex, clientId, overlap, principal.actor, rules)
    return { clientId, ...(clientSecret && { clientSecret }) }
  },
  affected: ({ knex }, principal, { identifier }) => readAffected(knex, principal, clientOfApiTarget(identifier)),
})
