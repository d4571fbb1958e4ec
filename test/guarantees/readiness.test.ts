/** PostgreSQL that is there and cannot serve: every answer is 200 or 503, and a node is ready only while it can record. */
import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ensurePartitions } from '../../src/tokens/partitions.ts'
import { runCli } from '../support/cli-in-process.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import { withoutJob } from '../support/jobs.ts'
import { together, until } from '../support/load.ts'
import { type Nodes, type ServerNode, startNodes } from '../support/nodes.ts'
import { type Credentials, send } from '../support/requests.ts'
import { createSystemPostgres, findPostgres, type SystemPostgres } from '../support/system-postgres.ts'

const bin = await findPostgres()

/** A file system that is soon full; undefined where this user may not make one. */
function mountSmall(path: string): (() => void) | undefined {
  mkdirSync(path)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', path], { stdio: 'pipe' })
  } catch {
    process.stderr.write('keywright tests: no file system can be mounted here; the test of a full disk is skipped\n')
    return undefined
  }
  return () => void execFileSync('umount', ['-l', path])
}

describe.skipIf(!bin)('a database that cannot serve', () => {
  let postgres: SystemPostgres
  let unmount: (() => void) | undefined
  let small: string
  let on: Nodes
  let node: ServerNode
  let api: Credentials & { identifier: string }
  let client: Credentials

  beforeAll(async () => {
    postgres = await createSystemPostgres(bin!)
    await postgres.start()
    small = join(postgres.home, 'small')
    unmount = mountSmall(small)
    const { uid, gid } = statSync(postgres.data)
    chownSync(small, uid, gid)
    await postgres.query("CREATE ROLE kw LOGIN PASSWORD 'first'")
    await postgres.query(`CREATE TABLESPACE small LOCATION '${small}'`)
    await postgres.query('CREATE DATABASE keywright OWNER kw TABLESPACE small')
    writeFileSync(
      join(postgres.data, 'pg_hba.conf'),
      'host all kw all scram-sha-256\nhost all all all trust\nlocal all all trust\n',
    )
    await postgres.query('SELECT pg_reload_conf()')
    const url = `postgresql://kw:first@127.0.0.1:${postgres.port}/keywright`
    const env = { DATABASE_URL: url, ENCRYPTION_KEY: newEncryptionKey() }
    expect(await runCli(['migrate'], env)).toMatchObject({ code: 0 })
    on = await startNodes(1, { env, databaseUrl: `postgresql://postgres@127.0.0.1:${postgres.port}/keywright` })
    node = on.nodes[0]!
    api = await on.make.api()
    client = await on.make.client([api.identifier], { policy: 'none' })
  })

  afterAll(async () => {
    await on?.stop()
    await postgres?.stop('SIGQUIT')
    unmount?.()
    await postgres?.remove()
  })

  const isReady = async () => (await send(`${node.url}/readyz`)).status === 200

  /** Without a restart and without anybody's help. */
  async function expectRecovery(): Promise<void> {
    await until(isReady)
    await until(async () => (await node.machineToken(client)).status === 200)
  }

  afterEach(() => {
    const fieldErrors = node
      .stderr()
      .split('\n')
      .filter((line) => /"status":500/.test(line))
    expect(fieldErrors).toEqual([])
  })

  async function expectCannotServe(token: string): Promise<void> {
    const issued = await node.machineToken(client)
    expect([issued.status, issued.body.error]).toEqual([503, 'temporarily_unavailable'])
    const answers = [
      await node.introspect(token, api),
      await node.revoke(token, client),
      await send(`${node.url}/oauth2/authorize?client_id=${client.clientId}&response_type=code`),
      await send(`${node.url}/oauth2/token`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      }),
    ]
    expect(answers.map(({ status }) => status).filter((status) => status >= 500 && status !== 503)).toEqual([])
    const ready = await send(`${node.url}/readyz`)
    expect([ready.status, ready.body.database]).toEqual([503, false])
  }

  const END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'kw'"

  test.each([
    ['the password was changed', ["ALTER ROLE kw PASSWORD 'second'", END_SESSIONS], ["ALTER ROLE kw PASSWORD 'first'"]],
    [
      'CONNECT was revoked',
      ['REVOKE CONNECT ON DATABASE keywright FROM PUBLIC, kw', END_SESSIONS],
      ['GRANT CONNECT ON DATABASE keywright TO kw'],
    ],
    [
      'the database takes no connections',
      ['ALTER DATABASE keywright ALLOW_CONNECTIONS false', END_SESSIONS],
      ['ALTER DATABASE keywright ALLOW_CONNECTIONS true'],
    ],
    ['the role may not log in', ['ALTER ROLE kw NOLOGIN', END_SESSIONS], ['ALTER ROLE kw LOGIN']],
    [
      'every session is read-only',
      ['ALTER SYSTEM SET default_transaction_read_only = on', 'SELECT pg_reload_conf()'],
      ['ALTER SYSTEM RESET default_transaction_read_only', 'SELECT pg_reload_conf()'],
    ],
    [
      'new sessions are read-only',
      ['ALTER DATABASE keywright SET default_transaction_read_only = on', END_SESSIONS],
      ['ALTER DATABASE keywright RESET default_transaction_read_only'],
    ],
  ])(
    'while %s, requests are answered 503 and the node is not ready; then it recovers by itself',
    async (_name, close, open) => {
      await expectRecovery()
      const token = (await node.machineToken(client)).body.access_token
      for (const statement of close) await postgres.query(statement)
      await until(async () => !(await isReady()))
      await expectCannotServe(token)
      for (const statement of open)
        await postgres.query(`SET transaction_read_only = off; ${statement}`.replace(/^.*(ALTER SYSTEM)/, '$1'))
      await expectRecovery()
    },
  )

  test('while the user may not insert tokens, requests are answered 503 and the node is not ready', async () => {
    await expectRecovery()
    const token = (await node.machineToken(client)).body.access_token
    await postgres.query('REVOKE INSERT ON access_tokens FROM kw', 'keywright')
    await until(async () => !(await isReady()))
    await expectCannotServe(token)
    await postgres.query('GRANT INSERT ON access_tokens TO kw', 'keywright')
    await expectRecovery()
  })

  test('while the database is gone, requests are answered 503 and the node is not ready', async () => {
    await expectRecovery()
    const token = (await node.machineToken(client)).body.access_token
    await postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'keywright'")
    await postgres.query('ALTER DATABASE keywright ALLOW_CONNECTIONS false')
    await postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'keywright'")
    await postgres.query('ALTER DATABASE keywright RENAME TO gone')
    await until(async () => !(await isReady()))
    await expectCannotServe(token)
    await postgres.query('ALTER DATABASE gone RENAME TO keywright')
    await postgres.query('ALTER DATABASE keywright ALLOW_CONNECTIONS true')
    await expectRecovery()
  })

  test('while the partition of tomorrow is missing, the node is not ready, and a token that needs it is answered 503', async () => {
    await expectRecovery()
    await withoutJob(on.knex, 'prepare and drop partitions', async () => {
      const [{ day }] = await postgres.query(
        "SELECT to_char(now() AT TIME ZONE 'UTC' + interval '1 day', 'YYYYMMDD') AS day",
      )
      await postgres.query(`DROP TABLE access_tokens_${day}`, 'keywright')
      await until(async () => !(await isReady()))
      expect((await send(`${node.url}/readyz`)).body.failing).toEqual(['partitions'])
      const tomorrow = await on.make.client([api.identifier], { accessTokenTtl: 86_400, policy: 'none' })
      const brief = await on.make.client([api.identifier], { accessTokenTtl: 60, policy: 'none' })
      // Of tokens that are recorded in one statement, only those fail that need the partition.
      const answers = await together(30, (n) => node.machineToken(n % 2 === 0 ? brief : tomorrow))
      answers.forEach(({ status, body }, n) => {
        expect([status, body.error]).toEqual(n % 2 === 0 ? [200, undefined] : [503, 'temporarily_unavailable'])
      })
      await ensurePartitions(on.knex)
      await until(isReady)
      expect((await node.machineToken(tomorrow)).status).toBe(200)
    })
  })

  test('while the disk is full, requests are answered 503 and the node is not ready; then it recovers by itself', async (context) => {
    if (!unmount) return context.skip()
    await expectRecovery()
    const filler = join(small, 'filler')
    execFileSync('sh', ['-c', `cat /dev/zero >"${filler}" 2>/dev/null || true`])
    // Also of a node that nobody asks for a token.
    await until(async () => !(await isReady()))
    const statuses = new Set<number>()
    await until(async () => {
      statuses.add((await node.machineToken(client)).status)
      return statuses.has(503)
    })
    expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([])
    rmSync(filler)
    await expectRecovery()
  })
})
