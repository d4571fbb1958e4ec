import { hasBegunLate, readAuditHead } from '../audit/audit-chain.ts'
import { sealAudit } from '../audit/audit-sealing.ts'
import type { ClientUsage } from '../clients/client-usage.ts'
import type { KeyFetches } from '../clients/key-fetches.ts'
import type { LegacyOptionUses } from '../clients/legacy-option-uses.ts'
import type { Refusals } from '../clients/refusals.ts'
import { addExpiryNotices } from '../clients/secret-expiry.ts'
import type { SecretUses } from '../clients/secret-uses.ts'
import { retireUnusedSecrets } from '../clients/unused-secret-retirement.ts'
import type { Config } from '../config/load-config.ts'
import { clockWarning, readDatabaseClock } from '../database/clock-check.ts'
import type { Database } from '../database/open-database.ts'
import type { NodeAnnouncement } from '../database/server-nodes.ts'
import { beat, HEARTBEAT_EVERY } from '../database/service-outages.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import { deleteExpiredRevokedKeys } from '../keys/signing-key-revocation.ts'
import { deleteExpiredSigningKeys, rotateSigningKeys } from '../keys/signing-keys.ts'
import type { MailDelivery } from '../mail/mail-delivery.ts'
import type { Usage } from '../metrics/usage.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import type { Log } from '../shared/log.ts'
import { CHECKPOINT_EVERY, saveCheckpoint } from '../status/feed-cursors.ts'
import { type RevocationFollowers, WRITE_FOLLOWERS_EVERY } from '../status/revocation-followers.ts'
import { dropExpiredPartitions, ensurePartitions } from '../tokens/partitions.ts'
import type { WebhookSender } from '../webhooks/webhook-sender.ts'
import type { Deletion } from './expired-rows.ts'
import type { Job } from './jobs.ts'
import { continuePendingDeletions, type Deletions, deleteExpiredRegistrations } from './pending-deletions.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** The precision of a secret's last use, in milliseconds. Each secret in use costs one row update per period. */
const SECRET_USE_PRECISION = 5 * MINUTE

/** Rows per statement, few enough that nothing waits noticeably for their locks. */
const BATCH = 500

/** Repeats a bounded deletion until it deletes less than a batch. */
async function deleteAll(deleteBatch: Deletion): Promise<void> {
  while ((await deleteBatch(BATCH)) === BATCH);
}

export interface JobServices {
  readonly config: Config
  readonly encryptionKeys: EncryptionKeys
  readonly database: Database
  readonly keyRings: KeyRings
  readonly announcement: NodeAnnouncement
  readonly secretUses: SecretUses
  readonly clientUsage: ClientUsage
  readonly refusals: Refusals
  readonly revocationFollowers: RevocationFollowers
  readonly webhookSender: WebhookSender
  readonly legacyOptionUses: LegacyOptionUses
  readonly keyFetches: KeyFetches
  readonly usage: Usage
  /** Undefined: this node sends no e-mail. */
  readonly mailDelivery: MailDelivery | undefined
  readonly log: Log
  /** The deletions of expired rows from tables that belong to interfaces. */
  readonly deletions: readonly Deletion[]
  loadDeletions(): Promise<Deletions>
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

/** Sending waits for no other job: nothing holds a transaction open while the SMTP server works. */
const mailJobs = ({ database: { knex }, mailDelivery }: JobServices): Job[] =>
  mailDelivery
    ? [
        {
          name: 'request new passwords',
          every: SECOND,
          alone: false,
          async run() {
            const { processResetRequests } = await import('../accounts/password-reset-requests.ts')
            await deleteAll((limit) => processResetRequests(knex, limit))
          },
        },
        {
          name: 'add notices',
          every: SECOND,
          alone: false,
          run: async () => (await import('../notices/notice-messages.ts')).addNotices(knex, BATCH),
        },
        { name: 'send e-mail', every: SECOND, alone: false, run: () => mailDelivery.run() },
      ]
    : []

/** The background jobs of a node. */
export function scheduleOf(services: JobServices): Job[] {
  const { config, database, keyRings, announcement, secretUses, legacyOptionUses, usage, encryptionKeys } = services
  const { clientUsage, refusals, revocationFollowers } = services
  const { knex } = database
  return [
    { name: 'follow signing keys', every: SECOND, alone: false, run: () => keyRings.follow() },
    { name: 'announce this node', every: SECOND, alone: false, run: () => announcement.announce(keyRings.version) },
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
    { name: 'write client usage', every: 5 * SECOND, alone: false, run: (isLast) => clientUsage.flush(knex, isLast) },
    {
      name: 'write followers of revocations',
      every: WRITE_FOLLOWERS_EVERY,
      alone: false,
      run: () => revocationFollowers.flush(knex),
    },
    { name: 'write refusals', every: SECOND, alone: false, run: (isLast) => refusals.flush(knex, isLast) },
    {
      // `sealAudit` takes its own lock: it must not wait for the jobs that run alone, and must run at shutdown too.
      name: 'seal the audit log',
      every: SECOND,
      alone: false,
      async run() {
        await sealAudit(knex, encryptionKeys, BATCH)
      },
    },
    ...mailJobs(services),
    {
      name: 'deliver webhooks',
      every: SECOND,
      alone: false,
      run: (isLast) => services.webhookSender.run(isLast),
    },
    {
      // Each node takes some: a slow URL holds up no job that runs alone.
      name: 'fetch keys of clients',
      every: 5 * SECOND,
      alone: false,
      run: (isLast) => (isLast ? Promise.resolve() : services.keyFetches.fetchDue()),
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
      name: 'delete objects',
      every: 5 * SECOND,
      alone: true,
      run: () => continuePendingDeletions(knex, services.loadDeletions, BATCH),
    },
    {
      name: 'delete unused registrations',
      every: MINUTE,
      alone: true,
      run: () => deleteAll((limit) => deleteExpiredRegistrations(knex, services.loadDeletions, limit)),
    },
    {
      name: 'retire unused secrets',
      every: MINUTE,
      alone: true,
      run: () => deleteAll((limit) => retireUnusedSecrets(knex, limit)),
    },
    {
      name: 'note secrets that expire soon',
      every: HOUR,
      alone: true,
      run: () => deleteAll((limit) => addExpiryNotices(knex, limit)),
    },
    {
      name: 'sweep expired rows',
      every: MINUTE,
      alone: true,
      async run() {
        const { expiredRows } = await import('./expired-rows.ts')
        for (const deletion of [...expiredRows(database), ...services.deletions]) await deleteAll(deletion)
      },
    },
    {
      name: 'sweep rows that expired long ago',
      every: HOUR,
      alone: true,
      async run() {
        const { oldRows } = await import('./expired-rows.ts')
        for (const deletion of oldRows(services)) await deleteAll(deletion)
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
        await deleteExpiredRevokedKeys(knex)
      },
    },
  ]
}
