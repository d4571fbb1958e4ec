import { sweepSignInLimits } from '../accounts/sign-in-limits.ts'
import { hasBegunLate, readAuditHead } from '../audit/audit-chain.ts'
import { forgetAudit, sealAudit } from '../audit/audit-sealing.ts'
import { sweepCallers, sweepCrowdedCallers } from '../clients/client-callers.ts'
import { sweepRateLimits } from '../clients/client-rate-limits.ts'
import { forgetRetiredSecrets } from '../clients/client-secrets.ts'
import { forgetReplacedKeyPairs } from '../clients/clients.ts'
import type { Concessions } from '../clients/legacy-option-uses.ts'
import type { SecretUses } from '../clients/secret-uses.ts'
import type { Config } from '../config/load-config.ts'
import { clockWarning, readDatabaseClock } from '../database/clock-check.ts'
import type { Database } from '../database/open-database.ts'
import { type NodeAnnouncement, sweepServerNodes } from '../database/server-nodes.ts'
import { beat, HEARTBEAT_EVERY } from '../database/service-outages.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import { forgetSigningKeys, rotateSigningKeys } from '../keys/signing-keys.ts'
import { sweepUsage, sweepUsageWriters, type Usage } from '../metrics/usage.ts'
import { sweepRefreshTokens } from '../refresh/refresh-token-families.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import type { Log } from '../shared/log.ts'
import { MARK_EVERY, markPosition, sweepRevocations } from '../status/feed-cursors.ts'
import { sweepStatusLists } from '../status/status-lists.ts'
import { dropExpiredPartitions, ensurePartitions } from '../tokens/partitions.ts'
import { sweepSlots } from '../tokens/single-tokens.ts'
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
  readonly concessions: Concessions
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
  const { config, database, keyRings, announcement, secretUses, concessions, usage, encryptionKeys } = services
  const { knex } = database
  return [
    { name: 'follow signing keys', every: SECOND, alone: false, run: () => keyRings.follow() },
    { name: 'announce this node', every: SECOND, alone: false, run: () => announcement.announce() },
    { name: 'write secret uses', every: SECOND, alone: false, run: () => secretUses.flush(knex) },
    { name: 'renew secret uses', every: SECRET_USE_PRECISION, alone: false, run: async () => secretUses.forget() },
    { name: 'write concessions', every: MINUTE, alone: false, run: () => concessions.flush(knex) },
    { name: 'mark the position of revocations', every: MARK_EVERY, alone: false, run: () => markPosition(knex) },
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
        await sweep((limit) => sweepRefreshTokens(knex, limit))
        await sweep((limit) => forgetRetiredSecrets(knex, limit))
        await sweep((limit) => sweepRateLimits(database, limit))
        await sweep((limit) => sweepSignInLimits(knex, limit))
        await sweep((limit) => sweepRevocations(knex, limit))
        for (const one of services.sweeps) await sweep(one)
      },
    },
    {
      name: 'sweep what has long expired',
      every: HOUR,
      alone: true,
      async run() {
        await sweep((limit) => sweepSlots(knex, limit))
        await sweep((limit) => sweepStatusLists(knex, limit))
        await sweep((limit) => forgetReplacedKeyPairs(knex, limit))
        await sweep((limit) => sweepServerNodes(knex, limit))
        await sweep((limit) => sweepUsage(knex, limit))
        await sweep((limit) => sweepUsageWriters(knex, limit))
        await sweep((limit) => sweepCallers(knex, limit))
        await sweep((limit) => sweepCrowdedCallers(knex, limit))
        await sweep((limit) => forgetAudit(knex, encryptionKeys, config.auditRetention, limit))
      },
    },
    { name: 'note the head of the audit log', every: HOUR, alone: true, run: createAuditNote(services) },
    {
      name: 'rotate signing keys by age',
      every: HOUR,
      alone: true,
      async run() {
        await rotateSigningKeys(knex, encryptionKeys, { olderThanDays: config.signingKeyMaxAge })
        await forgetSigningKeys(knex)
      },
    },
  ]
}
