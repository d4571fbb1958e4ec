import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { KeywrightError } from '../../shared/errors.ts'
import type { Binaries } from './binaries.ts'
import type { ClusterLocation } from './data-location.ts'
import { launch, letGo } from './launch.ts'
import { readPostmasterFile } from './postmaster-file.ts'
import { isAlive, type ProcessIdentity } from './processes.ts'
import { createRun, type Role, type Run, readLog, removeDeadRuns, removeRun, withLogOf } from './runs.ts'

export interface RunOptions {
  readonly role: Role
  readonly durable: boolean
  readonly settings: Record<string, string>
  readonly onNotice: (message: string) => void
}

/** PostgreSQL, started by this process and ready. */
export interface Postmaster {
  readonly socketDir: string
  readonly port: number
  /** Rejects when it ended without having been asked to. */
  readonly lost: Promise<never>
  stop(): Promise<void>
}

const NOT_DURABLE = { fsync: 'off', full_page_writes: 'off' }
const FAST_SHUTDOWN_MS = 20_000

function settingsOf(run: Run, options: RunOptions): Record<string, string> {
  return {
    listen_addresses: '',
    max_connections: '200',
    // Not the errors of single statements: they may quote values, and their senders receive them anyway.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    lc_messages: 'C',
    ...(options.durable ? {} : NOT_DURABLE),
    ...options.settings,
    unix_socket_directories: run.socketDir,
    unix_socket_permissions: '0700',
  }
}

function spawnPostgres(place: ClusterLocation, binaries: Binaries, run: Run, options: RunOptions): ChildProcess {
  const settings = Object.entries(settingsOf(run, options)).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const file = join(binaries.directory, 'postgres')
  const args = ['-D', place.cluster, ...settings]
  const { account } = place
  return withLogOf(run, (output) => launch({ file, args, account, onParentDeath: 'INT', output }))
}

interface Ending {
  readonly ended: Promise<void>
  has(): boolean
}

function endingOf(child: ChildProcess): Ending {
  let over = false
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      over = true
      resolve()
    }
    child.once('exit', end).once('error', end)
  })
  return { ended, has: () => over }
}

/** Recovery after a crash may take its time: there is no limit while PostgreSQL lives. */
async function untilReady(
  place: ClusterLocation,
  run: Run,
  ending: Ending,
): Promise<{ pid: number; port: number } | undefined> {
  while (!ending.has()) {
    const file = readPostmasterFile(place.cluster)
    if (file?.ready && file.socketDir === run.socketDir) return file
    await Promise.race([ending.ended, sleep(10)])
  }
  return undefined
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** SIGINT breaks off what runs and closes in order; SIGQUIT does not, and the next start recovers. */
async function shutDown(pid: number, ended: Promise<void>): Promise<void> {
  signal(pid, 'SIGINT')
  const patience = new AbortController()
  const late = sleep(FAST_SHUTDOWN_MS, 'late' as const, { signal: patience.signal }).catch(() => undefined)
  if ((await Promise.race([ended, late])) === 'late') signal(pid, 'SIGQUIT')
  await ended
  patience.abort()
}

const lastLines = (log: string): string => log.trim().split('\n').slice(-8).join('\n')

function handle(child: ChildProcess, ending: Ending, run: Run, at: { pid: number; port: number }): Postmaster {
  let stopping: Promise<void> | undefined
  const stopOnce = async () => {
    child.ref()
    if (!ending.has()) await shutDown(at.pid, ending.ended)
    removeRun(run)
  }
  const lost = Promise.withResolvers<never>()
  // A caller that does not wait for it, such as a command, fails at its next statement.
  lost.promise.catch(() => {})
  void ending.ended.then(() => {
    if (!stopping)
      lost.reject(
        new KeywrightError('misconfigured', `the embedded PostgreSQL ended by itself: ${lastLines(readLog(run))}`),
      )
  })
  return {
    lost: lost.promise,
    socketDir: run.socketDir,
    port: at.port,
    stop() {
      stopping ??= stopOnce()
      return stopping
    },
  }
}

/** Of two that start at once, PostgreSQL's own lock file lets one live; a crashed one's last children hold its memory. */
const lostTheRace = (log: string): boolean => /lock file "postmaster\.pid"|pre-existing shared memory block/.test(log)

/** Undefined when another process holds the cluster: look again who that is. */
export async function startPostmaster(
  place: ClusterLocation,
  binaries: Binaries,
  options: RunOptions,
): Promise<Postmaster | undefined> {
  const run = createRun(place, options.role)
  let problem = ''
  const child = spawnPostgres(place, binaries, run, options)
  child.once('error', (error) => {
    problem = error.message
  })
  const ending = endingOf(child)
  const ready = await untilReady(place, run, ending)
  if (ready) {
    letGo(child)
    removeDeadRuns(place)
    return handle(child, ending, run, ready)
  }
  const log = readLog(run)
  removeRun(run)
  if (lostTheRace(log)) return undefined
  throw new KeywrightError('misconfigured', `the embedded PostgreSQL did not start: ${problem || lastLines(log)}`)
}

/** Ends the PostgreSQL of an owner that is no more. */
export async function stopOrphan(orphan: ProcessIdentity): Promise<void> {
  const name = ['SIGINT', 'SIGQUIT'] as const
  for (const one of name) {
    if (isAlive(orphan)) signal(orphan.pid, one)
    for (const until = Date.now() + 15_000; isAlive(orphan); await sleep(20)) if (Date.now() > until) break
  }
  if (isAlive(orphan))
    throw new KeywrightError('misconfigured', `PostgreSQL (pid ${orphan.pid}), left by a killed process, does not stop`)
}
