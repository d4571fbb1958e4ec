import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

test('the benchmark takes status lists out of the sources as they stand', () => {
  const files = ['planned-token', 'record-statement'].map((name) => `./src/tokens/${name}.ts`)
  const script = `for (const file of ${JSON.stringify(files)}) await import(file)`
  const options = ['--import', './bench/without-status.ts', '--input-type=module', '--eval', script]
  const run = spawnSync(process.execPath, options, { cwd: ROOT, encoding: 'utf8' })
  expect([run.status, run.stderr]).toEqual([0, ''])
})
