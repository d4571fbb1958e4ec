import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Account, accountFor, giveTo, mayAccess } from './account.ts'

/** Where what PostgreSQL needs goes when root's own directories are closed to the user that it runs as. */
export const FALLBACK_ROOT = '/var/lib/keywright'

export interface Place {
  readonly home: string
  /** PostgreSQL's data directory; it appears whole, by a rename. */
  readonly cluster: string
  /** One folder per run of PostgreSQL: who owns it, and its log. */
  readonly runs: string
  readonly account: Account | undefined
}

function at(home: string): Place {
  const cluster = join(home, 'cluster')
  return { home, cluster, runs: join(home, 'runs'), account: accountFor(cluster) }
}

function tryPrepare(place: Place): boolean {
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
    throw new Error(`cannot use ${place.home} as this user`, { cause: error })
  }
}

function prepareFallback(wanted: string, place: Place): Place {
  mkdirSync(FALLBACK_ROOT, { recursive: true, mode: 0o755 })
  chmodSync(FALLBACK_ROOT, 0o755)
  if (tryPrepare(place)) return place
  throw new Error(`the user that PostgreSQL runs as can use neither ${wanted} nor ${place.home}`)
}

/** Makes the folders of a data directory, elsewhere when they cannot be reached without root's rights. */
export function preparePlace(dataDir: string, onNotice: (message: string) => void): Place {
  const wanted = at(join(resolve(dataDir), 'postgres'))
  if (!wanted.account) {
    tryPrepare(wanted)
    return wanted
  }
  const name = createHash('sha256').update(wanted.home).digest('hex').slice(0, 12)
  const fallback = at(join(FALLBACK_ROOT, `data-${name}`))
  // Data that was put aside once stays where it is, whatever the rights of the wanted directory have become.
  const movedBefore = existsSync(fallback.cluster) && !existsSync(wanted.cluster)
  if (!movedBefore && tryPrepare(wanted)) return wanted
  onNotice(`PostgreSQL, which must not run as root, cannot use ${wanted.home}: its data is in ${fallback.home}`)
  return prepareFallback(wanted.home, fallback)
}

export function clusterMajor({ cluster }: Place): number | undefined {
  const file = join(cluster, 'PG_VERSION')
  return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : undefined
}
