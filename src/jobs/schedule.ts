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

/** How exact the time of a secret's last use is, in milliseconds; every client costs one row's update in it. */
const SECRET_USE_PRECISION = 5 * MINUTE

/** Rows a statement; small enough that nothing waits noticeably for its locks. */
const BATCH = 500

/** Repeats a bounded deletion until little is left. */
async function sweep(deleteSome: (limit: number) => Promise<number>): Promise<void> {
  while ((await deleteSome(BATCH)) === BATCH);
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
  /** Deletions that faces bring, for tables of their own. */
  readonly sweeps: readonly ((limit: number) => Promise<number>)[]
}

/** Logs are kept elsewhere: whoever sets the whole database back cannot unsay what the log says of it. */
function createAuditNote({ database, log }: JobServices): () => Promise<void> {
  let isWarned = false
  return async () => {
    const head = await readAuditHead(database.knex)
    if (!head) return
    log.info({ audit_head: `${head.seq}:${head.hash.toString('hex')}` }, 'head of the audit log')
    if (isWarned || !(await hasBegunLate(database.knex))) return
    log.warn('the chain of the audit log began over a log that was there already; run: keywright audit verify')
    // Once a start: whoever has looked cannot unsay it.
    isWarned = true
  }
}

function createClockNote({ database, log }: JobServices): () => Promise<void> {
  return async () => {
    await readDatabaseClock(database)
    const warning = clockWarning(database)
    if (warning) log.warn({ ahead_ms: database.clock.skew() }, warning)
  }
}

/** What goes on beside the requests. */
export function scheduleOf(services: JobServices): Job[] {
  const { config, database, keyRings, announcement, secretUses, legacyOptionUses, usage, encryptionKeys } = services
  const { knex } = database
  return [
    { name: 'follow signing keys', every: SECOND, alone: false, run: () => keyRings.follow() },
    { name: 'announce this node', every: SECOND, alone: false, run: () => announcement.announce() },
    { name: 'write secret uses', every: SECOND, alone: false, run: () => secretUses.flush(knex) },
    { name: 'renew secret uses', every: SECRET_USE_PRECISION, alone: false, run: async () => secretUses.forget() },
    { name: 'write legacy option uses', every: MINUTE, alone: false, run: () => legacyOptionUses.flush(knex) },
    {
      name: 'save a checkpoint of the revocation feed',
      every: CHECKPOINT_EVERY,
      alone: false,
      run: () => saveCheckpoint(knex),
    },
    { name: 'compare clocks', every: MINUTE, alone: false, run: createClockNote(services) },
    { name: 'write a heartbeat', every: HEARTBEAT_EVERY, alone: false, run: () => beat(knex) },
    { name: 'write usage', every: 5 * SECOND, alone: false, run: () => usage.flush(knex) },
    {
      // One node at a time by a lock of its own: it must not wait for the others that run alone, and is to run at the end too.
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
      name: 'sweep what has expired',
      every: MINUTE,
      alone: true,
      async run() {
        await sweep((limit) => deleteExpiredRefreshTokens(knex, limit))
        await sweep((limit) => deleteRetiredSecrets(knex, limit))
        await sweep((limit) => deleteIdleRateLimits(database, limit))
        await sweep((limit) => deleteExpiredLimits(knex, limit))
        await sweep((limit) => deleteOldRevocations(knex, limit))
        for (const one of services.sweeps) await sweep(one)
      },
    },
    {
      name: 'sweep what has long expired',
      every: HOUR,
      alone: true,
      async run() {
        await sweep((limit) => deleteExpiredSingleTokens(knex, limit))
        await sweep((limit) => deleteExpiredStatusLists(knex, limit))
        await sweep((limit) => deleteReplacedKeyPairs(knex, limit))
        await sweep((limit) => deleteStoppedServerNodes(knex, limit))
        await sweep((limit) => deleteOldUsage(knex, limit))
        await sweep((limit) => deleteOldUsageWriters(knex, limit))
        await sweep((limit) => deleteOldCallers(knex, limit))
        await sweep((limit) => deleteExcessCallers(knex, limit))
        await sweep((limit) => deleteExpiredAuditEvents(knex, encryptionKeys, config.auditRetention, limit))
      },
    },
    { name: 'note the head of the audit log', every: HOUR, alone: true, run: createAuditNote(services) },
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
