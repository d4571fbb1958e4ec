import { deleteExpiredLimits } from '../accounts/sign-in-limits.ts'
import { hasBegunLate, readAuditHead } from '../audit/audit-chain.ts'
import { deleteExpiredAuditEvents, sealAudit } from '../audit/audit-sealing.ts'
import { deleteExcessCallers, deleteOldCallers } from '../clients/client-callers.ts'
import { deleteIdleRateLimits } from '../clients/client-rate-limits.ts'
import { deleteRetiredSecrets } from '../clients/client-secrets.ts'
import { deleteReplacedKeyPairs } from '../clients/clients.ts'
import type { LegacyOptionUses } from '../clients/legacy-option-uses.ts'
import type { SecretUses } from '../clients/secret-uses.ts'
import type { Config } from '../config/load-config.ts'
import { clockWarning, readDatabaseClock } from '../database/clock-check.ts'
import type { Database } from '../database/open-database.ts'
import { deleteStoppedServerNodes, type NodeAnnouncement } from '../database/server-nodes.ts'
import { beat, HEARTBEAT_EVERY } from '../database/service-outages.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import { deleteExpiredSigningKeys, rotateSigningKeys } from '../keys/signing-keys.ts'
import { deleteOldUsage, deleteOldUsageWriters, type Usage } from '../metrics/usage.ts'
import { deleteExpiredRefreshTokens } from '../refresh/refresh-token-families.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import type { Log } from '../shared/log.ts'
import { CHECKPOINT_EVERY, deleteOldRevocations, saveCheckpoint } from '../status/feed-cursors.ts'
import { deleteExpiredStatusLists } from '../status/status-lists.ts'
import { dropExpiredPartitions, ensurePartitions } from '../tokens/partitions.ts'
import { deleteExpiredSingleTokens } from '../tokens/single-tokens.ts'
import type { Job } from './jobs.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** The precision of a secret's last use, in milliseconds. Each secret in use costs one row update per period. */
const SECRET_USE_PRECISION = 5 * MINUTE

/** Rows per statement, few enough that nothing waits noticeably for their locks. */
const BATCH = 500

/** Repeats a bounded deletion until it deletes less than a batch. */
async function deleteAll(deleteBatch: (limit: number) => Promise<number>): Promise<void> {
  while ((await deleteBatch(BATCH)) === BATCH);
}

export interface JobServices {
  readonly config: Config
  readonly encryptionKeys: EncryptionKeys
  readonly database: Database
  readonly keyRings: KeyRings
  readonly announcement: NodeAnnouncement
  readonly secretUses: SecretUses
  readonly legacyOptionUses: LegacyOptionUses
  readonly usage: Usage
  readonly log: Log
  /** The deletions of expired rows from tables that belong to interfaces. */
  readonly deletions: readonly ((limit: number) => Promise<number>)[]
}

/**
 * Logs the head of the audit chain. Logs are stored outside the database, so that restoring an older database does not
 * hide removed entries.
 */
function createAuditHeadLog({ database, log }: JobServices): () => Promise<void> {
  let isWarned = false
  return async () => {
    const head = await readAuditHead(database.knex)
    if (!head) return
    log.info({ audit_head: `${head.seq}:${head.hash.toString('hex')}` }, 'head of the audit log')
    if (isWarned || !(await hasBegunLate(database.knex))) return
    log.warn('the audit chain was started over existing entries; run: keywright audit verify')
    // Once per start is enough: a log entry cannot be removed.
    isWarned = true
  }
}

function createClockCheck({ database, log }: JobServices): () => Promise<void> {
  return async () => {
    await readDatabaseClock(database)
    const warning = clockWarning(database)
    if (warning) log.warn({ ahead_ms: database.clock.skew() }, warning)
  }
}

/** The background jobs of a node. */
export function scheduleOf(services: JobServices): Job[] {
  const { config, database, keyRings, announcement, secretUses, legacyOptionUses, usage, encryptionKeys } = services
  const { knex } = database
  return [
    { name: 'follow signing keys', every: SECOND, alone: false, run: () => keyRings.follow() },
    { name: 'announce this node', every: SECOND, alone: false, run: () => announcement.announce() },
    { name: 'write secret uses', every: SECOND, alone: false, run: () => secretUses.flush(knex) },
    { name: 'renew secret uses', every: SECRET_USE_PRECISION, alone: false, run: async () => secretUses.reset() },
    { name: 'write legacy option uses', every: MINUTE, alone: false, run: () => legacyOptionUses.flush(knex) },
    {
      name: 'save a checkpoint of the revocation feed',
      every: CHECKPOINT_EVERY,
      alone: false,
      run: () => saveCheckpoint(knex),
    },
    { name: 'compare clocks', every: MINUTE, alone: false, run: createClockCheck(services) },
    { name: 'write a heartbeat', every: HEARTBEAT_EVERY, alone: false, run: () => beat(knex) },
    { name: 'write usage', every: 5 * SECOND, alone: false, run: () => usage.flush(knex) },
    {
      // `sealAudit` takes its own lock: it must not wait for the jobs that run alone, and must run at shutdown too.
      name: 'seal the audit log',
      every: SECOND,
      alone: false,
      async run() {
        await sealAudit(knex, encryptionKeys, BATCH)
      },
    },
    {
      name: 'prepare and drop partitions',
      every: HOUR,
      alone: true,
      async run() {
        await ensurePartitions(knex)
        await dropExpiredPartitions(knex)
      },
    },
    {
      name: 'sweep expired rows',
      every: MINUTE,
      alone: true,
      async run() {
        await deleteAll((limit) => deleteExpiredRefreshTokens(knex, limit))
        await deleteAll((limit) => deleteRetiredSecrets(knex, limit))
        await deleteAll((limit) => deleteIdleRateLimits(database, limit))
        await deleteAll((limit) => deleteExpiredLimits(knex, limit))
        await deleteAll((limit) => deleteOldRevocations(knex, limit))
        for (const deletion of services.deletions) await deleteAll(deletion)
      },
    },
    {
      name: 'sweep rows that expired long ago',
      every: HOUR,
      alone: true,
      async run() {
        await deleteAll((limit) => deleteExpiredSingleTokens(knex, limit))
        await deleteAll((limit) => deleteExpiredStatusLists(knex, limit))
        await deleteAll((limit) => deleteReplacedKeyPairs(knex, limit))
        await deleteAll((limit) => deleteStoppedServerNodes(knex, limit))
        await deleteAll((limit) => deleteOldUsage(knex, limit))
        await deleteAll((limit) => deleteOldUsageWriters(knex, limit))
        await deleteAll((limit) => deleteOldCallers(knex, limit))
        await deleteAll((limit) => deleteExcessCallers(knex, limit))
        await deleteAll((limit) => deleteExpiredAuditEvents(knex, encryptionKeys, config.auditRetention, limit))
      },
    },
    { name: 'log the head of the audit chain', every: HOUR, alone: true, run: createAuditHeadLog(services) },
    {
      name: 'rotate signing keys by age',
      every: HOUR,
      alone: true,
      async run() {
        await rotateSigningKeys(knex, encryptionKeys, { olderThanDays: config.signingKeyMaxAge })
        await deleteExpiredSigningKeys(knex)
      },
    },
  ]
}
