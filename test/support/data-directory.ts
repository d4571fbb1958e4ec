import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlive, type LiveProcess, lookAtProcess } from '../../src/database/embedded/processes.ts'

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** What bears it and the pid of a dead process is swept by the next run (test-server.ts). */
export const TEST_PREFIX = 'keywright-test-'

const GIGABYTE = 2 ** 30

function hasRoom(directory: string): boolean {
  if (!existsSync(directory)) return false
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize >= GIGABYTE
}

/** Where the clusters of tests lie: in memory where there is room. `kill -9` loses no more there than on a disk. */
export const clusterParent = (): string => (hasRoom('/dev/shm') ? '/dev/shm' : tmpdir())

/** A DATA_DIR that the user may enter whom root drops to. */
export function createDataDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(clusterParent(), `${TEST_PREFIX}${process.pid}-`))
  chmodSync(path, 0o755)
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) }
}

/** The PostgreSQL whose lock file is in a data directory, if it lives. */
export function postmasterOf(dataDir: string): LiveProcess | undefined {
  const file = join(dataDir, 'postgres/cluster/postmaster.pid')
  return existsSync(file) ? lookAtProcess(Number.parseInt(readFileSync(file, 'utf8'), 10)) : undefined
}

/** Waits for a process's end; false when it still lives after that long. */
export async function isGoneWithin(ms: number, one: LiveProcess): Promise<boolean> {
  for (const until = Date.now() + ms; isAlive(one); await pause(20)) if (Date.now() > until) return false
  return true
}
