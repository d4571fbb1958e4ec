import type { Knex } from 'knex'
import type { Passkey } from './passkeys.ts'
import type { TotpFactor } from './totp-factors.ts'

/** What a user has beside the password, the oldest first. */
export interface RegisteredFactors {
  readonly apps: readonly TotpFactor[]
  readonly passkeys: readonly Passkey[]
}

interface FactorRow {
  readonly kind: 'app' | 'passkey'
  readonly id: string
  readonly name: string
  readonly created_at: Date
  readonly last_used_at: Date | null
  /** Unused ones. */
  readonly recovery_codes: number
}

const COLUMNS = `
  id, name, created_at, last_used_at,
  (SELECT count(*)::int FROM recovery_codes r WHERE r.user_id = :userId AND r.used_at IS NULL) AS recovery_codes`

/** In one statement. `recoveryCodes`: unused ones, which only a user with a factor has. */
export async function listFactors(db: Knex, userId: string): Promise<RegisteredFactors & { recoveryCodes: number }> {
  const { rows } = await db.raw<{ rows: FactorRow[] }>(
    `SELECT 'app' AS kind, ${COLUMNS} FROM totp_factors WHERE user_id = :userId
      UNION ALL
     SELECT 'passkey', ${COLUMNS} FROM passkeys WHERE user_id = :userId
      ORDER BY created_at, id`,
    { userId },
  )
  const of = (wanted: FactorRow['kind']) =>
    rows
      .filter(({ kind }) => kind === wanted)
      .map((row) => ({ id: row.id, name: row.name, createdAt: row.created_at, lastUsedAt: row.last_used_at }))
  return { apps: of('app'), passkeys: of('passkey'), recoveryCodes: rows[0]?.recovery_codes ?? 0 }
}

/** With the last of them, two-factor authentication is off. */
export async function hasFactor(db: Knex, userId: string): Promise<boolean> {
  const { apps, passkeys } = await listFactors(db, userId)
  return apps.length + passkeys.length > 0
}
