import type { Knex } from 'knex'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { BEGUN_LATE, type Chain, type ChainRow, CONTENT, type Link, nextLink, toChain } from './audit-chain.ts'
import { ERASED_OF, IS_INTACT } from './audit-commitments.ts'
import { createErasureCheck, ERASING_ACTION, type Erasable } from './audit-erasure-check.ts'
import type { Sealed } from './audit-sealing.ts'

/**
 * What is wrong with an entry: `altered` is no longer what was sealed; `removed` is gone; `forged` was never sealed by
 * us; with `begun` a chain began over a log that was there already, which nothing vouches for: a fault until a head of
 * that chain is expected. Of a head that was noted earlier: `replaced` is another by now; `forgotten` was old enough to
 * go, so nothing can be said of it; `misdated` claims a time long before entries that were sealed earlier, or in the
 * future, so somebody else wrote it; of `erased`, a personal field was erased although no event says that its user was deleted.
 * Without `seq` it is the chain's own row that was forged or removed.
 */
export interface AuditViolation {
  readonly seq: number | null
  readonly id: string | null
  readonly violation: 'altered' | 'removed' | 'forged' | 'begun' | 'replaced' | 'forgotten' | 'misdated' | 'erased'
}

export interface AuditVerdict {
  readonly verified: boolean
  /** Sealed ones that were looked at. */
  readonly entries: number
  /** Among them, those with an erased field: they verify, because the chain covers a commitment to it. */
  readonly erased: number
  /** Written so recently that they are not sealed yet: nothing vouches for them. */
  readonly unsealed: number
  /** To be noted elsewhere, for `expect`; null: there is no chain. */
  readonly head: { readonly seq: number; readonly hash: string } | null
  /** The first thousand. */
  readonly violations: readonly AuditViolation[]
  readonly violationCount: number
}

const PAGE = 1000
const MAX_FIELD_ERRORS = 1000

/** As far as the walk has come: the last entry that was looked at, and what the next one may rest on. */
interface FeedCursor {
  readonly seq: number
  readonly id: string
  /** More than one when an entry was altered, because either its seal or what it says may be as it was. */
  readonly hashes: readonly Buffer[]
}

/** A row's place in the order of the walk; a number too large for JavaScript stays a text, or the walk would stand still. */
interface ClusterLocation {
  readonly seq: number | string
  readonly id: string
}

/** Before everything, also before what somebody numbered so low that it would be overlooked. */
const START: ClusterLocation = { seq: Number.MIN_SAFE_INTEGER, id: '00000000-0000-0000-0000-000000000000' }

function createFindings() {
  const violations: AuditViolation[] = []
  let count = 0
  return {
    violations,
    count: () => count,
    /** @param times as many entries in a row, from `seq` on */
    add(violation: AuditViolation['violation'], seq: number | null = null, id: string | null = null, times = 1): void {
      for (let n = 0; n < times && violations.length < MAX_FIELD_ERRORS; n++) {
        violations.push({ seq: seq === null ? null : seq + n, id, violation })
      }
      count += times
    },
  }
}

type Findings = ReturnType<typeof createFindings>

type Walked = Sealed &
  Erasable & {
    at: Date
    is_intact: boolean
  }

/** Milliseconds that a transaction may take from its entry's time to its commit, with room for a clock that is set back. */
const LONGEST_TRANSACTION = 5 * 60_000

/** Whether an entry of the chain is the one that began it over a log that was there already, all of it older. */
const isLateBeginning = ({ seq, action }: Walked): boolean => seq === BEGUN_LATE.seq && action === BEGUN_LATE.action

/** Looks at the times of entries in the order of their sealing, which is within a second of their commit. */
function createTimeCheck(findings: Findings) {
  let latest = Number.NEGATIVE_INFINITY
  return (entry: Walked): void => {
    if (isLateBeginning(entry)) return
    const at = entry.at.getTime()
    const isPossible = at >= latest - LONGEST_TRANSACTION && at <= Date.now() + LONGEST_TRANSACTION
    if (isPossible) latest = Math.max(latest, at)
    else findings.add('misdated', Number(entry.seq), entry.id)
  }
}

/** The chain's ends and a page of its entries, as they are at one moment: both move while the walk goes on. */
async function readPage(db: Knex, after: ClusterLocation) {
  const { rows } = await db.raw(
    `SELECT c.*, e.* FROM audit_chain c
       LEFT JOIN LATERAL (
         SELECT id, seq, chain_hash, action, at, target_id, ${CONTENT} AS content, ${IS_INTACT} AS is_intact, ${ERASED_OF} FROM audit_log
          WHERE (seq, id) > (?, ?) ORDER BY seq, id LIMIT ?) e ON true
      ORDER BY e.seq, e.id`,
    [after.seq, after.id, PAGE],
  )
  const found: (ChainRow & Walked)[] = rows
  return { row: found[0] as ChainRow | undefined, entries: found.filter((one) => one.id !== null) }
}

