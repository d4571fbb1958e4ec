import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What `npm start` runs. */
const BIN = fileURLToPath(new URL('../../bin/keywright.cjs', import.meta.url))

export interface CliRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** What --json answered. */
  // biome-ignore lint/suspicious/noExplicitAny: each command answers a shape of its own, which the test states
  readonly json: any
}

export type Environment = Record<string, string | undefined>

/** Only what is named here and what a process needs: nothing of the tests' own environment leaks into it. */
export const cleanEnvironment = (env: Environment): Environment => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  // No load balancer has to hear of the end first.
  SHUTDOWN_DELAY: '0',
  ...env,
})

export function spawnKeywright(args: readonly string[], env: Environment) {
  return spawn(process.execPath, [BIN, ...args], {
    env: cleanEnvironment(env) as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Runs the command line in a process of its own, to its end. */
export async function runCli(args: readonly string[], env: Environment): Promise<CliRun> {
  const child = spawnKeywright(args, env)
  const out = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    out.stderr += text
  })
  const [code] = await once(child, 'close')
  return { code, ...out, json: args.includes('--json') && out.stdout ? JSON.parse(out.stdout) : undefined }
}

/** `keywright(env)('client list')`: answers the JSON of a command that must succeed. What holds spaces goes in `more`. */
export function keywright(env: Environment) {
  return async (command: string, ...more: string[]) => {
    const run = await runCli([...command.split(' '), ...more, '--json'], env)
    if (run.code !== 0) throw new Error(`keywright ${command} ${more.join(' ')} ended with ${run.code}: ${run.stderr}`)
    return run.json
  }
}
