import { LRUCache } from 'lru-cache'
import { createBatches } from '../database/batches.ts'
import type { Database } from '../database/open.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import type { TokenPolicy } from './apis.ts'
import { type Client, type ClientRow, toClient } from './clients.ts'

export interface LiveSecret {
  readonly id: number
  readonly hash: Buffer
  /** Milliseconds since 1970; null while it is not being replaced. */
  readonly retiresAt: number | null
}

/** An API as one client may use it. */
export interface ApiAccess {
  readonly id: number
  readonly version: number
  readonly identifier: string
  readonly scopes: readonly string[]
  /** Seconds. */
  readonly tokenTtl: number
  readonly policy: TokenPolicy
  readonly signingAlg: SigningAlg
}

/** A client with all that the endpoints need of it, as it stood at `version`. */
export interface Registration extends Client {
  readonly version: number
  readonly epoch: number
  readonly secrets: readonly LiveSecret[]
  readonly apiKeys: readonly LiveSecret[]
  /** In order, the default first. */
  readonly apis: readonly ApiAccess[]
  /** For an API's own client, the API. */
  readonly resourceServer: { readonly id: number; readonly identifier: string; readonly signingAlg: SigningAlg } | null
}

interface SecretJson {
  id: number
  kind: 'secret' | 'api_key'
  hash: string
  retires_at: number | null
}

interface RegistrationRow extends ClientRow {
  version: number
  epoch: number
  secrets: SecretJson[] | null
  apis: ApiAccess[] | null
  resource_server: Registration['resourceServer']
}

const LOAD = `
  SELECT c.*,
         (SELECT json_agg(json_build_object('id', s.id, 'kind', s.kind, 'hash', encode(s.hash, 'hex'),
                                            'retires_at', floor(extract(epoch FROM s.retires_at) * 1000)))
            FROM client_secrets s
           WHERE s.client_id = c.id AND (s.retires_at IS NULL OR s.retires_at > now())) AS secrets,
         (SELECT json_agg(json_build_object('id', p.id, 'version', p.version, 'identifier', p.identifier,
                                            'scopes', coalesce(x.scopes, p.scopes), 'tokenTtl', p.token_ttl,
                                            'policy', p.policy, 'signingAlg', p.signing_alg) ORDER BY x.position)
            FROM client_apis x JOIN apis p ON p.id = x.api_id
           WHERE x.client_id = c.id) AS apis,
         (SELECT json_build_object('id', p.id, 'identifier', p.identifier, 'signingAlg', p.signing_alg)
            FROM apis p WHERE p.id = c.api_id) AS resource_server
    FROM clients c
    LEFT JOIN accounts a ON a.id = c.account_id
    LEFT JOIN users u ON u.id = c.user_id
   WHERE c.client_id = ANY ($1::text[])
     AND c.status = 'active'
     AND (a.id IS NULL OR a.status = 'active')
     AND (u.id IS NULL OR u.status = 'active')`

const toSecret = (json: SecretJson): LiveSecret => ({
  id: json.id,
  hash: Buffer.from(json.hash, 'hex'),
  retiresAt: json.retires_at,
})

const toRegistration = (row: RegistrationRow): Registration => ({
  ...toClient(row),
  version: row.version,
  epoch: row.epoch,
  secrets: (row.secrets ?? []).filter((secret) => secret.kind === 'secret').map(toSecret),
  apiKeys: (row.secrets ?? []).filter((secret) => secret.kind === 'api_key').map(toSecret),
  apis: row.apis ?? [],
  resourceServer: row.resource_server,
})

/**
 * Clients as the endpoints see them. Only those that may act are ever found: active, of an active account and owner.
 * A remembered one may be stale; whoever acts on it has its `version` checked in the statement that acts.
 */
export interface Registrations {
  /** As it is now. */
  fresh(clientId: string): Promise<Registration | undefined>
  /** As it was when last asked for, if that is remembered. A refusal by it proves nothing. */
  remembered(clientId: string): Registration | undefined
}

export function createRegistrations(db: Database, cacheSize: number): Registrations {
  const cache = cacheSize > 0 ? new LRUCache<string, Registration>({ max: cacheSize }) : undefined
  const load = createBatches<string, Registration | undefined>({
    maxInFlight: 2,
    maxSize: 200,
    run: async (clientIds) => {
      const statement = { name: 'registrations', text: LOAD, values: [[...new Set(clientIds)]] }
      const rows = await db.query<RegistrationRow>(statement)
      const found = new Map(rows.map((row) => [row.client_id, toRegistration(row)]))
      return clientIds.map((clientId) => found.get(clientId))
    },
  })

  async function fresh(clientId: string): Promise<Registration | undefined> {
    const registration = await load(clientId)
    if (registration) cache?.set(clientId, registration)
    else cache?.delete(clientId)
    return registration
  }

  return { fresh, remembered: (clientId) => cache?.get(clientId) }
}
