import type { AssertionAuthenticator } from '../clients/assertion-authentication.ts'
import type { AuthMethod } from '../clients/authentication-attributes.ts'
import type { CertificateAuthenticator } from '../clients/certificate-authentication.ts'
import type { Authenticator } from '../clients/client-authentication.ts'
import type { ClientUsage } from '../clients/client-usage.ts'
import type { DescribedClients } from '../clients/described-clients.ts'
import type { KeyFetches } from '../clients/key-fetches.ts'
import type { LegacyOptionUses } from '../clients/legacy-option-uses.ts'
import type { Refusals } from '../clients/refusals.ts'
import type { Registrations } from '../clients/registrations.ts'
import type { SecretUses } from '../clients/secret-uses.ts'
import type { WorkloadAuthenticator } from '../clients/workload-authentication.ts'
import type { Database } from '../database/open-database.ts'
import type { AssertedTokens } from '../exchange/asserted-tokens.ts'
import type { TokenExchange } from '../exchange/token-exchange.ts'
import type { SsrfSafeFetch } from '../http/ssrf-safe-fetch.ts'
import type { UpstreamClient } from '../identity-providers/upstream-client.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { CodeTokens } from '../refresh/code-tokens.ts'
import type { RefreshTokens } from '../refresh/refresh-tokens.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import type { RevocationFollowers } from '../status/revocation-followers.ts'
import type { StatusFollower } from '../status/status-follower.ts'
import type { StatusPublication } from '../status/status-publication.ts'
import type { AccessTokenStore } from '../tokens/access-token-store.ts'
import type { ClientTokens } from '../tokens/client-tokens.ts'
import type { ProtocolPages } from './engine-page-types.ts'

/** What the OAuth endpoints use. */
export interface OidcServices {
  readonly database: Database
  readonly registrations: Registrations
  /** Whose client IDs are URLs. */
  readonly describedClients: DescribedClients
  readonly authenticator: Authenticator
  readonly assertionAuthenticator: AssertionAuthenticator
  /** Of the keys with which clients sign. */
  readonly keyFetches: Pick<KeyFetches, 'afterUnknownKey'>
  /** Of clients with `workload_identity`. */
  readonly workloadAuthenticator: WorkloadAuthenticator
  readonly certificateAuthenticator: CertificateAuthenticator
  /** By which methods clients authenticate here by a certificate. */
  readonly certificateMethods: readonly AuthMethod[]
  /** The origin at which the proxy asks clients for certificates; undefined: at the issuer's. */
  readonly certificateOrigin: string | undefined
  readonly keyRings: KeyRings
  readonly clientTokens: ClientTokens
  readonly accessTokenStore: AccessTokenStore
  readonly refreshTokens: RefreshTokens
  readonly codeTokens: CodeTokens
  readonly tokenExchange: TokenExchange
  readonly assertedTokens: AssertedTokens
  readonly statusPublication: StatusPublication
  readonly statusFollower: StatusFollower
  /** Seconds. */
  readonly statusListTtl: number
  /** How many streams of the revocation feed a process serves. */
  readonly statusFeedMax: number
  readonly metrics: Metrics
  readonly legacyOptionUses: LegacyOptionUses
  readonly secretUses: SecretUses
  readonly clientUsage: ClientUsage
  readonly refusals: Refusals
  readonly revocationFollowers: RevocationFollowers
  /** Newest first. What the engine stores is sealed with them. */
  readonly encryptionKeys: EncryptionKeys
  readonly outgoing: SsrfSafeFetch
  readonly upstreamClient: Pick<UpstreamClient, 'keysOf'>
  readonly pages: ProtocolPages
  issuerUrl(): string
}
