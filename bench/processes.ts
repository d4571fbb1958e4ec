import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A measured Node process. */
export interface Measured {
  readonly url: string
  usage(): Promise<Usage>
  stop(): Promise<void>
}

export interface Usage {
  /** User and system time of all threads, in milliseconds. */
  readonly cpu: number
  /** Resident set, in bytes. */
  readonly memory: number
}

const hrefOf = (script: string): string => new URL(script, import.meta.url).href

async function usageOf(child: ChildProcess): Promise<Usage> {
  const answer = once(child, 'message')
  child.send('usage')
  const [{ cpu, memory }] = await answer
  return { cpu: (cpu.user + cpu.system) / 1000, memory }
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  for (let n = 0; n < 300; n++) {
    if (child.exitCode !== null) throw new Error(`the process at ${url} ended with ${child.exitCode}`)
    const ready = await fetch(`${url}/oauth2/jwks`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (ready) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`nothing answers at ${url}`)
}

/**
 * Starts a script of ours as a process of its own, with the probe in it and what else it is to load first, and waits until it
 * answers.
 */
export async function startMeasured(
  script: string,
  args: readonly string[],
  port: number,
  env: Record<string, string>,
  loaded: readonly string[] = [],
): Promise<Measured> {
  const url = `http://127.0.0.1:${port}`
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
    execArgv: ['./probe.ts', ...loaded].flatMap((one) => ['--import', hrefOf(one)]),
    env: { ...process.env, NODE_ENV: 'production', ...env, PORT: String(port) },
    stdio: ['ignore', 'ignore', process.env.BENCH_DEBUG ? 'inherit' : 'ignore', 'ipc'],
  })
  await untilReady(url, child)
  return {
    url,
    usage: () => usageOf(child),
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}
