import { setTimeout as sleep } from 'node:timers/promises'
import { KeywrightError } from '../../shared/errors.ts'
import { findBinaries, type Preference } from './binaries.ts'
import { ensureCluster, SUPERUSER } from './cluster.ts'
import { type ClusterLocation, clusterMajor, prepareClusterLocation } from './data-location.ts'
import { type Holder, holderOf } from './lock-owner.ts'
import { startPostmaster, stopOrphan } from './postmaster.ts'
import type { Role } from './runs.ts'

export interface EmbeddedOptions {
  readonly dataDir: string
  /** A server is alone on its directory; a command works beside it, or starts PostgreSQL for itself. */
  readonly role: Role
  readonly prefer?: Preference
  readonly durable?: boolean
  readonly settings?: Record<string, string>
  readonly onNotice?: (message: string) => void
}

export interface EmbeddedPostgres {
  /** `host` is a socket directory. */
  readonly connection: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly database: string
  }
  readonly owned: boolean
  /** Rejects when the PostgreSQL that this process started ended without having been asked to. */
  readonly lost: Promise<never>
  stop(): Promise<void>
}

// A command may migrate a large table before the next one starts; the supervisor of a server needs a result sooner.
const PATIENCE_MS: Record<Role, number> = { server: 30_000, command: 300_000 }

const NEVER = new Promise<never>(() => {})

const at = (host: string, port: number) => ({ host, port, user: SUPERUSER, database: 'postgres' })

async function startOwn(place: ClusterLocation, options: EmbeddedOptions): Promise<EmbeddedPostgres | undefined> {
  const { role, prefer = 'package', durable = true, settings = {}, onNotice = () => {} } = options
  const binaries = findBinaries(prefer, clusterMajor(place), place.account, onNotice)
  await ensureCluster(place, binaries, durable)
  const postmaster = await startPostmaster(place, binaries, { role, durable, settings, onNotice })
  if (!postmaster) return undefined
  return {
    connection: at(postmaster.socketDir, postmaster.port),
    owned: true,
    lost: postmaster.lost,
    stop: () => postmaster.stop(),
  }
}

function beside(holder: Holder & { state: 'owned' }, place: ClusterLocation, role: Role): EmbeddedPostgres | undefined {
  if (holder.owner.role !== 'server') return undefined
  if (role === 'server') {
    throw new KeywrightError(
      'misconfigured',
      `a Keywright server (pid ${holder.owner.pid}) already holds ${place.home}: stop it, or use another DATA_DIR`,
    )
  }
  if (!holder.ready) return undefined
  return { connection: at(holder.socketDir, holder.port), owned: false, lost: NEVER, stop: async () => {} }
}

/** One look at who holds the cluster, and what follows from it; undefined when it is to look again. */
async function attempt(
  place: ClusterLocation,
  holder: Holder,
  options: EmbeddedOptions,
): Promise<EmbeddedPostgres | undefined> {
  if (holder.state === 'nobody') return startOwn(place, options)
  if (holder.state === 'owned') return beside(holder, place, options.role)
  if (holder.state === 'orphaned') await stopOrphan(holder.postmaster)
  return undefined
}

function tooLong(place: ClusterLocation, holder: Holder): KeywrightError {
  const who =
    holder.state === 'owned' ? `a Keywright ${holder.owner.role} (pid ${holder.owner.pid})` : 'another process'
  return new KeywrightError('misconfigured', `waited too long for ${who} that holds ${place.home}`)
}

/**
 * Real PostgreSQL in a directory, for trying, developing and testing. Who holds the directory is decided by PostgreSQL's
 * own lock file, never by a check before it: the second process checks again, and attaches, waits or fails.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const onNotice = options.onNotice ?? (() => {})
  const place = prepareClusterLocation(options.dataDir, onNotice)
  const deadline = Date.now() + PATIENCE_MS[options.role]
  for (let tries = 0; ; tries++) {
    const holder = holderOf(place)
    const found = await attempt(place, holder, options)
    if (found) return found
    if (Date.now() > deadline) throw tooLong(place, holder)
    if (tries === 10) onNotice(`waiting for another process that holds ${place.home}`)
    await sleep(50)
  }
}
