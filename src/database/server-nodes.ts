import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Knex } from 'knex'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { followSealingKey } from './sealing-key.ts'

/** How often a server process says that it lives, in milliseconds. */
const SAY_EVERY = 5000

/** One that has said nothing for so many seconds is taken for dead. */
const SILENT_FOR = 30

/** A server process as it announced itself. */
export interface ServerNode {
  readonly host: string
  readonly pid: number
  /** The ids of the encryption keys that it holds. */
  readonly encryptionKeys: readonly string[]
  /** The id of the one with which it seals. */
  readonly sealingKey: string | null
}

/** How a server process shows the others that it runs, and with which keys. */
export interface NodeAnnouncement {
  /** Writes when something changed, and every few seconds. @param keyRingVersion what the process uses; null: not known */
  announce(keyRingVersion: number | null): Promise<void>
  /** Deletes what was announced, and ends announcements: none that was under way survives it. */
  withdraw(): Promise<void>
}

/**
 * Announces this process. A rotation of the encryption key counts the nodes under the same lock: either it sees this node,
 * or this node sees the new key.
 * @throws KeywrightError `misconfigured` when the process lacks the key that seals now
 */
export async function announceNode(knex: Knex, keys: EncryptionKeys): Promise<NodeAnnouncement> {
  const id = randomUUID()
  let said: { key: string; version: number | null; at: number } = { key: '', version: null, at: 0 }
  const underWay = new Set<Promise<void>>()
  let isWithdrawn = false

  async function write(db: Knex, version: number | null): Promise<void> {
    const now = {
      encryption_keys: keys.all.map((key) => key.id),
      sealing_key: keys.sealing.id,
      key_ring_version: version,
    }
    const row = { id, host: hostname(), pid: process.pid, ...now }
    await db('server_nodes')
      .insert(row)
      .onConflict('id')
      .merge({ ...now, seen_at: db.raw('clock_timestamp()') })
    said = { key: now.sealing_key, version, at: performance.now() }
  }

  await knex.transaction(async (trx) => {
    const row = await trx('key_ring').forShare().first<{ sealing_key: string | null }>('sealing_key')
    followSealingKey(keys, row.sealing_key)
    await write(trx, null)
  })
  return {
    async announce(version) {
      const isSaid = said.key === keys.sealing.id && said.version === version
      if (isWithdrawn || (isSaid && performance.now() - said.at < SAY_EVERY)) return
      const writing = write(knex, version)
      underWay.add(writing)
      await writing.finally(() => underWay.delete(writing))
    },
    async withdraw() {
      isWithdrawn = true
      await Promise.allSettled(underWay)
      await knex('server_nodes').where({ id }).delete()
    },
  }
}

/** The server processes that run. */
export async function listServerNodes(db: Knex): Promise<ServerNode[]> {
  const rows = await db('server_nodes')
    .whereRaw('seen_at > clock_timestamp() - make_interval(secs => ?)', [SILENT_FOR])
    .orderBy(['host', 'pid'])
  return rows.map(({ host, pid, encryption_keys, sealing_key }) => ({
    host,
    pid,
    encryptionKeys: encryption_keys,
    sealingKey: sealing_key,
  }))
}

/** How many running processes do not use this version of the key ring yet, or a later one. */
export async function countNodesBefore(db: Knex, keyRingVersion: number): Promise<number> {
  const [row] = await db('server_nodes')
    .whereRaw('seen_at > clock_timestamp() - make_interval(secs => ?)', [SILENT_FOR])
    .whereRaw('coalesce(key_ring_version, -1) < ?', [keyRingVersion])
    .count('* AS nodes')
  return Number(row!.nodes)
}

/** Deletes at most `limit` rows of processes that ended without a word. */
export async function deleteStoppedServerNodes(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM server_nodes WHERE id IN (
       SELECT id FROM server_nodes WHERE seen_at < now() - interval '1 hour' LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [limit],
  )
  return rowCount
}
