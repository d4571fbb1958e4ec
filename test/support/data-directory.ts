import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlive, type LiveProcess, lookAtProcess } from '../../src/database/embedded/processes.ts'

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** What bears it and the pid of a dead process is swept by the next run (test-server.ts). */
export const TEST_PREFIX = 'keywright-test-'

/** A DATA_DIR that the user may enter whom root drops to. */
export function createDataDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `${TEST_PREFIX}${process.pid}-`))
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
