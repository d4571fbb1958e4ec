import { hkdfSync } from 'node:crypto'

/** One key of `ENCRYPTION_KEY`. Its id is derived from it one way: it may be stored, shown and logged. */
export interface EncryptionKey {
  /** 16 hexadecimal digits. */
  readonly id: string
  readonly secret: Buffer
}

/**
 * The keys that this process holds. Which of them seals new values is decided in the database and not by each node, because
 * every node must be able to open what another one seals.
 */
export interface EncryptionKeys {
  /** As `ENCRYPTION_KEY` lists them: the newest first. */
  readonly all: readonly EncryptionKey[]
  /** The key that seals new values; the newest one while the database names none, or one that is not held. */
  readonly sealing: EncryptionKey
  /** The id of the key that the database names, if this process does not hold it. */
  readonly missing: string | undefined
  find(id: string | undefined): EncryptionKey | undefined
  /** Takes over what the database names; null: nothing was sealed yet. */
  sealWith(id: string | null): void
}

const idOf = (secret: Buffer): string =>
  Buffer.from(hkdfSync('sha256', secret, '', 'keywright encryption key id', 8)).toString('hex')

/** @param secrets 32 bytes each, the newest first */
export function createEncryptionKeys(secrets: readonly Buffer[]): EncryptionKeys {
  const all = secrets.map((secret) => ({ id: idOf(secret), secret }))
  const find = (id: string | undefined) => all.find((key) => key.id === id)
  let named: string | null = null
  return {
    all,
    find,
    get sealing() {
      return find(named ?? undefined) ?? all[0]!
    },
    get missing() {
      return named === null || find(named) ? undefined : named
    },
    sealWith(id) {
      named = id
    },
  }
}
