import { execFileSync, type SpawnOptions } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accountFor } from '../../src/database/embedded/system-account.ts'
import { clusterParent, TEST_PREFIX } from './data-directory.ts'

const HBA = 'local all all trust\nhost all all all trust\nhost replication all all trust\n'

/** By the directory of the programs. */
const templates = new Map<string, string>()

/** Runs `initdb` for a cluster whose superuser `postgres` needs no password. */
export function initializeCluster(bin: string, directory: string, options: SpawnOptions): void {
  const args = ['-D', directory, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '-N']
  execFileSync(join(bin, 'initdb'), args, { ...options, stdio: 'pipe' })
  writeFileSync(join(directory, 'pg_hba.conf'), HBA)
}

function createTemplate(bin: string, options: SpawnOptions): string {
  const home = mkdtempSync(join(clusterParent(), `${TEST_PREFIX}${process.pid}-`))
  process.once('exit', () => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))
  const account = accountFor(home)
  if (account) chownSync(home, account.uid, account.gid)
  initializeCluster(bin, join(home, 'data'), options)
  return join(home, 'data')
}

/** A copy of such a cluster: `initdb` takes more than a second of the processor. All copies have one system identifier. */
export function copyInitializedCluster(bin: string, directory: string, options: SpawnOptions): void {
  const template = templates.get(bin) ?? createTemplate(bin, options)
  templates.set(bin, template)
  execFileSync('cp', ['-a', template, directory])
}
