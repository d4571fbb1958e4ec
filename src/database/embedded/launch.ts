import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import type { Account } from './system-account.ts'

export interface Launch {
  readonly file: string
  readonly args: readonly string[]
  readonly account: Account | undefined
  /** What it gets when this process dies, however it dies. */
  readonly onParentDeath: 'INT' | 'KILL'
  readonly output: number | 'pipe'
}

export type Guard = 'kernel' | 'shell'

// The shell ends with what it watches over, and ends that when the pipe to its own parent closes.
const SHELL_GUARD = `
exec 3<&0
"$@" </dev/null 3<&- & child=$!
{ read -r _ <&3; kill -"$SIGNAL" "$child"; } 2>/dev/null & guard=$!
exec 3<&-
wait "$child"; code=$?
kill "$guard" 2>/dev/null
exit "$code"`

const SETPRIV = '/usr/bin/setpriv'

/** Linux tells a child of its parent's death; busybox has a setpriv too, but it knows no --pdeathsig. */
export function availableGuard(): Guard {
  if (process.platform !== 'linux' || !existsSync(SETPRIV)) return 'shell'
  return spawnSync(SETPRIV, ['--pdeathsig', 'INT', 'true']).status === 0 ? 'kernel' : 'shell'
}

function throughKernel({ file, args, account, onParentDeath }: Launch): [string, string[]] {
  const drop = account ? ['--reuid', `${account.uid}`, '--regid', `${account.gid}`, '--clear-groups'] : []
  return [SETPRIV, ['--pdeathsig', onParentDeath, ...drop, '--', file, ...args]]
}

/**
 * Starts a program that does not outlive this process. It is detached, because Ctrl-C reaches the whole process group
 * and the server drains before its database goes; its directory is `/`, the one that every user may enter.
 */
export function launch(what: Launch, guard: Guard = availableGuard()): ChildProcess {
  // The kernel's signal follows the thread that forked: from a worker, PostgreSQL would stop when the worker does.
  if (!isMainThread) throw new Error('embedded PostgreSQL can only be started from the main thread')
  const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC', SIGNAL: what.onParentDeath }
  const stdio: StdioOptions = [guard === 'shell' ? 'pipe' : 'ignore', 'ignore', what.output]
  const common = { env, stdio, cwd: '/', detached: true }
  if (guard === 'kernel') return spawn(...throughKernel(what), common)
  return spawn('/bin/sh', ['-c', SHELL_GUARD, 'sh', what.file, ...what.args], { ...common, ...what.account })
}

/** Lets this process end without waiting for the child. */
export function letGo(child: ChildProcess): void {
  child.unref()
  const stdin = child.stdin as (ChildProcess['stdin'] & { unref?(): void }) | null
  stdin?.unref?.()
}
