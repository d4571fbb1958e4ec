import { execFileSync, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Population } from './keywright.ts'
import { freePort } from './postgres.ts'

const BIN = fileURLToPath(new URL('../bin/keywright.cjs', import.meta.url))
const ROUNDS = 5

/** In milliseconds: the shortest of some runs, because a noisy machine only adds. */
function shortest(run: () => void): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const begun = performance.now()
    run()
    return performance.now() - begun
  })
  return Math.min(...times)
}

const runNode =
  (args: readonly string[], env: Record<string, string> = {}) =>
  () => {
    execFileSync(process.execPath, args, { env: { ...process.env, ...env }, stdio: 'ignore' })
  }

/** Milliseconds from the start of a node to its first 200 at /readyz. */
async function untilReady(environment: Record<string, string>): Promise<number> {
  const port = await freePort()
  const begun = performance.now()
  const env = { ...process.env, NODE_ENV: 'production', ...environment, PORT: String(port) }
  const child = fork(BIN, ['serve'], { env, stdio: 'ignore' })
  const deadline = begun + 60_000
  try {
    while (performance.now() < deadline) {
      const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
      if (ready) return performance.now() - begun
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    throw new Error('the node is not ready after a minute')
  } finally {
    child.kill('SIGTERM')
    await new Promise((resolve) => child.once('exit', resolve))
  }
}

/** Start-up times as multiples of the time in which Node alone starts and ends. */
export async function measureStartUp({ environment }: Population) {
  const node = shortest(runNode(['-e', '0']))
  const help = shortest(runNode([BIN, '--help']))
  const command = shortest(runNode([BIN, 'account', 'list', '--json'], environment))
  const readyTimes: number[] = []
  for (let round = 0; round < ROUNDS; round++) readyTimes.push(await untilReady(environment))
  const ready = Math.min(...readyTimes)
  return {
    ratios: { help_vs_node: help / node, command_vs_node: command / node, ready_vs_node: ready / node },
    figures: { node_start_ms: node, help_ms: help, command_ms: command, ready_ms: ready },
  }
}
