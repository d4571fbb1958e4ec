import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endWithTests } from './end-with-tests.ts'
import { cleanEnvironment, type Environment } from './environment.ts'
import { until } from './load.ts'

/** Below the ports of outgoing connections: one of those may take any port that is free, also while its server restarts. */
const PORTS = { first: 20_000, count: 10_000 }

/** Whether nobody listens on the port, at any address. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port)
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  await new Promise((resolve) => server.close(resolve))
  return true
}

export async function freePort(): Promise<number> {
  const port = PORTS.first + randomInt(PORTS.count)
  return (await isFree(port)) ? port : await freePort()
}

/** A directory that a program may read which gives up root's rights. */
export async function openDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'keywright-program-'))
  await chmod(path, 0o755)
  return path
}

export const removeDirectory = (path: string) => rm(path, { recursive: true, force: true })

export interface Program {
  readonly url: string
  written(): string
  stop(): Promise<void>
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/**
 * Runs a program until it listens at that port.
 * @param patience milliseconds
 * @throws Error with what it wrote, if it ends before
 */
export async function startProgram(
  command: readonly string[],
  port: number,
  env: Environment = {},
  patience?: number,
): Promise<Program> {
  const [file, ...args] = command as [string, ...string[]]
  const child = spawn(file, args, {
    env: cleanEnvironment(env) as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // Not SIGKILL: that would end masters without their workers.
  endWithTests(child, 'SIGTERM')
  let written = ''
  let isOver = false
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      written += text
    })
  }
  const ended = new Promise<void>((resolve) => child.once('close', resolve).once('error', resolve)).then(() => {
    isOver = true
  })
  await until(async () => isOver || (await isListening(port)), patience).catch((error) => {
    child.kill('SIGTERM')
    throw error
  })
  if (isOver) throw new Error(`${command.join(' ')} ended:\n${written}`)
  return {
    url: `http://127.0.0.1:${port}`,
    written: () => written,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
