import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A pid alone is handed out again; together with the moment its process began it names one process for good. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startedAt: string
}

export interface LiveProcess extends ProcessIdentity {
  /** Its arguments; where only one text can be had (`ps`), split at spaces. */
  readonly args: readonly string[]
}

const readOrNothing = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function lookInProc(pid: number): LiveProcess | undefined {
  const stat = readOrNothing(`/proc/${pid}/stat`)
  // The program's name, in parentheses, may itself hold spaces and parentheses: count from behind the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (stat === '' || fields[0] === 'Z' || fields[0] === 'X') return undefined
  const boot = readOrNothing('/proc/sys/kernel/random/boot_id').trim()
  const args = readOrNothing(`/proc/${pid}/cmdline`).split('\0')
  return { pid, startedAt: `${boot}/${fields[19]}`, args }
}

/** As in `Sun Nov 29 06:24:00 2026`. */
const LENGTH_OF_LSTART = 24

/** @param answer of `ps -o lstart= -o stat= -o command=` in the locale C */
export function parsePs(pid: number, answer: string): LiveProcess | undefined {
  const text = answer.trim()
  const [state = '', ...args] = text.slice(LENGTH_OF_LSTART).trim().split(/ +/)
  if (!state || state.startsWith('Z')) return undefined
  return { pid, startedAt: text.slice(0, LENGTH_OF_LSTART), args }
}

function askPs(pid: number): LiveProcess | undefined {
  const columns = ['-o', 'lstart=', '-o', 'stat=', '-o', 'command=']
  const ps = spawnSync('ps', ['-ww', ...columns, '-p', `${pid}`], { encoding: 'utf8', env: { LC_ALL: 'C', TZ: 'UTC' } })
  return parsePs(pid, ps.stdout ?? '')
}

/** The process with this pid; a zombie, which only waits for its parent to notice, counts as gone. */
export function lookAtProcess(pid: number): LiveProcess | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined
  return process.platform === 'linux' ? lookInProc(pid) : askPs(pid)
}

export const isAlive = (one: ProcessIdentity): boolean => lookAtProcess(one.pid)?.startedAt === one.startedAt

/** Whether the kernel still knows the pid, be it as a zombie or by now as another program: what PostgreSQL asks. */
export function isPidTaken(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export function thisProcess(): ProcessIdentity {
  const { pid, startedAt } = lookAtProcess(process.pid)!
  return { pid, startedAt }
}
