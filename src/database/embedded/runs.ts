import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { ClusterLocation } from './data-location.ts'
import { isAlive, type ProcessIdentity, thisProcess } from './processes.ts'
import { type Account, giveTo, mayAccess } from './system-account.ts'

export type Role = 'server' | 'command'

export interface Owner extends ProcessIdentity {
  readonly role: Role
  readonly socketDir: string
}

export interface Run {
  readonly folder: string
  readonly socketDir: string
}

// sun_path holds 103 (macOS) or 107 bytes, and /keywright-XXXXXX/.s.PGSQL.65535 follows.
const LONGEST_TEMPORARY = 70

function socketParent(account: Account | undefined): string {
  const usual = tmpdir()
  const usable = usual.length <= LONGEST_TEMPORARY && /^[\w/.-]+$/.test(usual) && mayAccess(account, '-w', usual)
  return usable ? usual : '/tmp'
}

/**
 * Written before PostgreSQL starts, and found again through the socket directory that its lock file names: so there is
 * no moment in which a running PostgreSQL has no owner, and no owner's record outlives its run with another meaning.
 */
export function createRun(place: ClusterLocation, role: Role): Run {
  const socketDir = mkdtempSync(join(socketParent(place.account), 'keywright-'))
  chmodSync(socketDir, 0o700)
  giveTo(place.account, socketDir)
  const folder = join(place.runs, basename(socketDir))
  mkdirSync(folder, { mode: 0o700 })
  const owner: Owner = { ...thisProcess(), role, socketDir }
  writeFileSync(join(folder, 'owner.json'), JSON.stringify(owner))
  giveTo(place.account, join(folder, 'owner.json'))
  giveTo(place.account, folder)
  return { folder, socketDir }
}

export function removeRun({ folder, socketDir }: Run): void {
  rmSync(socketDir, { recursive: true, force: true })
  rmSync(folder, { recursive: true, force: true })
}

export function withLogOf<Result>(run: Run, use: (fd: number) => Result): Result {
  const fd = openSync(join(run.folder, 'log'), 'a', 0o600)
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}

export function readLog(run: Run): string {
  const path = join(run.folder, 'log')
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

function readOwner(folder: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8')) as Owner
  } catch {
    return undefined
  }
}

export const ownerOfSocketDir = (place: ClusterLocation, socketDir: string): Owner | undefined =>
  readOwner(join(place.runs, basename(socketDir)))

/** What killed owners left behind; only for one whose own PostgreSQL runs, so that no other one can. */
export function removeDeadRuns(place: ClusterLocation): void {
  for (const name of readdirSync(place.runs)) {
    const folder = join(place.runs, name)
    const owner = readOwner(folder)
    if (owner && !isAlive(owner)) removeRun({ folder, socketDir: owner.socketDir })
  }
}
