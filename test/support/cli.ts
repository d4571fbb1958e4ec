import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type CliRun, toCliRun } from './cli-in-process.ts'
import { cleanEnvironment, type Environment } from './environment.ts'

/** What `npm start` runs. */
const BIN = fileURLToPath(new URL('../../bin/keywright.cjs', import.meta.url))

export function spawnKeywright(args: readonly string[], env: Environment) {
  return spawn(process.execPath, [BIN, ...args], {
    env: cleanEnvironment(env) as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Runs the command line in a process of its own, to its end. */
export async function runCliProcess(args: readonly string[], env: Environment): Promise<CliRun> {
  const child = spawnKeywright(args, env)
  const out = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    out.stderr += text
  })
  const [code] = await once(child, 'close')
  return toCliRun(args, code, out)
}
