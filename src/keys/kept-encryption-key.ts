import { randomBytes } from 'node:crypto'
import { accessSync, chmodSync, constants, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { KeywrightError } from '../shared/errors.ts'

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code

const pathIn = (dataDir: string): string => join(dataDir, 'encryption.key')

/** @throws KeywrightError `misconfigured` */
export function prepareDataDirectory(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true })
    accessSync(dataDir, constants.W_OK)
  } catch (error) {
    throw new KeywrightError(
      'misconfigured',
      `DATA_DIR: this user cannot write to ${dataDir} (${codeOf(error)}); allow it, or set DATA_DIR to another directory`,
    )
  }
}

function read(path: string): Buffer | undefined {
  try {
    return Buffer.from(readFileSync(path, 'utf8').trim(), 'base64')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new KeywrightError('misconfigured', `cannot read ${path} (${codeOf(error)}); allow this user to read it`)
  }
}

/** Made whole beside its place and linked there, so that of several first starts all keep the same key. */
function create(path: string): void {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })
  chmodSync(draft, 0o600)
  try {
    linkSync(draft, path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
}

/**
 * The encryption key in the data directory, made at the first start.
 * @param isNew whether nothing was sealed in the database yet
 * @throws KeywrightError `misconfigured` when it is missing although it sealed something, or is no key
 */
export function keptEncryptionKey(dataDir: string, isNew: boolean): Buffer {
  const path = pathIn(dataDir)
  const remedy = 'restore the file from a backup, or set ENCRYPTION_KEY to the key that sealed the database'
  let key = read(path)
  if (!key && !isNew) throw new KeywrightError('misconfigured', `${path} is missing; ${remedy}`)
  if (!key) create(path)
  key ??= read(path)
  if (key?.length !== 32) throw new KeywrightError('misconfigured', `${path} holds no key of 32 bytes; ${remedy}`)
  return key
}
