import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** What knip prints and exits with; it exits with 1 when it finds something. */
async function runKnip(): Promise<{ code: number; found: string }> {
  const command = fileURLToPath(new URL('../node_modules/knip/bin/knip.js', import.meta.url))
  try {
    await promisify(execFile)(process.execPath, [command, '--no-progress'], { cwd: ROOT })
    return { code: 0, found: '' }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, found: `${stdout}${stderr}` }
  }
}

test('every file and every export is used', async () => {
  expect(await runKnip()).toEqual({ code: 0, found: '' })
})
