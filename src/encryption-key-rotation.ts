import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import { SEALED_IDEMPOTENT_RESPONSES } from './api/idempotency.ts'
import { SEALED_AUDIT_CHAIN } from './audit/audit-chain.ts'
import { type Actor, recordAudit } from './audit/audit-log.ts'
import { countSealed, resealColumn, type SealedColumn } from './database/resealing.ts'
import { listServerNodes, type ServerNode } from './database/server-nodes.ts'
import { SEALED_SIGNING_KEYS, touchRing } from './keys/signing-keys.ts'
import { SEALED_ENGINE_MODELS } from './oidc/adapter.ts'
import type { EncryptionKeys } from './shared/encryption-keys.ts'
import { KeywrightError } from './shared/errors.ts'

/** Without these no node can work: they change with the key, in one transaction. */
const VITAL = [SEALED_SIGNING_KEYS, SEALED_AUDIT_CHAIN]

/** Sessions, interactions, codes and the like, of which there may be many. */
const PASSING = [SEALED_ENGINE_MODELS, SEALED_IDEMPOTENT_RESPONSES]

/** How often the nodes are looked at while they take over the new key, in milliseconds. */
const LOOK_EVERY = 200

/** What was sealed with the earlier key before a node took over the new one may be written a moment later. */
const MOST_PASSES = 5

export interface EncryptionKeyRotation {
  /** The id of the key that seals now. */
  readonly sealingKey: string
  /** The id of the key that sealed before; the same when nothing changed. */
  readonly previousKey: string
  /** How many values were sealed anew, by table. */
  readonly resealed: Readonly<Record<string, number>>
}

export interface RotationOptions {
  readonly actor: Actor
  /** Whether to go on although a running node lacks the new key; it is not ready from then on. */
  readonly force: boolean
}

const nameOf = ({ host, pid }: ServerNode): string => `${host} (pid ${pid})`

/** @throws KeywrightError `conflict`, naming the nodes */
async function refuseWhileLacking(trx: Knex, id: string): Promise<void> {
  const lacking = (await listServerNodes(trx)).filter((node) => !node.encryptionKeys.includes(id))
  if (lacking.length === 0) return
  throw new KeywrightError(
    'conflict',
    `these nodes lack the first key of ENCRYPTION_KEY (id ${id}): ${lacking.map(nameOf).join(', ')}; ` +
      'restart them with a list that holds it, or pass --force',
  )
}

async function resealAll(db: Knex, keys: EncryptionKeys, columns: readonly SealedColumn[]) {
  const resealed: Record<string, number> = {}
  for (const column of columns) resealed[column.table] = await resealColumn(db, keys, column)
  return resealed
}

const total = (resealed: Record<string, number>): number => Object.values(resealed).reduce((sum, one) => sum + one, 0)

/** Makes the first key of the list the one that seals, for every node. */
async function changeKey(trx: Knex, keys: EncryptionKeys, { actor, force }: RotationOptions) {
  const { id } = keys.all[0]!
  await touchRing(trx)
  const { sealing_key } = await trx('key_ring').first<{ sealing_key: string | null }>('sealing_key')
  if (!force) await refuseWhileLacking(trx, id)
  await trx('key_ring').update({ sealing_key: id })
  keys.sealWith(id)
  const resealed = await resealAll(trx, keys, VITAL)
  const previousKey = sealing_key ?? id
  const target = { type: 'encryption_key', id }
  if (previousKey !== id) {
    await recordAudit(trx, actor, { action: 'encryption_key.rotated', target, detail: { previous: previousKey } })
  }
  return { previousKey, resealed }
}

/** A node that holds the key takes it over within seconds, or falls silent and is taken for dead. */
async function untilNodesSealWith(knex: Knex, id: string): Promise<void> {
  const isBehind = (node: ServerNode) => node.encryptionKeys.includes(id) && node.sealingKey !== id
  while ((await listServerNodes(knex)).some(isBehind)) await sleep(LOOK_EVERY)
}

async function resealPassing(knex: Knex, keys: EncryptionKeys): Promise<Record<string, number>> {
  const all: Record<string, number> = {}
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    const resealed = await resealAll(knex, keys, PASSING)
    for (const [table, count] of Object.entries(resealed)) all[table] = (all[table] ?? 0) + count
    if (total(resealed) === 0) break
  }
  return all
}

/**
 * Lets the first key of `ENCRYPTION_KEY` seal, on every node, and seals everything in the database with it. Repeated, it
 * finishes what an earlier call did not.
 * @throws KeywrightError `conflict` while a running node lacks the key
 */
export async function rotateEncryptionKey(
  knex: Knex,
  keys: EncryptionKeys,
  options: RotationOptions,
): Promise<EncryptionKeyRotation> {
  const changed = await knex.transaction((trx) => changeKey(trx, keys, options))
  await untilNodesSealWith(knex, keys.sealing.id)
  const resealed = { ...changed.resealed, ...(await resealPassing(knex, keys)) }
  return { sealingKey: keys.sealing.id, previousKey: changed.previousKey, resealed }
}

/** A key that the list holds, that seals something in the database, or that a node holds. */
export interface EncryptionKeyView {
  readonly id: string
  /** Whether it seals new values. */
  readonly isSealing: boolean
  /** Whether this process holds it. */
  readonly isHeld: boolean
  /** How many values it sealed. */
  readonly values: number
  /** How many running nodes hold it. */
  readonly nodes: number
}

async function countAll(knex: Knex): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const column of [...VITAL, ...PASSING]) {
    for (const [id, count] of await countSealed(knex, column)) counts.set(id, (counts.get(id) ?? 0) + count)
  }
  return counts
}

/** The keys in the list's order; then those that it lacks. */
export async function listEncryptionKeys(knex: Knex, keys: EncryptionKeys): Promise<EncryptionKeyView[]> {
  const [counts, nodes] = [await countAll(knex), await listServerNodes(knex)]
  const known = [keys.all.map(({ id }) => id), [...counts.keys()], nodes.flatMap((node) => node.encryptionKeys)]
  return [...new Set(known.flat())].map((id) => ({
    id,
    isSealing: id === keys.sealing.id,
    isHeld: keys.find(id) !== undefined,
    values: counts.get(id) ?? 0,
    nodes: nodes.filter((node) => node.encryptionKeys.includes(id)).length,
  }))
}
