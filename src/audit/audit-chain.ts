import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import type { SealedColumn } from '../database/resealing.ts'
import { lockSealingKey } from '../database/sealing-key.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { seal, unseal } from '../shared/envelope.ts'
import { KeywrightError } from '../shared/errors.ts'
import { type Actor, recordAudit } from './audit-log.ts'

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
  /** Not the bytes: Node takes five times as long for an HMAC when it makes the key from them each time. */
  readonly key: KeyObject
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

const SEALED_FOR = { purpose: 'audit chain key' } as const

export const SEALED_AUDIT_CHAIN: SealedColumn = {
  table: 'audit_chain',
  key: ['one_row'],
  column: 'sealed_key',
  purpose: SEALED_FOR.purpose,
  contextOf: () => '',
}

/** The start of a chain without deleted entries. */
const BEGINNING: Link = { seq: 0, hash: Buffer.alloc(32) }

const ACTOR: Actor = { type: 'system', id: 'audit' }

/** The entry that begins a chain over a log that was there already. Only the first can be it: others anybody may write. */
export const BEGUN_LATE = { action: 'audit.chain_begun', seq: 1 } as const

/**
 * All that an entry says, as one text, in SQL so that sealing and verifying read the same: `jsonb` writes a value in one
 * way only, and times are whole microseconds, because JavaScript would lose them.
 */
const FIELDS =
  'id, (extract(epoch FROM at) * 1000000)::bigint, action, actor_type, actor_id, account_id, target_type, target_id'

/** In format 2, commitments stand for the fields that can be erased. An id never equals the number of a format. */
export const CONTENT = `CASE format
  WHEN 1 THEN jsonb_build_array(${FIELDS}, ip, request_id, detail)
  ELSE jsonb_build_array(format, ${FIELDS}, encode(ip_commitment, 'hex'), request_id, detail,
                         encode(personal_commitment, 'hex')) END::text`

function bigEndian(seq: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(seq))
  return bytes
}

/** Before the content stand 40 bytes of fixed meaning, so that no two entries can be read from the same bytes. */
export function nextLink(key: KeyObject, previous: Link, content: string): Link {
  const seq = previous.seq + 1
  const hash = createHmac('sha256', key).update(previous.hash).update(bigEndian(seq)).update(content).digest()
  return { seq, hash }
}

/** Under a key of its own: no entry's hash can ever serve as the ends' MAC. */
function macOf(key: KeyObject, { head, base }: ChainEnds): Buffer {
  const endsKey = createHmac('sha256', key).update('ends of the audit chain').digest()
  const mac = createHmac('sha256', endsKey)
  for (const { seq, hash } of [head, base]) mac.update(bigEndian(seq)).update(hash)
  return mac.digest()
}

const toColumns = (key: KeyObject, ends: ChainEnds) => ({
  head_seq: ends.head.seq,
  head_hash: ends.head.hash,
  base_seq: ends.base.seq,
  base_hash: ends.base.hash,
  mac: macOf(key, ends),
})

function openKey(encryptionKeys: EncryptionKeys, sealed: Buffer): KeyObject {
  try {
    return createSecretKey(unseal(encryptionKeys, SEALED_FOR, sealed))
  } catch (error) {
    if (error instanceof KeywrightError) throw error
    throw new KeywrightError('conflict', "the sealed key of the audit log's chain was altered", { cause: error })
  }
}

/** @throws KeywrightError `misconfigured` (none of the encryption keys sealed the chain's), `conflict` (it was altered) */
export function toChain(row: ChainRow, encryptionKeys: EncryptionKeys): Chain {
  const key = openKey(encryptionKeys, row.sealed_key)
  const ends = {
    head: { seq: Number(row.head_seq), hash: row.head_hash },
    base: { seq: Number(row.base_seq), hash: row.base_hash },
  }
  return { key, ...ends, isGenuine: macOf(key, ends).equals(row.mac) }
}

/**
 * Begins a chain where there is none. Where entries bear seals
 * already, a chain that is gone was taken away: a new one in its place would hide that. Where they bear none, or the
 * instance is no longer new, nobody can tell an old log from one that was rewritten, so the chain begins with an entry
 * that says so.
 * @param isNew whether nothing was done on this instance yet
 */
export async function ensureAuditChain(
  db: Knex,
  encryptionKeys: EncryptionKeys,
  { isNew }: { readonly isNew: boolean },
): Promise<void> {
  if (await db<ChainRow>('audit_chain').first('one_row')) return
  await db.transaction((trx) => beginChain(trx, encryptionKeys, isNew))
}

/** The first to come begins it: what it writes from then on must not seem to the next to have been there before. */
async function beginChain(trx: Knex, encryptionKeys: EncryptionKeys, isNew: boolean): Promise<void> {
  await trx.raw(`SELECT pg_advisory_xact_lock(hashtext('keywright audit chain'))`)
  if (await trx('audit_chain').first('one_row')) return
  if (await trx('audit_log').whereNotNull('seq').first('id')) return
  const key = createSecretKey(randomBytes(32))
  const [range] = await trx('audit_log').min({ oldest: 'at' }).max({ newest: 'at' })
  const isExplained = isNew && range!.oldest === null
  const head = isExplained ? BEGINNING : await beginLate(trx, key, { ...range })
  await lockSealingKey(trx, encryptionKeys)
  const sealedKey = seal(encryptionKeys, SEALED_FOR, key.export())
  await trx('audit_chain').insert({ sealed_key: sealedKey, ...toColumns(key, { head, base: BEGINNING }) })
}

/** Sealed at once, as the first: in the second that others wait for their seals, it could be taken away. */
async function beginLate(trx: Knex, key: KeyObject, detail: Record<string, unknown>): Promise<Link> {
  const entry = { action: BEGUN_LATE.action, target: { type: 'audit_log', id: 'audit_log' }, detail }
  const [id] = await recordAudit(trx, ACTOR, entry)
  const { content } = await trx('audit_log')
    .where({ id })
    .first(trx.raw(`${CONTENT} AS content`))
  const link = nextLink(key, BEGINNING, content)
  await trx('audit_log').where({ id }).update({ seq: link.seq, chain_hash: link.hash })
  return link
}

/** Whether the chain says of itself that it began over a log that was there already, or should have been. */
export async function hasBegunLate(db: Knex): Promise<boolean> {
  return (await db('audit_log').where(BEGUN_LATE).first('id')) !== undefined
}

/**
 * The chain, held until the transaction ends.
 * @throws KeywrightError `conflict` when an entry was altered: continuing the chain would confirm it
 */
export async function lockAuditChain(trx: Knex, encryptionKeys: EncryptionKeys): Promise<Chain> {
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

export async function moveEnds(trx: Knex, key: KeyObject, ends: ChainEnds): Promise<void> {
  await trx('audit_chain').update(toColumns(key, ends))
}
