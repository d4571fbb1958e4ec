#!/usr/bin/env node
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { VerifierOptionsError } from './options.ts'
import { createVerifier } from './verifier.ts'
import { createVerifyServer } from './verify-server.ts'
import { readVerifyServerSettings, VARIABLES, type VerifyServerSettings } from './verify-server-settings.ts'

/** Milliseconds to finish open requests after the signal to stop. The verifier waits at most 5 s for a list. */
const SHUTDOWN_TIMEOUT = 6000

function log(level: 'info' | 'warn' | 'error', msg: string, fields: object = {}): void {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, msg, ...fields })}\n`)
}

function usage(): string {
  const lines = Object.entries(VARIABLES).map(([name, meaning]) => `  ${name.padEnd(16)} ${meaning}`)
  return `keywright-verify: verifies access tokens for API gateways\n\nEnvironment variables, with defaults in parentheses:\n${lines.join('\n')}\n`
}

function settingsOrErrors(): VerifyServerSettings | readonly string[] {
  try {
    return readVerifyServerSettings(process.env, ({ code, message }) => log('warn', message, { code }))
  } catch (error) {
    if (error instanceof VerifierOptionsError) return error.errors
    throw error
  }
}

/** Serves until SIGTERM or SIGINT. */
async function serve({ verifier: options, origin, host, port }: VerifyServerSettings): Promise<void> {
  const verifier = createVerifier(options)
  const onError = (error: unknown) => log('error', (error as Error).message)
  const server = createVerifyServer({ verifier, origin, onError }).listen(port, host)
  await once(server, 'listening')
  verifier.start()
  const { address, port: boundPort, family } = server.address() as AddressInfo
  log('info', 'listening', { url: `http://${family === 'IPv6' ? `[${address}]` : address}:${boundPort}` })
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  server.close()
  // After `close` Node applies no request timeout: an idle or unfinished connection would keep the process alive.
  setTimeout(() => server.closeAllConnections(), SHUTDOWN_TIMEOUT).unref()
  await verifier.close()
}

/** Returns the exit code: 0 done, 1 failed, 2 wrong usage. */
async function main(args: readonly string[]): Promise<number> {
  if (args.length > 0) {
    const isHelp = args.length === 1 && args[0] === '--help'
    process[isHelp ? 'stdout' : 'stderr'].write(usage())
    return isHelp ? 0 : 2
  }
  const settings = settingsOrErrors()
  if (!('verifier' in settings)) {
    for (const error of settings) log('error', error)
    return 2
  }
  try {
    await serve(settings)
    return 0
  } catch (error) {
    log('error', (error as Error).message)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
