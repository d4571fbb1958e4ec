import { once } from 'node:events'
import { spawnKeywright } from './cli.ts'
import type { Environment } from './environment.ts'

export interface ServerProcess {
  readonly url: string
  readonly pid: number
  /** Everything that it has written. */
  readonly output: { stdout: string; stderr: string }
  /** SIGTERM, then its exit code. */
  stop(): Promise<number | null>
  /** `kill -9`. */
  kill(): Promise<void>
}

/** `npm start` in a process of its own, on some free port. */
export async function startServerProcess(env: Environment): Promise<ServerProcess> {
  const child = spawnKeywright(['serve'], { PORT: '0', ...env })
  const ended = once(child, 'close')
  const output = { stdout: '', stderr: '' }
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output.stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      output.stderr += text
      const listening = /"url":"([^"]+)"/.exec(output.stderr)
      if (listening) resolve(listening[1]!)
    })
    child.once('close', () => reject(new Error(`the server ended: ${output.stderr}`)))
  })
  return {
    url,
    pid: child.pid!,
    output,
    async stop() {
      child.kill('SIGTERM')
      return (await ended)[0]
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
