import { hashSecret } from '../shared/secrets.ts'
import { hashPassword } from './passwords.ts'

/** A one-time password as it is stored. */
export interface StoredOneTimePassword {
  /** argon2id. */
  readonly hash: string
  /** SHA-256, which finds a pending user by the password. */
  readonly lookupHash: Buffer
}

/** Takes as long as hashing any password. */
export const storeOneTimePassword = async (password: string): Promise<StoredOneTimePassword> => ({
  hash: await hashPassword(password),
  lookupHash: hashSecret(password),
})

/** The columns of `users`. @param password null: the user has none */
export const oneTimePasswordColumns = (password: StoredOneTimePassword | null) => ({
  password_hash: password?.hash ?? null,
  one_time_password_hash: password?.lookupHash ?? null,
})
