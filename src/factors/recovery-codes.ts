import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { hashSecret } from '../shared/secrets.ts'

/** How many a user gets. */
export const RECOVERY_CODES = 10

/** Crockford's Base32: no letter of it looks like a digit. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** Characters; each has five random bits. */
const LENGTH = 16

/** 80 random bits, in four groups: `q4hx-9s2m-0vbn-7dkt`. */
function newRecoveryCode(): string {
  const letters = [...randomBytes(LENGTH)].map((byte) => ALPHABET[byte & 31])
  return letters.join('').replace(/(....)(?=.)/g, '$1-')
}

/** A code as it was generated, without its groups, from what somebody typed; undefined: it is no code. */
export function typedRecoveryCode(text: string): string | undefined {
  const letters = text.toLowerCase().replace(/[\s-]/g, '').replaceAll('o', '0').replace(/[il]/g, '1')
  return letters.length === LENGTH && [...letters].every((letter) => ALPHABET.includes(letter)) ? letters : undefined
}

/** A fast hash serves, because a code carries 80 random bits. The user makes equal codes of two users differ. */
const hashOf = (userId: string, letters: string): Buffer => hashSecret(`recovery code ${userId} ${letters}`)

/** New codes in place of all earlier ones. They are shown once. */
export async function replaceRecoveryCodes(trx: Knex, userId: string): Promise<string[]> {
  const codes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode)
  await deleteRecoveryCodes(trx, userId)
  const rows = codes.map((code) => ({ user_id: userId, code_hash: hashOf(userId, typedRecoveryCode(code)!) }))
  await trx('recovery_codes').insert(rows)
  return codes
}

export async function deleteRecoveryCodes(trx: Knex, userId: string): Promise<void> {
  await trx('recovery_codes').where({ user_id: userId }).delete()
}

/** Uses a code once: of two requests with the same code, the statement lets one pass. @param letters as `typedRecoveryCode` returns them */
export async function useRecoveryCode(trx: Knex, userId: string, letters: string): Promise<boolean> {
  const used = await trx('recovery_codes')
    .where({ user_id: userId, code_hash: hashOf(userId, letters) })
    .whereNull('used_at')
    .update({ used_at: trx.fn.now() })
  return used > 0
}

/** How many codes are left. */
export async function countRecoveryCodes(db: Knex, userId: string): Promise<number> {
  const row = await db('recovery_codes').where({ user_id: userId }).whereNull('used_at').count({ left: '*' }).first()
  return Number(row!.left)
}