/** Looks at one entry; answers where the walk stands after it. */
function inspect(chain: Chain, last: FeedCursor, entry: Walked, findings: Findings): FeedCursor {
  const seq = Number(entry.seq)
  if (seq <= last.seq || seq > chain.head.seq) {
    findings.add('forged', seq, entry.id)
    return last
  }
  const missing = seq - last.seq - 1
  if (missing > 0) {
    // What it rests on is gone, so that nothing can be said of this one but that it is there.
    findings.add('removed', last.seq + 1, null, missing)
    return { seq, id: entry.id, hashes: [entry.chain_hash] }
  }
  const possible = last.hashes.map((hash) => nextLink(chain.key, { seq: last.seq, hash }, entry.content).hash)
  if (possible.some((hash) => hash.equals(entry.chain_hash))) {
    if (!entry.is_intact) findings.add('altered', seq, entry.id)
    return { seq, id: entry.id, hashes: [entry.chain_hash] }
  }
  findings.add('altered', seq, entry.id)
  return { seq, id: entry.id, hashes: [entry.chain_hash, ...possible] }
}

const fromLink = ({ seq, hash }: Link): FeedCursor => ({ seq, id: '', hashes: [hash] })

/** What must still be there at the end of the walk. */
function checkHead({ head }: Chain, last: FeedCursor, findings: Findings): void {
  if (last.seq < head.seq) findings.add('removed', last.seq + 1, null, head.seq - last.seq)
  else if (!last.hashes.some((hash) => hash.equals(head.hash))) findings.add('altered', last.seq, last.id || null)
}

function checkExpected({ base }: Chain, expected: Link, seen: Buffer | undefined, findings: Findings): void {
  const isTold = findings.violations.some(({ seq }) => seq === expected.seq)
  if (isTold || seen?.equals(expected.hash)) return
  if (seen) findings.add('replaced', expected.seq)
  else findings.add(expected.seq <= base.seq ? 'forgotten' : 'removed', expected.seq)
}

async function countUnsealed(db: Knex): Promise<number> {
  const [row] = await db('audit_log').whereNull('seq').count({ unsealed: '*' })
  return Number(row!.unsealed)
}

async function listUnsealedDeletions(db: Knex): Promise<string[]> {
  return await db('audit_log').whereNull('seq').where({ action: ERASING_ACTION }).pluck('target_id')
}

function checkBeginning(entry: Walked, expected: Link | undefined, findings: Findings): void {
  if (!isLateBeginning(entry) || (expected && expected.seq >= BEGUN_LATE.seq)) return
  findings.add('begun', BEGUN_LATE.seq, entry.id)
}

interface Walk {
  readonly chain: Chain | undefined
  readonly entries: number
  readonly erased: number
}

async function walk(
  db: Knex,
  encryptionKeys: EncryptionKeys,
  findings: Findings,
  expected: Link | undefined,
): Promise<Walk> {
  let after = START
  let last: FeedCursor | undefined
  let seen: Buffer | undefined
  let count = 0
  const checkTime = createTimeCheck(findings)
  const erasures = createErasureCheck()
  for (;;) {
    const { row, entries } = await readPage(db, after)
    if (!row) return { chain: undefined, entries: count, erased: erasures.count() }
    const chain = toChain(row, encryptionKeys)
    // What was forgotten by age meanwhile is no gap.
    if (!last || chain.base.seq > last.seq) last = fromLink(chain.base)
    if (expected?.seq === last.seq) seen ??= last.hashes[0]
    for (const entry of entries) {
      const found = findings.count()
      last = inspect(chain, last, entry, findings)
      // What was altered has no time of its own that could be wrong.
      if (findings.count() === found) checkTime(entry)
      checkBeginning(entry, expected, findings)
      erasures.look(entry)
      if (expected?.seq === last.seq) seen ??= last.hashes[0]
    }
    count += entries.length
    if (entries.length < PAGE) {
      finish(chain, last, findings)
      erasures.explain(await listUnsealedDeletions(db))
      for (const { seq, id } of erasures.unexplained()) findings.add('erased', Number(seq), id)
      if (expected) checkExpected(chain, expected, seen, findings)
      return { chain, entries: count, erased: erasures.count() }
    }
    after = entries.at(-1)!
  }
}

function finish(chain: Chain, last: FeedCursor, findings: Findings): void {
  if (!chain.isGenuine) findings.add('forged')
  checkHead(chain, last, findings)
}

/**
 * Walks the whole chain, page by page, beside those who go on writing, sealing and forgetting.
 * @param expected a head that was noted earlier and elsewhere, which must still be a part of the chain
 * @throws KeywrightError as `toChain`
 */
export async function verifyAudit(db: Knex, encryptionKeys: EncryptionKeys, expected?: Link): Promise<AuditVerdict> {
  const findings = createFindings()
  const { chain, entries, erased } = await walk(db, encryptionKeys, findings, expected)
  if (!chain) findings.add('removed')
  return {
    verified: findings.count() === 0,
    entries,
    erased,
    unsealed: await countUnsealed(db),
    head: chain ? { seq: chain.head.seq, hash: chain.head.hash.toString('hex') } : null,
    violations: findings.violations,
    violationCount: findings.count(),
  }
}
