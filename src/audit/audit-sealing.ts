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

/** An entry's place in the order of time; a text, for a `Date` would lose the microseconds. */
interface Moment {
  readonly at: string
  readonly id: string
}

const THE_FIRST: Moment = { at: '-infinity', id: '00000000-0000-0000-0000-000000000000' }

interface UnsealedRow extends Unsealed {
  at: string
  /** Microseconds since 1970. */
  recorded_at: number
}

/** In the order of the index. */
async function readUnsealed(trx: Knex, after: Moment, limit: number): Promise<UnsealedRow[]> {
  const { rows } = await trx.raw(
    `SELECT id, at::text AS at, ${CONTENT} AS content,
            (extract(epoch FROM coalesce(recorded_at, at)) * 1000000)::bigint AS recorded_at FROM audit_log
      WHERE seq IS NULL AND (at, id) > (?::timestamptz, ?::uuid) ORDER BY at, id LIMIT ?`,
    [after.at, after.id, limit],
  )
  return rows
}

async function sealSome(knex: Knex, encryptionKeys: EncryptionKeys, after: Moment, limit: number): Promise<Moment[]> {
  return await knex.transaction(async (trx) => {
    if (!(await isMine(trx))) return []
    const chain = await lockAuditChain(trx, encryptionKeys)
    const entries = await readUnsealed(trx, after, limit)
    if (entries.length === 0) return []
    // Of two changes of one object that waited for each other, the later one may have begun earlier.
    const inOrder = entries.toSorted((one, other) => one.recorded_at - other.recorded_at)
    const links = linksOf(chain, inOrder)
    await writeSeals(trx, inOrder, links)
    await moveEnds(trx, chain.key, { head: links.at(-1)!, base: chain.base })
    return entries
  })
}

/**
 * Gives every entry that is committed and bears no seal yet its place in the chain, `batch` in a transaction; answers how
 * many. They are found by having no seal and not by their time, which is that of their transaction's start: one that was
 * long under way commits entries older than others that are sealed already.
 */
export async function sealAudit(knex: Knex, encryptionKeys: EncryptionKeys, batch: number): Promise<number> {
  if (!(await knex('audit_log').whereNull('seq').first('id'))) return 0
  let count = 0
  let after = THE_FIRST
  for (;;) {
    // From where the last batch ended: what it left behind in the index would be passed by each batch anew.
    const sealed = await sealSome(knex, encryptionKeys, after, batch)
    count += sealed.length
    if (sealed.length < batch) return count
    after = sealed.at(-1)!
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
