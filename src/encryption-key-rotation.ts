import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import { SEALED_IDEMPOTENT_RESPONSES } from './api/idempotency.ts'
import { SEALED_AUDIT_CHAIN } from './audit/audit-chain.ts'
import { type Actor, recordAudit } from './audit/audit-log.ts'
import { countSealed, resealColumn, type SealedColumn } from './database/resealing.ts'
import { listServerNodes, type ServerNode } from './database/server-nodes.ts'
import { SEALED_TOTP_SECRETS } from './factors/totp-factors.ts'
import { SEALED_UPSTREAM_SECRETS } from './identity-providers/identity-provider-secrets.ts'
import { SEALED_SIGNING_KEYS, touchRing } from './keys/signing-keys.ts'
import { SEALED_ENGINE_MODELS } from './oidc/adapter.ts'
import type { EncryptionKeys } from './shared/encryption-keys.ts'
import { KeywrightError } from './shared/errors.ts'
import { SEALED_WEBHOOK_SECRETS } from './webhooks/webhook-secrets.ts'

/** Columns that every node needs to work: they are resealed in the transaction that changes the key. */
const REQUIRED_COLUMNS = [SEALED_SIGNING_KEYS, SEALED_AUDIT_CHAIN, SEALED_UPSTREAM_SECRETS, ...SEALED_WEBHOOK_SECRETS]

/** Columns that may have many rows, such as those of sessions and codes: resealed page by page, after the key has changed. */
const LARGE_COLUMNS = [SEALED_ENGINE_MODELS, SEALED_IDEMPOTENT_RESPONSES, SEALED_TOTP_SECRETS]

/** Milliseconds between two checks of whether the nodes use the new key. */
const POLL_INTERVAL = 200

/** A value that a node sealed with the earlier key may be committed after a pass, which a further pass reseals. */
const MAX_PASSES = 5

export interface EncryptionKeyRotation {
  /** The ID of the sealing key. */
  readonly sealingKey: string
  /** The ID of the previous sealing key; the same when nothing changed. */
  readonly previousKey: string
  /** How many values were resealed, by table. */
  readonly resealed: Readonly<Record<string, number>>
}

export interface RotationOptions {
  readonly actor: Actor
  /** Whether to continue although a running node lacks the new key. That node stops being ready. */
  readonly force: boolean
}

const nameOf = ({ host, pid }: ServerNode): string => `${host} (pid ${pid})`

/** @throws KeywrightError `conflict`, naming the nodes */
async function checkNodesHaveKey(trx: Knex, id: string): Promise<void> {
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
  for (const column of columns) {
    resealed[column.table] = (resealed[column.table] ?? 0) + (await resealColumn(db, keys, column))
  }
  return resealed
}

const total = (resealed: Record<string, number>): number => Object.values(resealed).reduce((sum, one) => sum + one, 0)

/** Makes the first key of the list the sealing key of every node. */
async function changeKey(trx: Knex, keys: EncryptionKeys, { actor, force }: RotationOptions) {
  const { id } = keys.all[0]!
  await touchRing(trx)
  const { sealing_key } = await trx('key_ring').first<{ sealing_key: string | null }>('sealing_key')
  if (!force) await checkNodesHaveKey(trx, id)
  await trx('key_ring').update({ sealing_key: id })
  keys.sealWith(id)
  const resealed = await resealAll(trx, keys, REQUIRED_COLUMNS)
  const previousKey = sealing_key ?? id
  const target = { type: 'encryption_key', id }
  if (previousKey !== id) {
    await recordAudit(trx, actor, { action: 'encryption_key.rotated', target, detail: { previous: previousKey } })
  }
  return { previousKey, resealed }
}

/** Waits until every node seals with the key. A node without a heartbeat counts as stopped. */
async function waitForNodes(knex: Knex, id: string): Promise<void> {
  const isBehind = (node: ServerNode) => node.encryptionKeys.includes(id) && node.sealingKey !== id
  while ((await listServerNodes(knex)).some(isBehind)) await sleep(POLL_INTERVAL)
}

async function resealLarge(knex: Knex, keys: EncryptionKeys): Promise<Record<string, number>> {
  const all: Record<string, number> = {}
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const resealed = await resealAll(knex, keys, LARGE_COLUMNS)
    for (const [table, count] of Object.entries(resealed)) all[table] = (all[table] ?? 0) + count
    if (total(resealed) === 0) break
  }
  return all
}

/**
 * Makes the first key of `ENCRYPTION_KEY` the sealing key of every node, and reseals the database with it. A repeated call
 * finishes what an earlier one did not.
 * @throws KeywrightError `conflict` while a running node lacks the key
 */
export async function rotateEncryptionKey(
  knex: Knex,
  keys: EncryptionKeys,
  options: RotationOptions,
): Promise<EncryptionKeyRotation> {
  const changed = await knex.transaction((trx) => changeKey(trx, keys, options))
  await waitForNodes(knex, keys.sealing.id)
  const resealed = { ...changed.resealed, ...(await resealLarge(knex, keys)) }
  return { sealingKey: keys.sealing.id, previousKey: changed.previousKey, resealed }
}

/** A key in the list, of a node, or of a value in the database. */
export interface EncryptionKeyView {
  readonly id: string
  /** Whether it seals new values. */
  readonly isSealing: boolean
  /** Whether this process has it. */
  readonly isHeld: boolean
  /** How many values it sealed. */
  readonly values: number
  /** How many running nodes have it. */
  readonly nodes: number
}

async function countAll(knex: Knex): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const column of [...REQUIRED_COLUMNS, ...LARGE_COLUMNS]) {
    for (const [id, count] of await countSealed(knex, column)) counts.set(id, (counts.get(id) ?? 0) + count)
  }
  return counts
}

/** The keys in the list's order, then the others. */
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
