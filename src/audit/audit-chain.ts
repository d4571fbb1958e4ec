import { createHmac, randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { isSealedByOneOf, seal, unseal } from '../shared/envelope.ts'
import { KeywrightError } from '../shared/errors.ts'

/** A place in the chain: an entry's number, and the hash that stands for it and all before it (32 bytes). */
export interface Link {
  readonly seq: number
  readonly hash: Buffer
}

/** The chain's two ends. `base` is the last entry that was forgotten, so the first one kept follows it. */
export interface ChainEnds {
  readonly head: Link
  readonly base: Link
}

/** The ends as they are stored, and the key that vouches for them and for what lies between. */
export interface Chain extends ChainEnds {
  readonly key: Buffer
  /** Whether the ends are those that were last written by somebody who holds the key. */
  readonly isGenuine: boolean
}

export interface ChainRow {
  sealed_key: Buffer
  head_seq: number
  head_hash: Buffer
  base_seq: number
  base_hash: Buffer
  mac: Buffer
}

const LABEL = 'audit chain'

/** Where a chain begins of which nothing was forgotten yet. */
const BEGINNING: Link = { seq: 0, hash: Buffer.alloc(32) }

/**
 * All that an entry says, as one text, in SQL so that sealing and verifying read the same: `jsonb` writes a value in one
 * way only, and times are whole microseconds, because JavaScript would lose them.
 */
export const CONTENT = `jsonb_build_array(
  id, (extract(epoch FROM at) * 1000000)::bigint, action, actor_type, actor_id, account_id, target_type, target_id, ip,
  request_id, detail)::text`

function bigEndian(seq: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(seq))
  return bytes
}

/** Before the content stand 40 bytes of fixed meaning, so that no two entries can be read from the same bytes. */
export function nextLink(key: Buffer, previous: Link, content: string): Link {
  const seq = previous.seq + 1
  const hash = createHmac('sha256', key).update(previous.hash).update(bigEndian(seq)).update(content).digest()
  return { seq, hash }
}

/** Under a key of its own: no entry's hash can ever serve as the ends' MAC. */
function macOf(key: Buffer, { head, base }: ChainEnds): Buffer {
  const endsKey = createHmac('sha256', key).update('ends of the audit chain').digest()
  const mac = createHmac('sha256', endsKey)
  for (const { seq, hash } of [head, base]) mac.update(bigEndian(seq)).update(hash)
  return mac.digest()
}

const toColumns = (key: Buffer, ends: ChainEnds) => ({
  head_seq: ends.head.seq,
  head_hash: ends.head.hash,
  base_seq: ends.base.seq,
  base_hash: ends.base.hash,
  mac: macOf(key, ends),
})

function openKey(encryptionKeys: readonly Buffer[], sealed: Buffer): Buffer {
  try {
    return unseal(encryptionKeys, sealed, LABEL)
  } catch (error) {
    if (error instanceof KeywrightError) throw error
    throw new KeywrightError('conflict', "the sealed key of the audit log's chain was altered", { cause: error })
  }
}

/** @throws KeywrightError `misconfigured` (none of the encryption keys sealed the chain's), `conflict` (it was altered) */
export function toChain(row: ChainRow, encryptionKeys: readonly Buffer[]): Chain {
  const key = openKey(encryptionKeys, row.sealed_key)
  const ends = {
    head: { seq: Number(row.head_seq), hash: row.head_hash },
    base: { seq: Number(row.base_seq), hash: row.base_hash },
  }
  return { key, ...ends, isGenuine: macOf(key, ends).equals(row.mac) }
}

/**
 * Begins a chain where there is none, and seals its key anew under the newest encryption key. Where entries bear seals
 * already, a chain that is gone was taken away: a new one in its place would hide that.
 */
export async function ensureAuditChain(db: Knex, encryptionKeys: readonly Buffer[]): Promise<void> {
  const newest = encryptionKeys.slice(0, 1)
  const row = await db<ChainRow>('audit_chain').first('sealed_key')
  if (!row) return await beginChain(db, newest)
  if (isSealedByOneOf(newest, row.sealed_key)) return
  const again = seal(newest, openKey(encryptionKeys, row.sealed_key), LABEL)
  await db('audit_chain').where({ sealed_key: row.sealed_key }).update({ sealed_key: again })
}

async function beginChain(db: Knex, encryptionKeys: readonly Buffer[]): Promise<void> {
  if (await db('audit_log').whereNotNull('seq').first('id')) return
  const key = randomBytes(32)
  const row = {
    sealed_key: seal(encryptionKeys, key, LABEL),
    ...toColumns(key, { head: BEGINNING, base: BEGINNING }),
  }
  await db('audit_chain').insert(row).onConflict().ignore()
}

/**
 * The chain, held until the transaction ends.
 * @throws KeywrightError `conflict` when it is not as it was written: whoever went on from there would vouch for it
 */
export async function holdChain(trx: Knex, encryptionKeys: readonly Buffer[]): Promise<Chain> {
  const row = await trx<ChainRow>('audit_chain').forUpdate().first()
  const chain = row && toChain(row, encryptionKeys)
  if (chain?.isGenuine) return chain
  throw new KeywrightError('conflict', "the audit log's chain is not as it was written; run: keywright audit verify")
}

/** The newest link, to be noted elsewhere: undefined before anything was sealed. */
export async function readAuditHead(db: Knex): Promise<Link | undefined> {
  const row = await db<ChainRow>('audit_chain').where('head_seq', '>', 0).first('head_seq', 'head_hash')
  return row && { seq: row.head_seq, hash: row.head_hash }
}

export async function moveEnds(trx: Knex, key: Buffer, ends: ChainEnds): Promise<void> {
  await trx('audit_chain').update(toColumns(key, ends))
}
