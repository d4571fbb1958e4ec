import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface Child {
  readonly process: ChildProcess
  /** The first line that it wrote, as JSON; fails with what it wrote to standard error when it ended without one. */
  answer<Answer>(): Promise<Answer>
  /** Closes its standard input and waits for its end. */
  finish(): Promise<number | null>
  /** `kill -9`. */
  kill(): Promise<void>
}

async function firstLine(child: ChildProcess, complaints: () => string): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) return line
  throw new Error(complaints() || 'the process ended without a word')
}

/** Runs one of test/support/processes in a Node of its own. */
export function startChild(name: string, args: string[]): Child {
  const file = fileURLToPath(new URL(`./processes/${name}.ts`, import.meta.url))
  const child = spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaints += text
  })
  const line = firstLine(child, () => complaints)
  line.catch(() => {})
  return {
    process: child,
    answer: async <Answer>() => JSON.parse(await line) as Answer,
    async finish() {
      child.stdin.end()
      return (await ended)[0] as number | null
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
