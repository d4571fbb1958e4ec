import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keywright } from '../support/cli-in-process.ts'
import { cleanEnvironment, type Environment } from '../support/environment.ts'
import { createSetUpDatabase } from '../support/postgres.ts'

const BIN = fileURLToPath(new URL('../../bin/keywright.cjs', import.meta.url))

let created: Awaited<ReturnType<typeof createSetUpDatabase>>
let env: Environment
let pair: { client_id: string; client_secret: string }

beforeAll(async () => {
  created = await createSetUpDatabase()
  env = { DATABASE_URL: created.url, ENCRYPTION_KEY: created.encryptionKey }
  const cli = keywright(env)
  const { account_id } = await cli('account create --name Inspected')
  const { user_id } = await cli(`user create --account ${account_id} --email inspected@example.com --role admin`)
  pair = await cli(`key-pair generate --user ${user_id}`)
})

afterAll(() => created?.drop())

/** `keywright inspect -`, with the text on standard input. */
async function inspectTyped(text: string) {
  const child = spawn(process.execPath, [BIN, 'inspect', '-', '--json'], {
    env: cleanEnvironment(env) as NodeJS.ProcessEnv,
  })
  const out = { stdout: '', stderr: '' }
  child.stdout.on('data', (data) => {
    out.stdout += data
  })
  child.stderr.on('data', (data) => {
    out.stderr += data
  })
  child.stdin.end(text)
  const [code] = await once(child, 'close')
  return { code, ...out }
}

test('inspect finds a client secret that is typed, and prints it nowhere', async () => {
  const { code, stdout, stderr } = await inspectTyped(`${pair.client_secret}\n`)
  expect(code, stderr).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    kind: 'client_secret',
    works: true,
    reason: null,
    findings: [
      { kind: 'client_secret', client: { client_id: pair.client_id }, user: { email: 'inspected@example.com' } },
    ],
  })
  expect(stdout + stderr).not.toContain(pair.client_secret)
})

test('inspect refuses more than 64 KiB', async () => {
  const { code, stdout } = await inspectTyped('x'.repeat(70_000))
  expect([code, stdout]).toEqual([expect.any(Number), ''])
  expect(code).not.toBe(0)
})

test('inspect says why a replaced key pair does not work', async () => {
  const cli = keywright(env)
  await cli('key-pair generate --user inspected@example.com')
  for (const text of [pair.client_id, pair.client_secret]) {
    expect(await cli('inspect', text)).toMatchObject({ works: false, reason: 'key_pair_replaced' })
  }
})
