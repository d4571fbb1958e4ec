import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { mayRunOn } from '../../src/database/embedded/postgres-processes.ts'
import { type EmbeddedOptions, startEmbeddedPostgres } from '../../src/database/embedded/start.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import { type Child, startChild } from '../support/child.ts'
import { createDataDirectory, isGoneWithin, pause, postmasterOf } from '../support/data-directory.ts'

interface Started {
  host: string
  port: number
  user: string
  database: string
  owned: boolean
}

let data: ReturnType<typeof createDataDirectory>
let children: Child[]

beforeEach(() => {
  data = createDataDirectory()
  children = []
})

afterEach(async () => {
  await Promise.all(children.map((child) => child.kill()))
  const orphan = postmasterOf(data.path)
  if (orphan) expect(await isGoneWithin(60_000, orphan)).toBe(true)
  data.remove()
})

const options = (role: 'server' | 'command', dataDir = data.path): EmbeddedOptions => ({ dataDir, role })

function startProcess(role: 'server' | 'command', dataDir?: string): Child {
  const child = startChild('embedded', [JSON.stringify(options(role, dataDir))])
  children.push(child)
  return child
}

async function ask<Row>(
  connection: Started | Awaited<ReturnType<typeof startEmbeddedPostgres>>['connection'],
  text: string,
) {
  const { host, port, user, database: name } = connection
  const database = openDatabase({ host, port, user, database: name })
  try {
    return await database.query<Row>({ name: '', text, values: [] })
  } finally {
    await database.close()
  }
}

