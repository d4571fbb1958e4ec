import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startEmbeddedPostgres } from '../src/database/embedded/start.ts'

/** A durable PostgreSQL for the run: the operator's, or one of our own on the disk of the temporary directory. */
export interface BenchPostgres {
  readonly version: string
  createDatabase(name: string): Promise<string>
  stop(): Promise<void>
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function query(url: string, text: string): Promise<Record<string, string>[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

async function startOwn(): Promise<{ url: string; stop(): Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'keywright-bench-'))
  // Started by root, PostgreSQL runs as another user, who must get in.
  chmodSync(dataDir, 0o755)
  const server = await startEmbeddedPostgres({ dataDir, role: 'server', prefer: 'package', durable: true })
  const { host, port, user, database } = server.connection
  return {
    url: `postgresql:///${database}?host=${encodeURIComponent(host)}&port=${port}&user=${user}`,
    async stop() {
      await server.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

export async function openBenchPostgres(): Promise<BenchPostgres> {
  const given = process.env.DATABASE_URL
  const server = given ? { url: given, stop: async () => {} } : await startOwn()
  const created: string[] = []
  const [row] = await query(server.url, 'SHOW server_version')
  return {
    version: row!.server_version!,
    async createDatabase(name) {
      const database = `keywright_bench_${process.pid}_${name}`
      await query(server.url, `CREATE DATABASE ${database}`)
      created.push(database)
      const url = new URL(server.url)
      url.pathname = `/${database}`
      return url.href
    },
    async stop() {
      for (const database of created) await query(server.url, `DROP DATABASE ${database} WITH (FORCE)`)
      await server.stop()
    },
  }
}
