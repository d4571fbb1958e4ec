import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SETTINGS } from '../../src/config/settings.ts'
import { openFakeManagement } from './fake-management.ts'

const DOCUMENT = readFileSync('docs/operating/security.md', 'utf8')

let fake: Awaited<ReturnType<typeof openFakeManagement>>

beforeAll(async () => {
  fake = await openFakeManagement()
})
afterAll(() => fake?.close())

it('every security header of a page is documented with its value, and every documented one is sent', async () => {
  const { headers } = await fetch(`${fake.origin}/signin`, { headers: { accept: 'text/html' } })
  const section = DOCUMENT.split('## Response headers of pages')[1]!.split('\n## ')[0]!
  const rows = [...section.matchAll(/^\| `([\w-]+)` \| (.*) \|$/gm)].map(([, name, text]) => [name!, text!] as const)
  const documented = new Map(rows.map(([name, text]) => [name.toLowerCase(), /`([^`]+)`/.exec(text)![1]!]))
  const sent = [...headers.keys()].filter((name) => /^(content-sec|x-|referrer|cache-control|strict)/.test(name))
  const overHttps = 'strict-transport-security'
  expect([...sent.filter((name) => name !== 'x-request-id'), overHttps].sort()).toEqual([...documented.keys()].sort())
  for (const [name, value] of documented) if (name !== overHttps) expect(headers.get(name)).toContain(value)
})

it('the settings that the document names exist, with the defaults that it names', () => {
  const named = [...DOCUMENT.matchAll(/`([A-Z][A-Z_]{5,})(=\w+)?`/g)].map(([, name]) => name!)
  expect(named.filter((name) => !(name in SETTINGS))).toEqual([])
  expect([SETTINGS.SESSION_IDLE_LIFETIME.default, SETTINGS.SESSION_LIFETIME.default]).toEqual([
    String(3 * 24 * 60),
    String(7 * 24 * 60),
  ])
})
