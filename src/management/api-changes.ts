import type { Knex } from 'knex'
import { API_ATTRIBUTES, BUILT_IN_API_ATTRIBUTES } from '../apis/api-attributes.ts'
import type { ApiSettings, NewApi } from '../apis/api-settings.ts'
import { type Api, insertApi, lockApi, saveApi, touchApi } from '../apis/apis.ts'
import { deleteScopeTexts, describeScope, type ScopeTextChange, type ScopeTextChanges } from '../apis/scope-texts.ts'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import { clientsWithDefaultScopes, removeScopesFromClients } from '../clients/client-apis.ts'
import type { PublicKey } from '../clients/client-keys.ts'
import { lockAllClientsExclusive } from '../clients/client-locks.ts'
import { DEFAULT_SETTINGS } from '../clients/client-settings.ts'
import { type Client, insertClient, touchClientOfApi } from '../clients/clients.ts'
import { pairsBeyondPolicy } from '../clients/key-pair-apis.ts'
import { hasSigningKeys } from '../keys/signing-keys.ts'
import { checkValues, differingValues } from '../shared/attribute-values.ts'
import { changesBetween, changesOfNew } from '../shared/attributes.ts'
import { expectRevision, KeywrightError } from '../shared/errors.ts'
import { FieldErrorCollector } from '../shared/field-error-collector.ts'
import { addCredentials, type NewSecrets } from './issued-credentials.ts'
import { narrowInTransaction, revokedDetail, revokeRemovedScopes } from './narrowing.ts'

const apiEntry = (action: string, { identifier }: Api, detail: Record<string, unknown>): AuditEntry => ({
  action,
  target: { type: 'api', id: identifier },
  detail,
})

/** @param revoked the number of tokens that the change revoked (`revokedDetail`) */
export const updatedEntry = (before: Api, after: Api, revoked: Record<string, unknown> = {}): AuditEntry =>
  apiEntry('api.updated', after, { changes: changesBetween(API_ATTRIBUTES, before, after), ...revoked })

/** Records all attributes of a new API. */
export const createdEntry = (api: Api): AuditEntry =>
  apiEntry('api.created', api, { changes: changesOfNew(API_ATTRIBUTES, api) })

/** What the client of an API authenticates by in place of a client secret. */
export interface KeysOfApi {
  readonly keys?: readonly PublicKey[] | undefined
  /** Where the API publishes its public keys. */
  readonly jwksUri?: string | null | undefined
}

/**
 * Creates an API with the client by which it introspects. Signing keys of its algorithm must exist (`ensureSigningKeys`).
 * @throws KeywrightError as `insertApi`
 */
export async function createApi(
  knex: Knex,
  api: NewApi,
  actor: Actor,
  { keys, jwksUri = null }: KeysOfApi = {},
): Promise<NewSecrets & { api: Api; client: Client }> {
  return await knex.transaction(async (trx) => {
    const created = await insertApi(trx, api)
    const owner = { kind: 'api' as const, accountId: null, userId: null, apiId: created.id }
    const authMethod = keys || jwksUri !== null ? 'private_key_jwt' : 'client_secret'
    const method = { authMethod, jwksUri } as const
    const settings = { ...DEFAULT_SETTINGS, name: created.identifier.slice(0, 200), grants: [], ...method }
    const client = await insertClient(trx, owner, settings)
    await recordAudit(trx, actor, createdEntry(created))
    return { api: created, client, ...(await addCredentials(trx, client, undefined, { keys })) }
  })
}

/** @throws KeywrightError `forbidden`, `conflict` */
async function checkMayChange(trx: Knex, before: Api, changes: Partial<ApiSettings>): Promise<void> {
  if (before.builtIn && Object.keys(changes).some((name) => !Object.hasOwn(BUILT_IN_API_ATTRIBUTES, name))) {
    throw new KeywrightError(
      'forbidden',
      `${before.identifier} is built in; only its access token lifetime can be changed`,
    )
  }
  if (changes.isDefault === false) {
    throw new KeywrightError('conflict', 'an instance needs a default API; make another API the default instead')
  }
  if (changes.signingAlg && !(await hasSigningKeys(trx, changes.signingAlg))) {
    throw new KeywrightError('conflict', `no signing key for ${changes.signingAlg} exists yet`)
  }
}

const removedFrom = ({ scopes: before }: Api, scopes: readonly string[] = before): string[] =>
  before.filter((scope) => !scopes.includes(scope))

/**
 * A scope that clients request by default cannot be removed: empty default scopes would mean all scopes. The owner of the
 * client changes its default scopes first.
 * @throws KeywrightError `conflict`
 */
