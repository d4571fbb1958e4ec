import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { KeywrightError } from '../../shared/errors.ts'
import type { Binaries } from './binaries.ts'
import type { ClusterLocation } from './data-location.ts'
import { launch } from './launch.ts'
import { lookAtProcess } from './processes.ts'
import { giveTo } from './system-account.ts'

export const SUPERUSER = 'postgres'

const SIDE = '.initdb-'

function removeAbandoned({ home }: ClusterLocation): void {
  for (const name of readdirSync(home)) {
    if (!name.startsWith(SIDE) || lookAtProcess(Number(name.slice(SIDE.length).split('-')[0]))) continue
    try {
      rmSync(join(home, name), { recursive: true, force: true, maxRetries: 3 })
    } catch {
      // An orphaned initdb may still write there: the next start removes it.
    }
  }
}

function initdbArguments(directory: string, major: number, durable: boolean): string[] {
  // Letters beyond ASCII need a UTF-8 locale; macOS knows no C.UTF-8, but PostgreSQL 17 and later bring their own.
  const builtin = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  return [
    ...['-D', directory, '-U', SUPERUSER, '-E', 'UTF8'],
    ...['--auth-local=trust', '--auth-host=scram-sha-256'],
    ...(major >= 17 ? builtin : ['--locale=C.UTF-8']),
    ...(durable ? [] : ['--no-sync']),
  ]
}

async function initdb(place: ClusterLocation, binaries: Binaries, directory: string, durable: boolean): Promise<void> {
  const args = initdbArguments(directory, binaries.major, durable)
  const file = join(binaries.directory, 'initdb')
  const child = launch({ file, args, account: place.account, onParentDeath: 'KILL', output: 'pipe' })
  const [said, [code, signal]] = await Promise.all([text(child.stderr!), once(child, 'exit')])
  if (code !== 0) throw new KeywrightError('misconfigured', `initdb failed (${code ?? signal}): ${said.trim()}`)
}

/** Moves a finished cluster to its place; false when another process was quicker. */
function moveIntoPlace(directory: string, cluster: string): boolean {
  try {
    renameSync(directory, cluster)
    return true
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(`${(error as NodeJS.ErrnoException).code}`)) throw error
    return false
  }
}

/** Made in a directory aside and renamed: a killed initdb leaves no half-made cluster, and of two at once one wins. */
export async function ensureCluster(place: ClusterLocation, binaries: Binaries, durable: boolean): Promise<void> {
  removeAbandoned(place)
  if (existsSync(place.cluster)) return
  const directory = join(place.home, `${SIDE}${process.pid}-${randomBytes(4).toString('hex')}`)
  mkdirSync(directory, { mode: 0o700 })
  giveTo(place.account, directory)
  try {
    await initdb(place, binaries, directory, durable)
    if (moveIntoPlace(directory, place.cluster)) return
  } catch (error) {
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
    throw error
  }
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
}
