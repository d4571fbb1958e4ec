import { spawnSync } from 'node:child_process'
import { chownSync, readFileSync, statSync } from 'node:fs'
import { KeywrightError } from '../../shared/errors.ts'

/** Whom PostgreSQL runs as when that is not ourselves. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

function named(name: string): Account | undefined {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  const fields = lines.map((line) => line.split(':')).find((entry) => entry[0] === name)
  return fields && { uid: Number(fields[2]), gid: Number(fields[3]) }
}

function ownerOf(path: string): Account | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found && found.uid !== 0 ? { uid: found.uid, gid: found.gid } : undefined
}

/**
 * PostgreSQL refuses to run as root, so root drops to whom the cluster already belongs to, else to `postgres` or `nobody`
 * (initdb wants a uid that stands in the user table). Everybody else runs it as themselves.
 */
export function accountFor(cluster: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const account = ownerOf(cluster) ?? named('postgres') ?? named('nobody')
  if (!account)
    throw new KeywrightError(
      'misconfigured',
      'PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody',
    )
  return account
}

export function giveTo(account: Account | undefined, path: string): void {
  if (account) chownSync(path, account.uid, account.gid)
}

/** Tried as that user, because root may look everywhere; not through `cwd`, which Node enters before it drops root. */
export function mayAccess(account: Account | undefined, right: '-x' | '-w', path: string): boolean {
  if (!account) return true
  return spawnSync('/usr/bin/test', [right, path], { ...account, cwd: '/' }).status === 0
}
