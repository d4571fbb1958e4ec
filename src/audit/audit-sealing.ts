import type { Knex } from 'knex'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { KeywrightError } from '../shared/errors.ts'
import { type Chain, CONTENT, type Link, lockAuditChain, moveEnds, nextLink } from './audit-chain.ts'
import { IS_INTACT } from './audit-commitments.ts'

/** An entry as it is to be sealed. */
interface Unsealed {
  id: string
  content: string
}

/** One that was sealed, as it is now; `seq` and `chain_hash` are what it claims. */
export interface Sealed extends Unsealed {
  /** A text where it is too large to be a number, as none of ours is. */
  seq: number | string
  chain_hash: Buffer
}

/** Whether another is at it already, who then seals this one's too. */
async function isMine(trx: Knex): Promise<boolean> {
  const { rows } = await trx.raw(`SELECT pg_try_advisory_xact_lock(hashtext('keywright audit sealing')) AS mine`)
  return rows[0].mine
}

function linksOf(chain: Chain, entries: readonly Unsealed[]): Link[] {
  let last = chain.head
  return entries.map(({ content }) => {
    last = nextLink(chain.key, last, content)
    return last
  })
}

async function writeSeals(trx: Knex, entries: readonly Unsealed[], links: readonly Link[]): Promise<void> {
  const seals = entries.map(({ id }, n) => ({ id, seq: links[n]!.seq, hash: links[n]!.hash.toString('hex') }))
  const { rowCount } = await trx.raw(
    `UPDATE audit_log l SET seq = s.seq, chain_hash = decode(s.hash, 'hex')
       FROM json_to_recordset(?) AS s(id uuid, seq bigint, hash text)
      WHERE l.id = s.id AND l.seq IS NULL`,
    [JSON.stringify(seals)],
  )
  // A concurrent deletion holds the lock: the remaining entries are sealed at the next run.
  if (rowCount !== entries.length) throw new KeywrightError('conflict', 'audit entries vanished while they were sealed')
}

/** Entries whose IDs are read at once: each read passes what was sealed and is not vacuumed yet. */
const MAX_LISTED = 10_000

/**
 * The entries without a seal, in the order in which they were recorded: under the locks of their changes. (`at` is the start of the
 * transaction: of two changes of one object that waited for each other, the later one may have begun earlier.) Together with an entry,
 * one statement sees all earlier ones of its object, so they are listed once and not by each batch.
 */
async function listUnsealed(knex: Knex): Promise<string[]> {
  const { rows } = await knex.raw(
    'SELECT id FROM audit_log WHERE seq IS NULL ORDER BY coalesce(recorded_at, at), id LIMIT ?',
    [MAX_LISTED],
  )
  return rows.map(({ id }: { id: string }) => id)
}

/** Those of the entries that nobody has sealed meanwhile, in their order. */
async function readUnsealed(trx: Knex, ids: readonly string[]): Promise<Unsealed[]> {
  const { rows } = await trx.raw(
    `SELECT id, ${CONTENT} AS content FROM unnest(?::uuid[]) WITH ORDINALITY AS listed (listed_id, place)
       JOIN audit_log ON id = listed_id WHERE seq IS NULL ORDER BY place`,
    [ids] as never,
  )
  return rows
}

/** Returns how many were sealed; undefined: another node is at it. */
async function sealSome(
  knex: Knex,
  encryptionKeys: EncryptionKeys,
  ids: readonly string[],
): Promise<number | undefined> {
  return await knex.transaction(async (trx) => {
    if (!(await isMine(trx))) return undefined
    const chain = await lockAuditChain(trx, encryptionKeys)
    const entries = await readUnsealed(trx, ids)
    if (entries.length === 0) return 0
    const links = linksOf(chain, entries)
    await writeSeals(trx, entries, links)
    await moveEnds(trx, chain.key, { head: links.at(-1)!, base: chain.base })
    return entries.length
  })
}

/**
 * Gives every entry that is committed and bears no seal yet its place in the chain, `batch` in a transaction; answers how
 * many. They are found by having no seal and not by their time: a transaction that was long under way commits entries older than
 * others that are sealed already.
 */
export async function sealAudit(knex: Knex, encryptionKeys: EncryptionKeys, batch: number): Promise<number> {
  let count = 0
  for (;;) {
    const ids = await listUnsealed(knex)
    for (let from = 0; from < ids.length; from += batch) {
      const sealed = await sealSome(knex, encryptionKeys, ids.slice(from, from + batch))
      if (sealed === undefined) return count
      count += sealed
    }
    if (ids.length < MAX_LISTED) return count
  }
}

/** @throws KeywrightError `conflict` */
function follow(chain: Chain, previous: Link, entry: Sealed & { is_intact: boolean }): Link {
  const link = nextLink(chain.key, previous, entry.content)
  if (entry.is_intact && link.seq === Number(entry.seq) && link.hash.equals(entry.chain_hash)) return link
  throw new KeywrightError(
    'conflict',
    `audit entry ${link.seq} is not as it was written, and nothing is forgotten past it; run: keywright audit verify`,
  )
}

/**
 * Deletes at most `limit` of the chain's first entries, as long as they are older than `days`; answers how many went. Each
 * is checked before it goes: a false date would otherwise be a way to have the log forget what it should keep.
 * @throws KeywrightError `conflict` when one was altered or removed
 */
export async function deleteExpiredAuditEvents(
  knex: Knex,
  encryptionKeys: EncryptionKeys,
  days: number,
  limit: number,
): Promise<number> {
  return await knex.transaction(async (trx) => {
    const chain = await lockAuditChain(trx, encryptionKeys)
    const { rows } = await trx.raw(
      `SELECT id, seq, chain_hash, ${CONTENT} AS content, ${IS_INTACT} AS is_intact, at < now() - make_interval(days => ?) AS is_old
         FROM audit_log WHERE seq > ? ORDER BY seq LIMIT ?`,
      [days, chain.base.seq, limit],
    )
    const entries: (Sealed & { is_intact: boolean; is_old: boolean })[] = rows
    const firstKept = entries.findIndex((entry) => !entry.is_old)
    const due = firstKept < 0 ? entries : entries.slice(0, firstKept)
    if (due.length === 0) return 0
    const base = due.reduce((previous, entry) => follow(chain, previous, entry), chain.base)
    await trx('audit_log').where('seq', '>', chain.base.seq).where('seq', '<=', base.seq).delete()
    await moveEnds(trx, chain.key, { head: chain.head, base })
    return due.length
  })
}
