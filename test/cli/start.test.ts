import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runCli } from '../support/cli-in-process.ts'
import { createDataDirectory, isGoneWithin, postmasterOf } from '../support/data-directory.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import type { Environment } from '../support/environment.ts'
import { until } from '../support/load.ts'
import { type Launched, launchServer, startNode } from '../support/nodes.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { startTcpProxy, throughProxy } from '../support/tcp-proxy.ts'

let database: TestDatabase
let data: ReturnType<typeof createDataDirectory>
let env: Environment

beforeEach(async () => {
  database = await createTestDatabase()
  data = createDataDirectory()
  env = { DATABASE_URL: database.url, ENCRYPTION_KEY: newEncryptionKey(), PORT: '0' }
})

afterEach(async () => {
  await database.drop()
  data.remove()
})

/** The error output without the lines of the log. */
async function sentenceOf(server: Launched): Promise<string> {
  expect(await server.ended).toMatchObject({ code: 1 })
  return server
    .stderr()
    .split('\n')
    .filter((line) => !line.startsWith('{') && line !== '')
    .join('\n')
}

async function occupyPort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return { port: `${(server.address() as AddressInfo).port}`, close: () => server.close() }
}

test.each(['1', '2'])(
  'a busy port on the first start sets nothing up: the next start prints the credentials (%s workers)',
  async (WORKERS) => {
    const busy = await occupyPort()
    const first = launchServer({ ...env, WORKERS, PORT: busy.port })
    expect(await sentenceOf(first)).toMatch(/^keywright: port \d+ of 127\.0\.0\.1 is in use; [^\n]*set PORT[^\n]*$/)
    expect(first.stdout()).toBe('')
    busy.close()
    const second = await startNode({ ...env, WORKERS })
    await until(() => second.stdout().includes('Keywright is set up'))
    await second.stop()
  },
)

test('a first start whose database fails right after the set-up prints the credentials and exits', async () => {
  const proxy = await startTcpProxy(database.url)
  const cut = proxy.cutAfterCommitOf(/Demo application/)
  const first = launchServer({ ...env, DATABASE_URL: throughProxy(database.url, proxy) })
  await cut
  expect(await sentenceOf(first)).toContain('the database cannot be reached')
  expect(first.stdout()).toMatch(/operator@keywright\.example {2}one-time password \S+/)
})

test('a later start prints how to get a new password', async () => {
  await (await startNode(env)).stop()
  const later = await startNode(env)
  await later.prints(/npm run -s keywright -- user reset-password operator@keywright\.example/)
  expect(later.stdout()).not.toMatch(/kw[skp]_/)
  await later.stop()
})

const ONE_SENTENCE = /^keywright: [^\n]+$/

test('HOST is no address of this machine stops the start with one sentence', async () => {
  const text = await sentenceOf(launchServer({ ...env, HOST: '203.0.113.7' }))
  expect(text).toMatch(/HOST: 203\.0\.113\.7 is no address/)
  expect(text).toMatch(ONE_SENTENCE)
})

/** Before it opens anything, which would stay open in this process. */
const NOT_STARTED: [string, () => Environment, RegExp][] = [
  ['a raw % in DATABASE_URL', () => ({ DATABASE_URL: 'postgresql://u:a%b@h/db' }), /DATABASE_URL: has a percent sign/],
  [
    'a DATABASE_URL with a # in its password that nobody answers',
    () => ({ DATABASE_URL: 'postgresql://u:a#b@127.0.0.1:9/db' }),
    /the database cannot be reached: [^\n]*127\.0\.0\.1:9/,
  ],
  ['http in ISSUER', () => ({ ISSUER: 'http://auth.example.com' }), /ISSUER: must begin with https/],
  [
    'no file for the key',
    () => ({ ENCRYPTION_KEY: '', ENCRYPTION_KEY_FILE: join(data.path, 'no') }),
    /ENCRYPTION_KEY_FILE: cannot read/,
  ],
  [
    'DATA_DIR in a file',
    () => ({ DATABASE_URL: '', DATA_DIR: join(fileIn(data.path), 'data') }),
    /DATA_DIR: this user cannot write to/,
  ],
]

function fileIn(directory: string): string {
  const path = join(directory, 'file')
  writeFileSync(path, '')
  return path
}

test.each(NOT_STARTED)('%s stops the start with one sentence', async (_, changes, sentence) => {
  const { code, stdout, stderr } = await runCli(['serve'], { ...env, ...changes() })
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(sentence)
  expect(stderr.trimEnd()).toMatch(ONE_SENTENCE)
})

test('HOST=[::1] listens on ::1', async () => {
  const node = await startNode({ ...env, HOST: '[::1]' })
  expect(node.url).toMatch(/^http:\/\/\[::1\]:\d+$/)
  expect((await fetch(`${node.url}/readyz`)).status).toBe(200)
  await node.stop()
})

test.each(['SIGHUP', 'SIGQUIT'] as const)('%s stops the server as SIGTERM does', async (signal) => {
  const node = await startNode(env)
  node.signal(signal)
  expect(await node.ended).toEqual({ code: 0, signal: null })
  expect(node.stderr()).toContain(`"signal":"${signal}"`)
})

const embedded = () => ({ PORT: '0', DATA_DIR: data.path, SHUTDOWN_DELAY: '0' })

test('a server whose embedded PostgreSQL exits by itself logs an error and exits with 1', async () => {
  const node = await startNode(embedded())
  const postmaster = postmasterOf(data.path)!
  // PostgreSQL ends itself so when its lock file is gone.
  process.kill(postmaster.pid, 'SIGKILL')
  expect(await node.ended).toMatchObject({ code: 1 })
  expect(node.stderr()).toMatch(/"level":"error".*the embedded PostgreSQL ended by itself/)
  expect(await isGoneWithin(60_000, postmaster)).toBe(true)
  const next = await startNode(embedded())
  expect((await fetch(`${next.url}/readyz`)).status).toBe(200)
  await next.stop()
})

test('a missing encryption key file is not replaced while the database has values that it encrypted', async () => {
  await (await startNode(embedded())).stop()
  const path = join(data.path, 'encryption.key')
  const kept = readFileSync(path, 'utf8')
  rmSync(path)
  expect(await sentenceOf(launchServer(embedded()))).toMatch(
    /^keywright: \S+encryption\.key is missing; restore [^\n]*$/,
  )
  expect(existsSync(path)).toBe(false)
  writeFileSync(path, 'x')
  expect(await sentenceOf(launchServer(embedded()))).toMatch(/holds no key of 32 bytes; restore/)
  writeFileSync(path, kept)
  await (await startNode(embedded())).stop()
})
