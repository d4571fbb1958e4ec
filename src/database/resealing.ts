import type { Knex } from 'knex'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { isSealedByOneOf, type Purpose, seal, sealedBySql, unseal } from '../shared/envelope.ts'

/** A column that holds sealed values. */
export interface SealedColumn {
  readonly table: string
  /** The columns of the primary key. */
  readonly key: readonly string[]
  readonly column: string
  readonly purpose: Purpose
  /** What a value was sealed with as `context`. */
  contextOf(row: Record<string, unknown>): string
}

type Row = Record<string, unknown>

/** Rows a statement. */
const PAGE = 500

const ids = (count: number) => Array(count).fill('??').join(', ')
const values = (count: number) => Array(count).fill('?').join(', ')

/** The next rows whose values another key than the present one sealed. */
async function readPage(db: Knex, keys: EncryptionKeys, sealed: SealedColumn, after: Row | undefined): Promise<Row[]> {
  const { table, key, column } = sealed
  const page = db(table)
    .whereNotNull(column)
    .whereRaw(`${sealedBySql('??')} <> ?`, [column, keys.sealing.id])
    .orderBy(key.map((name) => ({ column: name })))
    .limit(PAGE)
    .select(...key, column)
  if (after)
    page.whereRaw(`(${ids(key.length)}) > (${values(key.length)})`, [
      ...key,
      ...key.map((name) => after[name]),
    ] as never)
  return await page
}

/** Re-encrypts one value. A concurrent change wins, because it encrypts with the new key already. */
async function resealOne(db: Knex, keys: EncryptionKeys, sealed: SealedColumn, row: Row): Promise<number> {
  const { table, column, purpose } = sealed
  const old = row[column] as Buffer
  // A value whose key is gone cannot be decrypted; its own deletion removes it later.
  if (!isSealedByOneOf(keys, old)) return 0
  const sealedFor = { purpose, context: sealed.contextOf(row) }
  const again = seal(keys, sealedFor, unseal(keys, sealedFor, old))
  return await db(table)
    .where(row)
    .update({ [column]: again })
}

/** Seals all values of a column with the present key, a page in a transaction; answers how many. */
export async function resealColumn(db: Knex, keys: EncryptionKeys, sealed: SealedColumn): Promise<number> {
  let count = 0
  for (let after: Row | undefined; ; ) {
    const page = await readPage(db, keys, sealed, after)
    await db.transaction(async (trx) => {
      for (const row of page) count += await resealOne(trx, keys, sealed, row)
    })
    if (page.length < PAGE) return count
    after = page.at(-1)
  }
}

/** How many values of a column each key has sealed, by the key's id. */
export async function countSealed(db: Knex, { table, column }: SealedColumn): Promise<Map<string, number>> {
  const rows: { id: string; count: number }[] = await db(table)
    .whereNotNull(column)
    .groupByRaw('1')
    .select(db.raw(`${sealedBySql('??')} AS id, count(*) AS count`, [column]))
  return new Map(rows.map(({ id, count }) => [id, Number(count)]))
}