async function checkNotDefaultScopes(db: Knex, api: Api, removed: readonly string[]): Promise<void> {
  const asking = removed.length === 0 ? [] : await clientsWithDefaultScopes(db, api, removed)
  if (asking.length === 0) return
  const message = `these scopes are default scopes of clients (${removed.join(' ')}); change the clients first: ${asking.join(' ')}`
  throw new KeywrightError('conflict', message, { fieldErrors: [{ field: 'scopes', message }] })
}

/** An API keeps allowing the named key pairs that call it: their users must stop them first. @throws KeywrightError `conflict` */
async function checkNoPairsBeyond(db: Knex, api: Api, { keyPairs }: Partial<ApiSettings>): Promise<void> {
  if (keyPairs === undefined || keyPairs === api.keyPairs) return
  const pairs = await pairsBeyondPolicy(db, api, keyPairs)
  if (pairs.length === 0) return
  const message = `named key pairs call this API; stop them first, or remove the API from them: ${pairs.join(' ')}`
  throw new KeywrightError('conflict', message, { fieldErrors: [{ field: 'keyPairs', message }] })
}

/**
 * Checks what a change of an API names.
 * @throws KeywrightError `invalid_input`, with each error at its field; `conflict` if the scopes are default scopes of clients, or
 *   named key pairs call the API that would no longer be allowed
 */
export async function checkApiChange(db: Knex, before: Api, changes: Partial<ApiSettings>): Promise<void> {
  const fieldErrors = new FieldErrorCollector()
  await fieldErrors.collect(() => checkValues(API_ATTRIBUTES, changes))
  await fieldErrors.collect(() => checkNotDefaultScopes(db, before, removedFrom(before, changes.scopes)))
  await fieldErrors.collect(() => checkNoPairsBeyond(db, before, changes))
  fieldErrors.throwFieldErrors()
}

/** What depends on scopes that are to go: narrowings lose them. */
async function removeScopes(trx: Knex, api: Api, removed: readonly string[]): Promise<void> {
  if (removed.length === 0) return
  await removeScopesFromClients(trx, api, removed)
  await deleteScopeTexts(trx, api, removed)
}

/**
 * Changes the given settings of an API. Access tokens, refresh tokens and consents with a removed scope are revoked in the
 * same transaction; other tokens stay valid. Once this has returned, every node issues by the new settings. Making
 * another API the default moves the default, so there is always one.
 * @throws KeywrightError `not_found`, `invalid_input`, `forbidden` (built in), `conflict`, `stale`
 */
export async function updateApi(
  knex: Knex,
  identifier: string,
  changes: Partial<ApiSettings>,
  actor: Actor,
  expected?: number,
): Promise<Api> {
  return await narrowInTransaction(knex, async (trx) => {
    const revokedBefore = await revokeRemovedScopes(trx, identifier, changes.scopes, 'wait')
    // Before the row of the API: a change of a client locks the client first, then its APIs.
    await lockAllClientsExclusive(trx)
    const before = await lockApi(trx, identifier, changes.isDefault)
    expectRevision('the API', before.revision, expected)
    const changed = differingValues(API_ATTRIBUTES, before, changes)
    if (Object.keys(changed).length === 0) return before
    await checkMayChange(trx, before, changed)
    await checkApiChange(trx, before, changed)
    const revokedAfter = await revokeRemovedScopes(trx, identifier, changed.scopes, 'nowait')
    const api = await saveApi(trx, before, changed)
    await removeScopes(trx, before, removedFrom(before, api.scopes))
    // Introspection responses for the API's client are signed with the same algorithm.
    if (changed.signingAlg) await touchClientOfApi(trx, api)
    const revoked = revokedDetail(revokedBefore, revokedAfter)
    await recordAudit(trx, actor, updatedEntry(before, api, revoked))
    return api
  })
}

/** What the activity log says of a change: the texts that it set. */
const describedDetail = (scope: string, { title, description = '', translations }: ScopeTextChange) => ({
  scope,
  ...(title !== undefined && { title, description }),
  ...(translations && Object.keys(translations).length > 0 && { translations }),
})

/**
 * Sets the texts of scopes of an API, by scope.
 * @throws KeywrightError `not_found`, `invalid_input`, `forbidden` (built in), `stale`
 */
export async function describeScopes(
  knex: Knex,
  identifier: string,
  texts: ScopeTextChanges,
  actor: Actor,
  expected?: number,
): Promise<Api> {
  return await knex.transaction(async (trx) => {
    const before = await lockApi(trx, identifier)
    expectRevision('the API', before.revision, expected)
    if (before.builtIn)
      throw new KeywrightError('forbidden', `${identifier} is built in; the texts of its scopes cannot be changed`)
    const entries: AuditEntry[] = []
    for (const [scope, change] of Object.entries(texts)) {
      await describeScope(trx, identifier, scope, change)
      entries.push(apiEntry('api.scope_described', before, describedDetail(scope, change)))
    }
    if (entries.length === 0) return before
    await recordAudit(trx, actor, ...entries)
    return await touchApi(trx, before)
  })
}
