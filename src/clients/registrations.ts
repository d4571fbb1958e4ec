import type { JWK } from 'jose'
import { API_TOKEN_ATTRIBUTES } from '../apis/api-attributes.ts'
import { createBatches } from '../database/batches.ts'
import type { Database } from '../database/open-database.ts'
import { asJsonArguments } from '../shared/attribute-columns.ts'
import { KEY_VALID_UNTIL } from './client-key-sets.ts'
import type { StoredSecretKind } from './client-secrets.ts'
import { SETTINGS_AS_JSON } from './client-settings.ts'
import type { ApiAccess, Registration, ValidKey, ValidSecret, ValidTrust } from './registration.ts'
import { RegistrationCache } from './registration-cache.ts'
import type { WorkloadTrust } from './workload-trusts.ts'

interface SecretJson {
  id: number
  kind: StoredSecretKind
  jwk?: JWK
  trust?: WorkloadTrust
  hash: string
  retiresAt: number | null
  validUntil: number | null
}

interface RegistrationJson
  extends Omit<Registration, 'secrets' | 'apiKeys' | 'keys' | 'certificates' | 'trusts' | 'apis'> {
  /** Apart, because json_build_object accepts at most fifty pairs. */
  settings?: object
  secrets: SecretJson[] | null
  apis: ApiAccess[] | null
}

// One JSON value per client, with camelCase names: parsing thirty columns by type costs five times as much, which matters
// when 100,000 clients come one after another.
const LOAD = `
  SELECT json_build_object(
           'key', c.id, 'clientId', c.client_id, 'kind', c.kind, 'accountId', c.account_id, 'accountNetworks', a.allowed_networks,
           'accountHasQuota', coalesce(a.quota_per_hour, a.quota_per_day) IS NOT NULL, 'userId', c.user_id, 'environment', c.environment,
           'settings', json_build_object(${SETTINGS_AS_JSON}),
           'version', c.version, 'revocationEpoch', c.revocation_epoch, 'codeRevocationEpoch', c.code_revocation_epoch,
           'secrets',
           (SELECT json_agg(json_build_object('id', s.id, 'kind', s.kind, 'hash', encode(s.hash, 'base64'),
                                              'retiresAt', floor(extract(epoch FROM s.retires_at) * 1000), 'jwk', s.public_key, 'trust', s.trust,
                                              'validUntil', CASE WHEN c.jwks_uri IS NOT NULL THEN (${KEY_VALID_UNTIL}) END))
              FROM client_secrets s
             WHERE s.client_id = c.id AND (s.retires_at IS NULL OR s.retires_at > now())),
           'apis',
           (SELECT json_agg(json_build_object('id', p.id, 'version', p.version, 'identifier', p.identifier,
                                              'scopes', coalesce(x.scopes, p.scopes),
                                              ${asJsonArguments(API_TOKEN_ATTRIBUTES, 'p')}) ORDER BY x.position)
              FROM client_apis x JOIN apis p ON p.id = x.api_id
             WHERE x.client_id = c.id),
           'claimValues',
           (SELECT json_object_agg(v.source, v.members)
              FROM (SELECT s.source, jsonb_object_agg(d.claim ->> 'key', s.metadata -> (d.claim ->> 'key')) AS members
                      FROM client_apis x JOIN apis p ON p.id = x.api_id
                           CROSS JOIN LATERAL jsonb_array_elements(p.claims) AS d (claim)
                           JOIN LATERAL (VALUES ('account', a.metadata), ('client', c.metadata)) AS s (source, metadata)
                             ON s.source = d.claim ->> 'from' AND jsonb_exists(s.metadata, d.claim ->> 'key')
                     WHERE x.client_id = c.id
                     GROUP BY s.source) v),
           'resourceServer',
           (SELECT json_build_object('id', p.id, 'identifier', p.identifier, 'signingAlg', p.signing_alg)
              FROM apis p WHERE p.id = c.api_id)) AS registration
    FROM clients c
    LEFT JOIN accounts a ON a.id = c.account_id
    LEFT JOIN users u ON u.id = c.user_id
   WHERE c.client_id = ANY ($1::text[])
     AND c.status = 'active'
     AND (c.kind = 'api' OR (SELECT api_enabled FROM instance_settings))
     AND (a.id IS NULL OR (a.status = 'active' AND a.api_enabled))
     AND (u.id IS NULL OR u.status = 'active')`

function secretsOf(json: RegistrationJson, kind: SecretJson['kind']): ValidSecret[] {
  return (json.secrets ?? [])
    .filter((secret) => secret.kind === kind)
    .map(({ id, hash, retiresAt }) => ({ id, hash, retiresAt }))
}

/** Newest first: of a key that was stored twice, the later one counts. */
const keysOf = ({ secrets }: RegistrationJson): ValidKey[] =>
  (secrets ?? [])
    .flatMap(({ id, hash, retiresAt, validUntil, jwk }) => (jwk ? { id, hash, retiresAt, validUntil, jwk } : []))
    .sort((one, other) => other.id - one.id)

const trustsOf = ({ secrets }: RegistrationJson): ValidTrust[] =>
  (secrets ?? []).flatMap(({ id, hash, retiresAt, trust }) => (trust ? { id, hash, retiresAt, trust } : []))

const toRegistration = ({ settings, ...json }: RegistrationJson): Registration => ({
  ...json,
  ...settings,
  secrets: secretsOf(json, 'secret'),
  apiKeys: secretsOf(json, 'api_key'),
  keys: keysOf(json),
  certificates: secretsOf(json, 'certificate'),
  trusts: trustsOf(json),
  apis: json.apis ?? [],
})

/**
 * The registrations of usable clients: active, with an active account and owner, and with the API enabled for the account
 * and the instance. A cached registration may be stale: the statement that records a token checks its `version`.
 */
export interface Registrations {
  /** Reads the current registration. */
  fresh(clientId: string): Promise<Registration | undefined>
  /** The cached registration. A rejection by it must be confirmed by `fresh`. */
  cached(clientId: string): Registration | undefined
  /** Clears the cache: after lost commits the database reuses version numbers. */
  clear(): void
}

export function createRegistrations(db: Database, cacheSize: number): Registrations {
  const cache = cacheSize > 0 ? new RegistrationCache(cacheSize) : undefined
  const load = createBatches<string, Registration | undefined>({
    maxInFlight: 2,
    maxSize: 200,
    run: async (clientIds) => {
      const statement = { name: 'registrations', text: LOAD, values: [[...new Set(clientIds)]] }
      const rows = await db.query<{ registration: RegistrationJson }>(statement)
      const found = new Map(rows.map((row) => [row.registration.clientId, toRegistration(row.registration)]))
      return clientIds.map((clientId) => found.get(clientId))
    },
  })

  async function fresh(clientId: string): Promise<Registration | undefined> {
    const registration = await load(clientId)
    if (registration) cache?.set(registration)
    else cache?.delete(clientId)
    return registration
  }

  return { fresh, cached: (clientId) => cache?.get(clientId), clear: () => cache?.clear() }
}