test('the first start makes a cluster; the second finds what was kept', async () => {
  const first = await startEmbeddedPostgres(options('server'))
  expect(first.owned).toBe(true)
  await ask(first.connection, 'CREATE TABLE kept AS SELECT 7 AS n')
  const [settings] = await ask<Record<string, string>>(
    first.connection,
    `SELECT current_setting('fsync') AS fsync, current_setting('listen_addresses') AS tcp, lower('Ä') AS lower`,
  )
  expect(settings).toEqual({ fsync: 'on', tcp: '', lower: 'ä' })
  await first.stop()
  const second = await startEmbeddedPostgres(options('server'))
  expect(await ask(second.connection, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  await Promise.all([second.stop(), second.stop()])
  expect(readdirSync(join(data.path, 'postgres/runs'))).toEqual([])
})

test('a command beside a server attaches to it, and leaves it running', async () => {
  const server = await startEmbeddedPostgres(options('server'))
  const command = startProcess('command')
  const { owned, ...connection } = await command.answer<Started>()
  expect(owned).toBe(false)
  expect(connection).toEqual(server.connection)
  expect(await command.finish()).toBe(0)
  expect(await ask(server.connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  await server.stop()
})

/** The data directory under other names: a symbolic link, a path through a link's parent, and a bind mount where that is allowed. */
function otherNames() {
  const beside = createDataDirectory()
  const [link, parent] = [join(beside.path, 'link'), join(beside.path, 'parent')]
  symlinkSync(data.path, link)
  symlinkSync(dirname(data.path), parent)
  const mount = join(beside.path, 'mount')
  mkdirSync(mount)
  const isMounted = spawnSync('mount', ['--bind', data.path, mount]).status === 0
  return {
    names: [link, join(parent, basename(data.path)), ...(isMounted ? [mount] : [])],
    remove() {
      if (isMounted) spawnSync('umount', [mount])
      beside.remove()
    },
  }
}

test('a server and commands that name one directory differently share its PostgreSQL, and its lock file stays', async () => {
  const others = otherNames()
  const lock = join(data.path, 'postgres/cluster/postmaster.pid')
  try {
    for (const name of others.names) {
      const server = startProcess('server', name)
      const { owned, ...connection } = await server.answer<Started>()
      expect(owned).toBe(true)
      const before = readFileSync(lock, 'utf8')
      for (const dataDir of [data.path, ...others.names]) {
        const command = startProcess('command', dataDir)
        expect(await command.answer<Started>(), dataDir).toEqual({ ...connection, owned: false })
        expect(await command.finish()).toBe(0)
        expect(readFileSync(lock, 'utf8')).toBe(before)
      }
      await expect(startProcess('server').answer()).rejects.toThrow(`(pid ${server.process.pid}) already holds`)
      expect(await ask(connection as Started, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
      expect(await server.finish()).toBe(0)
    }
  } finally {
    others.remove()
  }
})

test('a lock file is not stale while its pid is that of a PostgreSQL whose data directory cannot be read', async () => {
  const server = startProcess('server')
  await server.answer<Started>()
  const postmaster = postmasterOf(data.path)!
  expect(mayRunOn(join(data.path, 'postgres/cluster'), postmaster)).toBe(true)
  expect(mayRunOn(data.path, postmaster)).toBe(false)
  const hidden = { ...postmaster, pid: 2 ** 30, args: [postmaster.args[0]!] }
  expect(mayRunOn(data.path, hidden)).toBe(true)
  expect(mayRunOn(data.path, { ...hidden, args: ['/usr/bin/node', '-D', data.path] })).toBe(false)
})

test('commands that run at once on a new directory work one after the other', async () => {
  const commands = Array.from({ length: 4 }, () => startProcess('command'))
  const ends = commands.map(async (command) => {
    const started = await command.answer<Started>()
    const answer = await ask(started, 'SELECT 1 AS one')
    return { owned: started.owned, answer, code: await command.finish() }
  })
  expect(await Promise.all(ends)).toEqual(Array(4).fill({ owned: true, answer: [{ one: 1 }], code: 0 }))
})

test('a server waits for a command that holds the directory', async () => {
  const command = startProcess('command')
  await command.answer()
  const server = startEmbeddedPostgres(options('server'))
  await pause(500)
  await command.finish()
  const started = await server
  expect(started.owned).toBe(true)
  await started.stop()
})

test('of servers that start at once on a new directory one holds it, and the others say who does', async () => {
  const servers = Array.from({ length: 3 }, () => startProcess('server'))
  const outcomes = await Promise.allSettled(servers.map((server) => server.answer<Started>()))
  const winner = servers[outcomes.findIndex(({ status }) => status === 'fulfilled')]!
  const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [`${outcome.reason}`] : []))
  expect(reasons).toHaveLength(2)
  for (const reason of reasons) {
    expect(reason).toContain(`(pid ${winner.process.pid}) already holds ${join(data.path, 'postgres')}`)
  }
  expect(await winner.finish()).toBe(0)
})

test('kill -9 of the owner takes PostgreSQL down, and the next start has all that was committed', async () => {
  const server = startProcess('server')
  const started = await server.answer<Started>()
  await ask(started, 'CREATE TABLE kept AS SELECT 7 AS n')
  const postmaster = postmasterOf(data.path)!
  await server.kill()
  const next = await startEmbeddedPostgres(options('command'))
  expect(await isGoneWithin(60_000, postmaster)).toBe(true)
  expect(await ask(next.connection, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  await next.stop()
  expect(readdirSync(join(data.path, 'postgres/runs'))).toEqual([])
})

test('kill -9 of the owner and of PostgreSQL together loses nothing either', async () => {
  const server = startProcess('server')
  await ask(await server.answer<Started>(), 'CREATE TABLE kept AS SELECT 7 AS n')
  process.kill(postmasterOf(data.path)!.pid, 'SIGKILL')
  await server.kill()
  const next = await startEmbeddedPostgres(options('server'))
  expect(await ask(next.connection, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  await next.stop()
})

/** The record that the owner of the running PostgreSQL wrote. */
function ownerFile(): string {
  const runs = join(data.path, 'postgres/runs')
  return join(runs, readdirSync(runs)[0]!, 'owner.json')
}

test('a PostgreSQL that outlived its owner is stopped before the next one starts', async () => {
  const server = startProcess('server')
  await ask(await server.answer<Started>(), 'CREATE TABLE kept AS SELECT 7 AS n')
  const owner = JSON.parse(readFileSync(ownerFile(), 'utf8'))
  // The pid lives, but it is not the process that it was: this is what a pid that was handed out again looks like.
  writeFileSync(ownerFile(), JSON.stringify({ ...owner, startedAt: 'earlier' }))
  const orphan = postmasterOf(data.path)!
  const next = await startEmbeddedPostgres(options('server'))
  expect(await isGoneWithin(0, orphan)).toBe(true)
  expect(await ask(next.connection, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  await next.stop()
})

test('a PostgreSQL that others run on the directory is left alone', async () => {
  const server = startProcess('server')
  const started = await server.answer<Started>()
  rmSync(ownerFile())
  await expect(startEmbeddedPostgres(options('command'))).rejects.toThrow('which Keywright did not start')
  expect(await ask(started, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('a lock file whose pid now belongs to another program does not hinder the start', async () => {
  await (await startEmbeddedPostgres(options('server'))).stop()
  const lines = [process.pid, join(data.path, 'postgres/cluster'), 1, 5432, '/tmp/keywright-gone', '', '', 'ready']
  writeFileSync(join(data.path, 'postgres/cluster/postmaster.pid'), lines.join('\n'))
  const next = await startEmbeddedPostgres(options('server'))
  expect(await ask(next.connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  await next.stop()
})

test('kill -9 at any moment of the first start leaves nothing that hinders the next', async () => {
  for (let round = 0; round < 8; round++) {
    const server = startProcess('server')
    await pause(100 + Math.random() * 900)
    await server.kill()
  }
  const next = await startEmbeddedPostgres(options('server'))
  expect(await ask(next.connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  await next.stop()
  // The last killed initdb may have had a child that still wrote while the start swept.
  await (await startEmbeddedPostgres(options('command'))).stop()
  expect(readdirSync(join(data.path, 'postgres')).sort()).toEqual(['cluster', 'runs'])
})
