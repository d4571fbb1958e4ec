import type { Knex } from 'knex'
import { isId } from '../shared/ids.ts'

/** A passkey of a user, as its owner sees it. */
export interface Passkey {
  readonly id: string
  /** As the user calls it. */
  readonly name: string
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
}

/** A credential as an authenticator made it. */
export interface NewCredential {
  readonly credentialId: Buffer
  /** COSE_Key (RFC 9052, section 7). */
  readonly publicKey: Buffer
  /** The signature counter; 0 where the authenticator has none. */
  readonly counter: number
  /** Whether the key may be copied to other devices of the user. */
  readonly synced: boolean
  /** How a browser reaches the authenticator: `internal`, `hybrid`, `usb` and others. */
  readonly transports: readonly string[]
}

/** What a signature is verified with. */
export interface StoredCredential extends NewCredential {
  readonly id: string
  readonly userId: string
}

export interface NewPasskey extends NewCredential {
  readonly id: string
  readonly userId: string
  readonly name: string
}

interface PasskeyRow {
  readonly id: string
  readonly user_id: string
  readonly name: string
  readonly credential_id: Buffer
  readonly public_key: Buffer
  readonly counter: string
  readonly synced: boolean
  readonly transports: string[]
  readonly created_at: Date
  readonly last_used_at: Date | null
}

/** Returns whether it was added; false: the credential was added before, by this user or another one. */
export async function insertPasskey(trx: Knex, passkey: NewPasskey): Promise<boolean> {
  const { id, userId, name, credentialId, publicKey, counter, synced, transports } = passkey
  const owner = { id, user_id: userId, name }
  const credential = { credential_id: credentialId, public_key: publicKey, counter, synced, transports }
  const inserted = await trx('passkeys')
    .insert({ ...owner, ...credential })
    .onConflict('credential_id')
    .ignore()
    .returning('id')
  return inserted.length > 0
}

export async function findCredential(db: Knex, credentialId: Buffer): Promise<StoredCredential | undefined> {
  const row: PasskeyRow | undefined = await db('passkeys').where({ credential_id: credentialId }).first()
  return (
    row && {
      id: row.id,
      userId: row.user_id,
      credentialId: row.credential_id,
      publicKey: row.public_key,
      counter: Number(row.counter),
      synced: row.synced,
      transports: row.transports,
    }
  )
}

/** What an authenticator gets, so that it makes no second passkey for the user. */
export async function listCredentialIds(
  db: Knex,
  userId: string,
): Promise<Pick<NewCredential, 'credentialId' | 'transports'>[]> {
  const rows: PasskeyRow[] = await db('passkeys').where({ user_id: userId }).select('credential_id', 'transports')
  return rows.map((row) => ({ credentialId: row.credential_id, transports: row.transports }))
}

/**
 * Records a sign-in with the signature counter that was signed: of two nodes with one signature, the statement lets one pass.
 * False: the counter did not increase, or the passkey was removed. An authenticator without a counter always sends 0.
 */
export async function updateSignCount(trx: Knex, id: string, counter: number): Promise<boolean> {
  const raised = await trx('passkeys')
    .where({ id })
    .whereRaw('(counter < :counter OR (counter = 0 AND :counter = 0))', { counter })
    .update({ counter, last_used_at: trx.fn.now() })
  return raised > 0
}

export const hasPasskey = async (trx: Knex, id: string): Promise<boolean> =>
  (await trx('passkeys').where({ id }).first('id')) !== undefined

/** Undefined: the user has no such passkey. */
export async function deletePasskey(trx: Knex, userId: string, id: string): Promise<Pick<Passkey, 'name'> | undefined> {
  if (!isId(id)) return undefined
  const [row] = await trx('passkeys').where({ id, user_id: userId }).delete().returning<PasskeyRow[]>(['name'])
  return row
}

/** Returns how many there were. */
export const deletePasskeys = (trx: Knex, userId: string): Promise<number> =>
  trx('passkeys').where({ user_id: userId }).delete()
