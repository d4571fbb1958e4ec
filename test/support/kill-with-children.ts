import { readFileSync } from 'node:fs'

const childrenOf = (pid: number): number[] =>
  process.platform === 'linux'
    ? readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
    : []

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** `kill -9` of a process and its children at one moment. A child may end first, as its parent does. */
export function killWithChildren(pid: number): void {
  for (const one of [pid, ...childrenOf(pid)]) killIfAlive(one)
}
