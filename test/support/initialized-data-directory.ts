import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../../src/database/embedded/start.ts'
import { createDataDirectory } from './data-directory.ts'
import { preferredPostgres } from './preferred-postgres.ts'

type DataDirectory = ReturnType<typeof createDataDirectory>

let template: Promise<DataDirectory> | undefined

async function createTemplate(): Promise<DataDirectory> {
  const data = createDataDirectory()
  process.once('exit', data.remove)
  await (
    await startEmbeddedPostgres({ dataDir: data.path, role: 'command', prefer: preferredPostgres(), durable: false })
  ).stop()
  return data
}

/** A DATA_DIR whose PostgreSQL has been initialized: a copy, because `initdb` takes more than a second of the processor. */
export async function createInitializedDataDirectory(): Promise<DataDirectory> {
  template ??= createTemplate()
  const [source, data] = [(await template).path, createDataDirectory()]
  mkdirSync(join(data.path, 'postgres'))
  execFileSync('cp', ['-a', join(source, 'postgres', 'cluster'), join(data.path, 'postgres')])
  return data
}
