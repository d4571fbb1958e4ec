import type { Knex } from 'knex'
import type { SealedColumn } from '../database/resealing.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { seal, unseal } from '../shared/envelope.ts'
import { isId } from '../shared/ids.ts'

/** An authenticator app of a user. */
export interface TotpFactor {
  readonly id: string
  /** As the user calls it. */
  readonly name: string
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
}

export const SEALED_TOTP_SECRETS: SealedColumn = {
  table: 'totp_factors',
  key: ['id'],
  column: 'secret',
  purpose: 'TOTP secret',
  contextOf: ({ id }) => id as string,
}

const sealedFor = (id: string) => ({ purpose: 'TOTP secret', context: id }) as const

interface TotpRow {
  readonly id: string
  readonly name: string
  readonly created_at: Date
  readonly last_used_at: Date | null
}

const toFactor = (row: TotpRow): TotpFactor => ({
  id: row.id,
  name: row.name,
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
})

export interface NewTotpFactor {
  readonly id: string
  readonly userId: string
  readonly name: string
  /** Base32. */
  readonly secret: string
  /** The step of the code that confirmed it. */
  readonly step: number
}

/** Returns whether it was added; false: it was added before. */
export async function insertTotpFactor(trx: Knex, keys: EncryptionKeys, factor: NewTotpFactor): Promise<boolean> {
  const { id, userId, name, secret, step } = factor
  const row = { id, user_id: userId, name, secret: seal(keys, sealedFor(id), Buffer.from(secret)) }
  const inserted = await trx('totp_factors')
    .insert({ ...row, last_used_step: step })
    .onConflict('id')
    .ignore()
    .returning('id')
  return inserted.length > 0
}

/** The oldest first. */
export async function listTotpFactors(db: Knex, userId: string): Promise<TotpFactor[]> {
  const rows = await db<TotpRow>('totp_factors')
    .where('user_id', userId as never)
    .orderBy(['created_at', 'id'])
    .select('id', 'name', 'created_at', 'last_used_at')
  return rows.map(toFactor)
}

interface SecretRow {
  readonly id: string
  readonly secret: Buffer
  readonly last_used_step: string
}

/** What codes of a user are compared with. Secrets are in Base32. */
export async function readTotpSecrets(db: Knex, keys: EncryptionKeys, userId: string) {
  const rows = await db<SecretRow>('totp_factors')
    .where('user_id', userId as never)
    .select('id', 'secret', 'last_used_step')
  return rows.map(({ id, secret, last_used_step }) => ({
    id,
    secret: unseal(keys, sealedFor(id), secret).toString(),
    lastUsedStep: Number(last_used_step),
  }))
}

/** Uses the code of a step once: of two requests with the same code, the statement lets one pass. */
export async function useStep(trx: Knex, id: string, step: number): Promise<boolean> {
  const used = await trx('totp_factors')
    .where({ id })
    .where('last_used_step', '<', step)
    .update({ last_used_step: step, last_used_at: trx.fn.now() })
  return used > 0
}

/** Undefined: the user has no such factor. */
export async function deleteTotpFactor(trx: Knex, userId: string, id: string): Promise<TotpFactor | undefined> {
  if (!isId(id)) return undefined
  const [row] = await trx('totp_factors').where({ id, user_id: userId }).delete().returning<TotpRow[]>('*')
  return row && toFactor(row)
}

/** Returns how many there were. */
export const deleteTotpFactors = (trx: Knex, userId: string): Promise<number> =>
  trx('totp_factors').where({ user_id: userId }).delete()
