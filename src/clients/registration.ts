import type { JWK } from 'jose'
import type { API_TOKEN_ATTRIBUTES } from '../apis/api-attributes.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import type { ValuesOf } from '../shared/attributes.ts'
import type { ClaimSources } from '../shared/declared-claims.ts'
import type { BRANDING_ATTRIBUTES } from './branding-attributes.ts'
import type { EXTERNAL_ATTRIBUTES } from './client-attributes.ts'
import type { Client } from './clients.ts'
import type { EXCHANGE_ATTRIBUTES } from './exchange-attributes.ts'
import type { IDENTITY_ASSERTION_ATTRIBUTES } from './identity-assertion-attributes.ts'
import type { WorkloadTrust } from './workload-trusts.ts'

export interface ValidSecret {
  readonly id: number
  /**
   * SHA-256 in base64. A Buffer of a few bytes shares 8 KiB with others, and keeps them in memory as long as the registration is
   * cached.
   */
  readonly hash: string
  /** Milliseconds since 1970; null: not rotated. */
  readonly retiresAt: number | null
}

/** A public key of a client, by which it signs assertions. */
export interface ValidKey extends ValidSecret {
  readonly jwk: JWK
  /** Milliseconds since 1970 after which a key of a `jwks_uri` does not count until it was fetched again; null: a registered key. */
  readonly validUntil: number | null
}

/** A trust of a client, by which workloads authenticate as it. */
export interface ValidTrust extends ValidSecret {
  readonly trust: WorkloadTrust
}

/** An API with the scopes of one client. */
export interface ApiAccess extends ValuesOf<typeof API_TOKEN_ATTRIBUTES> {
  readonly id: number
  readonly version: number
  readonly identifier: string
  readonly scopes: readonly string[]
}

/** A client with its secrets and APIs, as of `version`. */
export interface Registration
  extends Omit<
    Client,
    | ('createdAt' | 'revision' | 'status' | 'pairName')
    | keyof typeof BRANDING_ATTRIBUTES
    | keyof typeof EXCHANGE_ATTRIBUTES
    | keyof typeof IDENTITY_ASSERTION_ATTRIBUTES
    | keyof typeof EXTERNAL_ATTRIBUTES
  > {
  readonly version: number
  /** Of its account, in addition to its own `allowedNetworks`; null: any network. */
  readonly accountNetworks: readonly string[] | null
  /** Whether the tokens of its account are counted. The quotas of the client are among its settings. */
  readonly accountHasQuota: boolean
  readonly secrets: readonly ValidSecret[]
  readonly apiKeys: readonly ValidSecret[]
  /** Of a client that authenticates by signed assertions. */
  readonly keys: readonly ValidKey[]
  /** Of a client that authenticates in TLS: the hashes of its certificates, or of the name of its certificates. */
  readonly certificates: readonly ValidSecret[]
  /** Of a client whose workloads authenticate by tokens of issuers that it trusts. */
  readonly trusts: readonly ValidTrust[]
  /**
   * The metadata of the client and its account, with only the members from which its APIs declare claims; null: none. Not in
   * `apis`, which clients share.
   */
  readonly claimValues: Pick<ClaimSources, 'account' | 'client'> | null
  /** In order, the default first. */
  readonly apis: readonly ApiAccess[]
  /** The API of an API's client. */
  readonly resourceServer: { readonly id: number; readonly identifier: string; readonly signingAlg: SigningAlg } | null
}
