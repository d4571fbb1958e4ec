import type { ChildProcess } from 'node:child_process'

const running = new Map<ChildProcess, NodeJS.Signals>()

function endAll(): void {
  for (const [child, signal] of running) child.kill(signal)
}
process.once('exit', endAll)
process.once('SIGTERM', () => process.exit())
process.once('disconnect', endAll)

/** What a test that fails leaves behind must not outlive the tests, however those end. */
export function endWithTests(child: ChildProcess, signal: NodeJS.Signals): void {
  running.set(child, signal)
  child.once('exit', () => running.delete(child))
}
