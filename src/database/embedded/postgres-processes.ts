import { statSync } from 'node:fs'
import { basename } from 'node:path'
import type { LiveProcess } from './processes.ts'

interface FileIdentity {
  readonly dev: number
  readonly ino: number
}

function identityOf(path: string): FileIdentity | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

/**
 * The data directory that a PostgreSQL runs on, by device and inode: a symbolic link or a bind mount gives one directory
 * several names. PostgreSQL works in its data directory, which Linux shows whatever its name is; elsewhere the argument
 * has to do, which is where macOS differs.
 */
function directoryOf({ pid, args }: LiveProcess): FileIdentity | undefined {
  const named = args[args.indexOf('-D') + 1]
  const working = process.platform === 'linux' ? identityOf(`/proc/${pid}/cwd`) : undefined
  return working ?? (args.includes('-D') && named ? identityOf(named) : undefined)
}

/** Renamed by PostgreSQL itself, or as it was started. */
const isPostgres = ({ args }: LiveProcess): boolean => /^(postgres|postmaster)\b/.test(basename(args[0] ?? ''))

/**
 * Whether a process is a PostgreSQL on this data directory. A process whose directory cannot be read counts as one: to remove a lock
 * file that a PostgreSQL owns would stop it.
 */
export function mayRunOn(cluster: string, found: LiveProcess): boolean {
  if (!isPostgres(found)) return false
  const [own, other] = [identityOf(cluster), directoryOf(found)]
  return !own || !other || (own.dev === other.dev && own.ino === other.ino)
}
