/** `docs/operating/backup-and-restore.md`, run as printed. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/database/open-database.ts'
import { runCli } from '../support/cli-in-process.ts'
import { codeBlocksOf } from '../support/code-blocks.ts'
import { findProgram } from '../support/debian.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import type { Environment } from '../support/environment.ts'
import { ISSUER, type ServerNode, startNode } from '../support/nodes.ts'
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/postgres.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

async function serverMajor(url: string): Promise<number> {
  const database = openDatabase(url)
  try {
    const { rows } = await database.knex.raw('SHOW server_version_num')
    return Math.floor(Number(rows[0].server_version_num) / 10_000)
  } finally {
    await database.close()
  }
}

/** pg_dump refuses a server that is newer than itself. */
async function canDump(url: string): Promise<boolean> {
  const pgDump = await findProgram('/usr/bin/pg_dump', 'postgresql-client')
  if (!pgDump) return false
  const { stdout } = await run(pgDump, ['--version'])
  return Number(/(\d+)\./.exec(stdout)![1]) >= (await serverMajor(url))
}

const original = await createTestDatabase()
const isPossible = await canDump(original.url)

describe.skipIf(!isPossible)('a backup that is made and restored as the documentation prints it', () => {
  const ENCRYPTION_KEY = newEncryptionKey()
  let home: string
  let restored: TestDatabase
  const started: ServerNode[] = []

  const environment = (database: TestDatabase): Environment => ({
    DATABASE_URL: database.url,
    ENCRYPTION_KEY,
    ISSUER,
    PORT: '0',
    LOG_LEVEL: 'info',
  })

  async function start(database: TestDatabase): Promise<ServerNode> {
    const node = await startNode(environment(database))
    started.push(node)
    return node
  }

  /** The n-th shell block of the page. The dump is written outside the repository. */
  async function runPrinted(n: number, database: TestDatabase): Promise<string> {
    const block = codeBlocksOf('docs/operating/backup-and-restore.md', 'sh')[n]!
    const command = block.replace('keywright.dump', join(home, 'keywright.dump'))
    const env = { ...environment(database), PATH: `${dirname(process.execPath)}:/usr/bin:/bin:${process.env.PATH}` }
    return (await run('sh', ['-ec', command], { cwd: ROOT, env: env as NodeJS.ProcessEnv })).stdout
  }

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'keywright-backup-'))
    restored = await createEmptyDatabase()
  })

  afterAll(async () => {
    await Promise.all(started.map((node) => node.stop()))
    await restored?.drop()
    await original.drop()
    await rm(home, { recursive: true, force: true })
  })

  test('keeps tokens, credentials, signing keys and the audit log', async () => {
    const bootstrapped = await runCli(['bootstrap', '--json'], environment(original))
    expect(bootstrapped.code, bootstrapped.stderr).toBe(0)
    const made = JSON.parse(bootstrapped.stdout)
    const pair = { clientId: made.client_id, clientSecret: made.client_secret }
    const api = { clientId: made.api.client_id, clientSecret: made.api.client_secret }
    const before = await start(original)
    const issued = await before.machineToken(pair)
    expect(issued.status, issued.text).toBe(200)

    await runPrinted(0, original)
    await runPrinted(1, restored)
    await runPrinted(2, restored)
    expect(JSON.parse(await runPrinted(3, restored))).toMatchObject({ verified: true })

    const after = await start(restored)
    expect((await after.introspect(issued.body.access_token, api)).body.active).toBe(true)
    expect((await after.machineToken(pair)).status).toBe(200)
    const keySets = await Promise.all(
      [before, after].map(async ({ url }) => (await fetch(`${url}/oauth2/jwks`)).json()),
    )
    expect(keySets[1]).toEqual(keySets[0])
  })
})
