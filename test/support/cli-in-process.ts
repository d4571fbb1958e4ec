import { runProgram } from '../../src/cli/program.ts'
import { cleanEnvironment, type Environment } from './environment.ts'

export interface CliRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** What --json answered. */
  // biome-ignore lint/suspicious/noExplicitAny: each command answers a shape of its own, which the test states
  readonly json: any
}

export const toCliRun = (
  args: readonly string[],
  code: number | null,
  out: { stdout: string; stderr: string },
): CliRun => ({
  code,
  ...out,
  json: args.includes('--json') && out.stdout ? JSON.parse(out.stdout) : undefined,
})

/** Keeps what is written to a stream of this process, until `restore`. */
function capture(stream: NodeJS.WriteStream) {
  const write = stream.write
  let text = ''
  stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
    text += Buffer.from(chunk as string).toString()
    const done = rest.find((one) => typeof one === 'function') as (() => void) | undefined
    if (done) queueMicrotask(done)
    return true
  }) as typeof stream.write
  return {
    text: () => text,
    restore: () => {
      stream.write = write
    },
  }
}

async function runAlone(args: readonly string[], env: Environment): Promise<CliRun> {
  const own = process.env
  const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)]
  process.env = cleanEnvironment(env) as NodeJS.ProcessEnv
  try {
    const code = await runProgram(args)
    return toCliRun(args, code, { stdout: stdout.text(), stderr: stderr.text() })
  } finally {
    process.env = own
    stdout.restore()
    stderr.restore()
  }
}

let last: Promise<unknown> = Promise.resolve()

/**
 * Runs the command line to its end, in this process: a process of its own takes a second. One call after the other, because
 * the program reads the environment of the process and writes to its standard output. `serve`, and what is about the process
 * itself, run by `runCliProcess`.
 */
export function runCli(args: readonly string[], env: Environment): Promise<CliRun> {
  const run = last.then(() => runAlone(args, env))
  last = run.catch(() => {})
  return run
}

/** `keywright(env)('client list')`: answers the JSON of a command that must succeed. What holds spaces goes in `more`. */
export function keywright(env: Environment) {
  return async (command: string, ...more: string[]) => {
    const run = await runCli([...command.split(' '), ...more, '--json'], env)
    if (run.code !== 0) throw new Error(`keywright ${command} ${more.join(' ')} ended with ${run.code}: ${run.stderr}`)
    return run.json
  }
}
