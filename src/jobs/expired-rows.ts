import type { Knex } from 'knex'
import { deleteExpiredAnswers } from '../accounts/sign-in-challenges.ts'
import { deleteExpiredLimits } from '../accounts/sign-in-limits.ts'
import { deleteExpiredAuditEvents } from '../audit/audit-sealing.ts'
import { deleteExcessCallers, deleteOldCallers } from '../clients/client-callers.ts'
import { deleteOldClientKeys } from '../clients/client-deletions.ts'
import { deleteIdleRateLimits } from '../clients/client-rate-limits.ts'
import { deleteOldUsageDays, moveHoursToDays } from '../clients/client-usage-days.ts'
import { deleteExpiredInitialAccessTokens } from '../clients/initial-access-tokens.ts'
import { deleteIdleIssuers } from '../clients/issuer-keys.ts'
import { deleteReplacedKeyPairs } from '../clients/key-pairs.ts'
import { deleteOldRefusalSamples } from '../clients/refusal-statement.ts'
import { deleteRetiredSecrets } from '../clients/retired-secrets.ts'
import { deleteExcessSecretCallers, deleteOldSecretCallers } from '../clients/secret-callers.ts'
import { deleteUnusedClientDocuments } from '../clients/stored-client-documents.ts'
import type { Config } from '../config/load-config.ts'
import type { Database } from '../database/open-database.ts'
import { deleteStoppedServerNodes } from '../database/server-nodes.ts'
import { deleteExpiredChallenges } from '../factors/passkey-challenges.ts'
import { deleteExpiredOffers } from '../factors/totp-offers.ts'
import { deleteOldUpstreamSessions } from '../identity-providers/upstream-sessions.ts'
import { deleteOldLeaks } from '../leaks/leaks.ts'
import { deleteOldLinks } from '../mail/mail-links.ts'
import { deleteOldMessages } from '../mail/outbox.ts'
import { deleteOldUsage, deleteOldUsageWriters } from '../metrics/usage.ts'
import { deleteExpiredRefreshTokens } from '../refresh/refresh-token-families.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { deleteOldRevocations } from '../status/feed-cursors.ts'
import { deleteExcessFollowers, deleteOldFollowers } from '../status/revocation-followers.ts'
import { deleteExpiredStatusLists } from '../status/status-lists.ts'
import { deleteExpiredExchangedTokens } from '../tokens/exchanged-tokens.ts'
import { deleteExpiredReusableTokens } from '../tokens/reusable-tokens.ts'
import { deleteExpiredSingleTokens } from '../tokens/single-tokens.ts'
import {
  deleteExpiredPreviousSecrets,
  deleteOldDeliveries,
  deleteQueuesWithoutWebhook,
} from '../webhooks/webhook-retention.ts'

interface SweepServices {
  readonly config: Config
  readonly database: Database
  readonly encryptionKeys: EncryptionKeys
}

/** Deletes at most `limit` rows; returns how many it deleted. */
export type Deletion = (limit: number) => Promise<number>

const inDatabase = (knex: Knex, deletions: readonly ((knex: Knex, limit: number) => Promise<number>)[]): Deletion[] =>
  deletions.map((deletion) => (limit) => deletion(knex, limit))

/** What expires often: swept every minute. */
export const expiredRows = (database: Database): Deletion[] => [
  ...inDatabase(database.knex, [
    deleteExpiredRefreshTokens,
    deleteRetiredSecrets,
    deleteExpiredReusableTokens,
    deleteExpiredExchangedTokens,
    deleteExpiredLimits,
    deleteExpiredChallenges,
    deleteExpiredAnswers,
    deleteOldRevocations,
  ]),
  (limit) => deleteIdleRateLimits(database, limit),
]

/** What expired long ago: swept every hour. */
export const oldRows = ({ database: { knex }, encryptionKeys, config }: SweepServices): Deletion[] => [
  ...inDatabase(knex, [
    deleteExpiredSingleTokens,
    deleteExpiredStatusLists,
    deleteReplacedKeyPairs,
    deleteExpiredInitialAccessTokens,
    deleteOldClientKeys,
    deleteIdleIssuers,
    deleteUnusedClientDocuments,
    deleteStoppedServerNodes,
    deleteOldUsage,
    deleteOldUsageWriters,
    moveHoursToDays,
    deleteOldUsageDays,
    deleteOldRefusalSamples,
    deleteOldFollowers,
    deleteExcessFollowers,
    deleteOldLeaks,
    deleteOldLinks,
    deleteOldMessages,
    deleteExpiredOffers,
    deleteOldUpstreamSessions,
    deleteOldDeliveries,
    deleteQueuesWithoutWebhook,
    deleteExpiredPreviousSecrets,
    deleteOldCallers,
    deleteExcessCallers,
    deleteOldSecretCallers,
    deleteExcessSecretCallers,
  ]),
  (limit) => deleteExpiredAuditEvents(knex, encryptionKeys, config.auditRetention, limit),
]
