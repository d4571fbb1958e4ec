import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { KeywrightError } from '../../shared/errors.ts'
import { type Account, accountFor, giveTo, mayAccess } from './system-account.ts'

/** Where what PostgreSQL needs goes when root's own directories are closed to the user that it runs as. */
export const FALLBACK_ROOT = '/var/lib/keywright'

export interface ClusterLocation {
  readonly home: string
  /** PostgreSQL's data directory; it appears whole, by a rename. */
  readonly cluster: string
  /** One folder per run of PostgreSQL: who owns it, and its log. */
  readonly runs: string
  readonly account: Account | undefined
}

function at(home: string): ClusterLocation {
  const cluster = join(home, 'cluster')
  return { home, cluster, runs: join(home, 'runs'), account: accountFor(cluster) }
}

function tryPrepare(place: ClusterLocation): boolean {
  try {
    // The data directory itself stays open to be entered, or PostgreSQL could not reach its own part of it.
    mkdirSync(dirname(place.home), { recursive: true, mode: 0o755 })
    for (const folder of [place.home, place.runs]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      giveTo(place.account, folder)
    }
    return mayAccess(place.account, '-w', place.home)
  } catch (error) {
    // A mount may refuse to give files away (9p, NFS with root_squash): closed to the user, like a 0700 home.
    if (place.account) return false
    throw new KeywrightError('misconfigured', `DATA_DIR: this user cannot write ${place.home}`, { cause: error })
  }
}

function prepareFallback(wanted: string, place: ClusterLocation): ClusterLocation {
  mkdirSync(FALLBACK_ROOT, { recursive: true, mode: 0o755 })
  chmodSync(FALLBACK_ROOT, 0o755)
  if (tryPrepare(place)) return place
  throw new KeywrightError(
    'misconfigured',
    `the user that PostgreSQL runs as can use neither ${wanted} nor ${place.home}`,
  )
}

/** In a data directory whose PostgreSQL is elsewhere: the folder's name there. */
const LOCATION = 'postgres.location'

/** Kept in the data directory, because the directory may have several names; at first made of one of them. */
function fallbackName(dataDir: string, { home }: ClusterLocation): string {
  const path = join(dataDir, LOCATION)
  if (existsSync(path)) return basename(readFileSync(path, 'utf8').trim())
  return `data-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`
}

/** Makes the folders of a data directory, elsewhere when they cannot be reached without root's rights. */
export function prepareClusterLocation(dataDir: string, onNotice: (message: string) => void): ClusterLocation {
  const wanted = at(join(resolve(dataDir), 'postgres'))
  if (!wanted.account) {
    tryPrepare(wanted)
    return wanted
  }
  const fallback = at(join(FALLBACK_ROOT, fallbackName(dataDir, wanted)))
  // Data that was put aside once stays where it is, whatever the rights of the wanted directory have become.
  const movedBefore = existsSync(fallback.cluster) && !existsSync(wanted.cluster)
  if (!movedBefore && tryPrepare(wanted)) return wanted
  onNotice(`PostgreSQL, which must not run as root, cannot use ${wanted.home}: its data is in ${fallback.home}`)
  const prepared = prepareFallback(wanted.home, fallback)
  writeFileSync(join(dataDir, LOCATION), `${basename(fallback.home)}\n`)
  return prepared
}

export function clusterMajor({ cluster }: ClusterLocation): number | undefined {
  const file = join(cluster, 'PG_VERSION')
  return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : undefined
}
