import { linkSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What a running PostgreSQL says of itself in its lock file; the later lines come while it starts. */
export interface PostmasterFile {
  readonly text: string
  readonly pid: number
  readonly port: number
  readonly socketDir: string | undefined
  readonly ready: boolean
}

const pathIn = (cluster: string): string => join(cluster, 'postmaster.pid')

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export function readPostmasterFile(cluster: string): PostmasterFile | undefined {
  const text = readText(pathIn(cluster))
  if (text === undefined) return undefined
  const lines = text.split('\n').map((line) => line.trim())
  return {
    text,
    pid: Number(lines[0]),
    port: Number(lines[3]),
    socketDir: lines[4] || undefined,
    ready: lines[7] === 'ready',
  }
}

/** PostgreSQL creates the file and then fills it, in a moment; one that stays empty is what a crash left. */
export function isLeftEmpty(cluster: string): boolean {
  const found = statSync(pathIn(cluster), { throwIfNoEntry: false })
  return found !== undefined && found.size === 0 && Date.now() - found.mtimeMs > 5000
}

/**
 * Removes the lock file of a dead PostgreSQL whose pid now belongs to something else, which PostgreSQL itself would not.
 * Between judging and removing another process may have done the same and started: so it is moved aside, compared, and
 * put back if it was not the one that was judged. PostgreSQL's lock on shared memory guards the rest.
 */
export function removeStalePostmasterFile(cluster: string, judged: PostmasterFile): void {
  const aside = `${pathIn(cluster)}.${process.pid}`
  try {
    renameSync(pathIn(cluster), aside)
    if (readText(aside) !== judged.text) linkSync(aside, pathIn(cluster))
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes(`${(error as NodeJS.ErrnoException).code}`)) throw error
  }
  rmSync(aside, { force: true })
}
