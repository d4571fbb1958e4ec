/** The commands of the task pages run as printed, in order, beside a server of `npm start`. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeBlocksOf } from '../support/code-blocks.ts'
import { openTerminal, type Terminal } from '../support/terminal.ts'

let terminal: Terminal

beforeAll(async () => {
  terminal = await openTerminal()
})
afterAll(() => terminal?.close())

const runPage = (page: string): Promise<string> => terminal.run(terminal.localize(codeBlocksOf(page, 'sh').join('\n')))

test('the commands of docs/machine-clients.md get, rotate and revoke as printed', async () => {
  const output = await runPage('docs/machine-clients.md')
  expect(output.match(/"token_type":"Bearer"/g)).toHaveLength(3)
  expect(output).toContain('"status":"archived"')
})

test('the commands of docs/third-party-applications.md register and change an application as printed', async () => {
  const output = await runPage('docs/third-party-applications.md')
  expect(output).toContain('"consent":"skip_own_account"')
  expect(output).toContain('"refresh_token_ttl":31536000')
})
