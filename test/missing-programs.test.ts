import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ensureDebian } from './support/debian.ts'

const MISSING = 'keywright-package-that-nobody-has'

let directory: string
const path = process.env.PATH

/** Every program that could install something, which writes a file when it is run. */
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keywright-missing-'))
  for (const name of ['sudo', 'doas', 'flock', 'apt-get']) {
    const program = join(directory, name)
    writeFileSync(program, `#!/bin/sh\ntouch ${join(directory, 'was-run')}\n`)
    chmodSync(program, 0o755)
  }
  process.env.PATH = `${directory}:${path}`
})

afterEach(() => {
  vi.restoreAllMocks()
  process.env.PATH = path
  rmSync(directory, { recursive: true })
})

test('a missing program is named, and without root rights nothing is run to install it', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(1000)
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  expect(await ensureDebian(MISSING)).toBe(false)
  expect(String(written.mock.calls[0]?.[0])).toContain(MISSING)
  expect(existsSync(join(directory, 'was-run'))).toBe(false)
})

test.skipIf(process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))(
  'as root, the missing programs are announced before they are installed',
  async () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    expect(await ensureDebian(MISSING)).toBe(true)
    expect(String(written.mock.calls[0]?.[0])).toContain(`installing ${MISSING}`)
    expect(existsSync(join(directory, 'was-run'))).toBe(true)
  },
)
