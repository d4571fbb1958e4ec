import { FETCH_COOLDOWN } from '../clients/client-key-sets.ts'
import type { StoredSecretKind } from '../clients/client-secrets.ts'
import type { WorkloadTrust } from '../clients/workload-trusts.ts'
import { IN_SETS, isReplaced } from '../shared/secret-lifetimes.ts'

/** An API that a client may call. */
export interface ClientApiView {
  readonly identifier: string
  /** The scopes of the API that the client has. */
  readonly scopes: readonly string[]
  /** The client is limited to these scopes and does not get scopes that the API gains later. */
  readonly isNarrowed: boolean
  /** Every token for the API must be bound to a key by DPoP. */
  readonly dpopRequired: boolean
}

/** A trust in an issuer, without the keys that may be pasted in it. */
export interface TrustView extends Omit<WorkloadTrust, 'keys'> {
  /** The keys of the issuer are part of the trust, and not read from the issuer. */
  readonly hasKeys: boolean
}

/** What may be shown of a secret after it was created. Times are ISO 8601. */
export interface SecretView {
  readonly id: number
  readonly kind: StoredSecretKind
  readonly lastFour: string
  /** Of a certificate: its subject, or the name that certificates must have; null: no certificate. */
  readonly certificateSubject: string | null
  /** Of a trust: the issuer, and what its tokens must be; null: no trust. */
  readonly trust: TrustView | null
  readonly createdAt: string
  /** When it stops working: at its expiry, or earlier. */
  readonly retiresAt: string | null
  readonly expiresAt: string | null
  /** It also retires after so many hours without a use. */
  readonly retireUnusedHours: number | null
  /** No newer one of its kind replaced it. */
  readonly isCurrent: boolean
  readonly lastUsedAt: string | null
  readonly lastUsedIp: string | null
  /** Identifier of the API. */
  readonly lastUsedApi: string | null
}

/** The last fetch of the keys of a client that publishes them. Times are ISO 8601. */
export interface KeyFetch {
  /** When the last successful fetch began; null: none yet. */
  readonly fetchedAt: string | null
  /** When the last fetch failed, and why; null: it did not. */
  readonly failedAt: string | null
  readonly failure: string | null
  /** Until when no fetch is made, over all nodes; null: one can be made now. */
  readonly coolsUntil: string | null
}

export interface Caller {
  readonly ip: string
  readonly api: string | null
  readonly lastUsedAt: string
}

/** At most so many callers of the last day are listed. */
export const MAX_CALLERS = 20

// Parts of statements about `clients c`, so that one statement reads all data of a page.

/**
 * SQL: when a client last obtained a token or authenticated. A public client has no secret; its callers are stored for 30 days.
 * @param c table or alias of the client
 */
export const lastUseOf = (c: string): string => `greatest(
  (SELECT max(s.last_used_at) FROM client_secrets s WHERE s.client_id = ${c}.id),
  (SELECT max(k.last_used_at) FROM client_callers k WHERE k.client_id = ${c}.id))`

export const APIS_OF_CLIENT = `
  SELECT json_agg(json_build_object('identifier', p.identifier, 'scopes', coalesce(x.scopes, p.scopes),
                                    'isNarrowed', x.scopes IS NOT NULL, 'dpopRequired', p.dpop_required) ORDER BY x.position)
    FROM client_apis x JOIN apis p ON p.id = x.api_id WHERE x.client_id = c.id`

/** SQL: the fields of a `SecretView`, of `client_secrets s` and `apis p`. */
export const SECRET_FIELDS = `
  'id', s.id, 'kind', s.kind, 'lastFour', s.last_four, 'certificateSubject', s.certificate_subject,
  'trust', (s.trust - 'keys') || jsonb_build_object('hasKeys', jsonb_typeof(s.trust -> 'keys') = 'array'), 'createdAt', s.created_at, 'retiresAt', s.retires_at, 'expiresAt', s.expires_at, 'retireUnusedHours', s.retire_unused_hours,
  'isCurrent', NOT ${isReplaced('s')},
  'lastUsedAt', s.last_used_at, 'lastUsedIp', s.last_used_ip, 'lastUsedApi', p.identifier`

/** Whether one of the shown secrets can be retired alone, as `IS_RETIRABLE` says. */
export const isRetirable = (secrets: readonly SecretView[], { id, kind, isCurrent }: SecretView): boolean =>
  !isCurrent ||
  (IN_SETS.some((one) => one === kind) &&
    secrets.some((other) => other.kind === kind && other.isCurrent && other.id !== id))

/** SQL: whether `client_secrets s` still works. */
export const USABLE_SECRET = '(s.retires_at IS NULL OR s.retires_at > now())'

export const SECRETS_OF_CLIENT = `
  SELECT json_agg(json_build_object(${SECRET_FIELDS}) ORDER BY s.id DESC)
    FROM client_secrets s LEFT JOIN apis p ON p.id = s.last_used_api_id
   WHERE s.client_id = c.id AND ${USABLE_SECRET}`

/** SQL: the end of the cooldown of `client_key_sets k`; null: it has passed. */
const COOLS_UNTIL = `CASE WHEN k.claimed_at > clock_timestamp() - interval '${FETCH_COOLDOWN} s'
                                               THEN k.claimed_at + interval '${FETCH_COOLDOWN} s' END`

/** SQL: the `KeyFetch` of the client `c`; null: it does not publish its keys. */
export const KEY_FETCH_OF_CLIENT = `
  SELECT json_build_object('fetchedAt', k.fetched_at, 'failedAt', k.failed_at, 'failure', k.failure,
                           'coolsUntil', ${COOLS_UNTIL})
    FROM client_key_sets k WHERE k.client_id = c.id`

export const CALLERS_OF_CLIENT = `
  SELECT json_agg(json_build_object('ip', k.ip, 'api', k.identifier, 'lastUsedAt', k.last_used_at) ORDER BY k.last_used_at DESC)
    FROM (SELECT k.ip, p.identifier, k.last_used_at
            FROM client_callers k LEFT JOIN apis p ON p.id = k.api_id
           WHERE k.client_id = c.id AND k.last_used_at > now() - interval '1 day'
           ORDER BY k.last_used_at DESC LIMIT ${MAX_CALLERS}) k`
