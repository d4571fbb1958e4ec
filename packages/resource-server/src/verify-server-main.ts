#!/usr/bin/env node
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { VerifierOptionsError } from './options.ts'
import { createVerifier } from './verifier.ts'
import { createVerifyServer } from './verify-server.ts'
import { readVerifyServerSettings, VARIABLES, type VerifyServerSettings } from './verify-server-settings.ts'

/** Milliseconds for answers that are under way when it is told to end; a list is waited for 5 s at most. */
const GRACE = 6000

function say(level: 'info' | 'warn' | 'error', msg: string, more: object = {}): void {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, msg, ...more })}\n`)
}

function usage(): string {
  const lines = Object.entries(VARIABLES).map(([name, meaning]) => `  ${name.padEnd(16)} ${meaning}`)
  return `keywright-verify: answers gateways whether a request's access token may be honoured\n\nTold by its environment:\n${lines.join('\n')}\n`
}

function settingsOrFaults(): VerifyServerSettings | readonly string[] {
  try {
    return readVerifyServerSettings(process.env, ({ code, message }) => say('warn', message, { code }))
  } catch (error) {
    if (error instanceof VerifierOptionsError) return error.faults
    throw error
  }
}

/** Until SIGTERM or SIGINT. */
async function serve({ verifier: options, origin, host, port }: VerifyServerSettings): Promise<void> {
  const verifier = createVerifier(options)
  const onError = (error: unknown) => say('error', (error as Error).message)
  const server = createVerifyServer({ verifier, origin, onError }).listen(port, host)
  await once(server, 'listening')
  verifier.start()
  const { address, port: taken, family } = server.address() as AddressInfo
  say('info', 'listening', { url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}` })
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  server.close()
  // Who is connected and asks nothing, or only half, would keep the process: Node no longer looks how long that takes.
  setTimeout(() => server.closeAllConnections(), GRACE).unref()
  await verifier.close()
}

/** Answers the exit code: 0 done, 1 failed, 2 called wrongly. */
async function main(args: readonly string[]): Promise<number> {
  if (args.length > 0) {
    const isHelp = args.length === 1 && args[0] === '--help'
    process[isHelp ? 'stdout' : 'stderr'].write(usage())
    return isHelp ? 0 : 2
  }
  const settings = settingsOrFaults()
  if (!('verifier' in settings)) {
    for (const fault of settings) say('error', fault)
    return 2
  }
  try {
    await serve(settings)
    return 0
  } catch (error) {
    say('error', (error as Error).message)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
