import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Authenticator } from '../clients/authentication.ts'
import type { Concessions } from '../clients/concessions.ts'
import type { Registrations } from '../clients/registrations.ts'
import type { SecretUses } from '../clients/secret-uses.ts'
import type { Database } from '../database/open.ts'
import type { Outgoing } from '../http/outgoing.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import type { Issuer } from '../tokens/issuance.ts'
import type { Ledger } from '../tokens/ledger.ts'
import type { PersonTokens } from '../tokens/person-tokens.ts'
import type { RefreshTokens } from '../tokens/refresh-tokens.ts'
import type { StatusFollower } from '../tokens/status-follower.ts'
import type { StatusPublication } from '../tokens/status-publication.ts'
import type { ProtocolPages } from './pages.ts'
import type { SessionLifetimes } from './session-lifetimes.ts'

/** What the features and the ground give this face. */
export interface OidcServices {
  readonly database: Database
  readonly registrations: Registrations
  readonly authenticator: Authenticator
  readonly keyRings: KeyRings
  readonly issuer: Issuer
  readonly ledger: Ledger
  readonly refreshTokens: RefreshTokens
  readonly personTokens: PersonTokens
  readonly statusPublication: StatusPublication
  readonly statusFollower: StatusFollower
  /** Seconds. */
  readonly statusListTtl: number
  /** Streams of the feed that this process keeps. */
  readonly statusFeedMax: number
  readonly sessionLifetimes: SessionLifetimes
  readonly metrics: Metrics
  readonly concessions: Concessions
  readonly secretUses: SecretUses
  /** Newest first; what the engine keeps is sealed with them. */
  readonly encryptionKeys: EncryptionKeys
  readonly outgoing: Outgoing
  readonly pages: ProtocolPages
  issuerUrl(): string
  /** The request that the engine is working on. */
  engineContext(): KoaContextWithOIDC
}
