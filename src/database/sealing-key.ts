import type { Knex } from 'knex'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { KeywrightError } from '../shared/errors.ts'

/** What to tell an operator whose keys lack the one that seals now. */
export const missingKey = (id: string) =>
  new KeywrightError(
    'misconfigured',
    `ENCRYPTION_KEY lacks the key that seals this database now (id ${id}); add that key to the list`,
  )

/**
 * Sees to it that `keys` seal with the key that the database names, until the transaction ends. On a database in which
 * nothing is sealed yet, that becomes the newest of them.
 * @throws KeywrightError `misconfigured` when they lack it
 */
export async function lockSealingKey(trx: Knex, keys: EncryptionKeys): Promise<void> {
  const [row] = await trx('key_ring')
    .update({ sealing_key: trx.raw('coalesce(sealing_key, ?)', [keys.all[0]!.id]) })
    .returning<{ sealing_key: string }[]>('sealing_key')
  followSealingKey(keys, row!.sealing_key)
}

/** @throws KeywrightError `misconfigured` when the keys lack the one that the database names */
export function followSealingKey(keys: EncryptionKeys, id: string | null): void {
  keys.sealWith(id)
  if (keys.missing) throw missingKey(keys.missing)
}
