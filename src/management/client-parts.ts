import type { StoredSecretKind } from '../clients/client-secrets.ts'

/** An API of a client, in order, its default first. */
export interface ClientApiView {
  readonly identifier: string
  /** What the client has of it. */
  readonly scopes: readonly string[]
  /** It was narrowed to those, and gets none that the API gains later. */
  readonly isNarrowed: boolean
}

/** What may be shown of a secret after its one showing. Moments are ISO 8601, as JSON has them. */
export interface SecretView {
  readonly id: number
  readonly kind: StoredSecretKind
  readonly lastFour: string
  readonly createdAt: string
  readonly retiresAt: string | null
  readonly lastUsedAt: string | null
  readonly lastUsedIp: string | null
  /** The identifier of the API. */
  readonly lastUsedApi: string | null
}

export interface Caller {
  readonly ip: string
  readonly api: string | null
  readonly lastUsedAt: string
}

/** Of who called in the last day, so many are named. */
export const MOST_CALLERS = 20

// Parts of statements about `clients c`: one statement then answers a whole page.

/**
 * SQL: when a client last got a token or showed its secret. A public one has no secret: its callers are kept for 30 days.
 * @param c its table or alias
 */
export const lastUseOf = (c: string): string => `greatest(
  (SELECT max(s.last_used_at) FROM client_secrets s WHERE s.client_id = ${c}.id),
  (SELECT max(k.last_used_at) FROM client_callers k WHERE k.client_id = ${c}.id))`

export const APIS_OF_CLIENT = `
  SELECT json_agg(json_build_object('identifier', p.identifier, 'scopes', coalesce(x.scopes, p.scopes),
                                    'isNarrowed', x.scopes IS NOT NULL) ORDER BY x.position)
    FROM client_apis x JOIN apis p ON p.id = x.api_id WHERE x.client_id = c.id`

export const SECRETS_OF_CLIENT = `
  SELECT json_agg(json_build_object('id', s.id, 'kind', s.kind, 'lastFour', s.last_four, 'createdAt', s.created_at,
                                    'retiresAt', s.retires_at, 'lastUsedAt', s.last_used_at,
                                    'lastUsedIp', s.last_used_ip, 'lastUsedApi', p.identifier) ORDER BY s.id DESC)
    FROM client_secrets s LEFT JOIN apis p ON p.id = s.last_used_api_id
   WHERE s.client_id = c.id AND (s.retires_at IS NULL OR s.retires_at > now())`

export const CALLERS_OF_CLIENT = `
  SELECT json_agg(json_build_object('ip', k.ip, 'api', k.identifier, 'lastUsedAt', k.last_used_at) ORDER BY k.last_used_at DESC)
    FROM (SELECT k.ip, p.identifier, k.last_used_at
            FROM client_callers k LEFT JOIN apis p ON p.id = k.api_id
           WHERE k.client_id = c.id AND k.last_used_at > now() - interval '1 day'
           ORDER BY k.last_used_at DESC LIMIT ${MOST_CALLERS}) k`
