/** The README's path from the first start to an Express API that rejects a revoked token, run as printed. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeBlocksOf } from '../support/code-blocks.ts'
import { freePort } from '../support/program.ts'
import { openTerminal, type Terminal } from '../support/terminal.ts'

let terminal: Terminal

beforeAll(async () => {
  terminal = await openTerminal()
})
afterAll(() => terminal?.close())

test('an Express API rejects a token after its revocation', async () => {
  const [start, runTests, ...blocks] = codeBlocksOf('README.md', 'sh')
  expect(start).toBe('npm ci && npm start\n')
  expect(runTests).toBe('npm ci && npm test\n')
  const [declare, install, call, revoke] = blocks
  const apiPort = await freePort()
  const localize = (text: string) => terminal.localize(text).replaceAll('9000', `${apiPort}`)
  await mkdir(join(terminal.home, 'weather'))
  await writeFile(join(terminal.home, 'weather/weather.mjs'), localize(codeBlocksOf('README.md', 'js')[0]!))
  const script = [declare, install, call, 'echo; echo ---', revoke].map((block) => localize(block!)).join('\n')

  const [before, after] = (await terminal.run(script)).split('---')
  expect(before).toContain('{"weather":"sunny","client":"kwc_')
  expect(after).toContain('HTTP/1.1 401 Unauthorized')
  const refusal = /error="invalid_token", error_description="[^"]+"/.exec(after!)![0]
  expect(codeBlocksOf('README.md', '').join(''), 'the README shows the response of the API').toContain(refusal)
})
