import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SESSION_LIFETIME_ATTRIBUTES } from '../../src/accounts/session-lifetime-attributes.ts'
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

it('the settings that the document names exist', () => {
  const named = [...DOCUMENT.matchAll(/`([A-Z][A-Z_]{5,})(=\w+)?`/g)].map(([, name]) => name!)
  expect(named.filter((name) => !(name in SETTINGS))).toEqual([])
})

it('the lifetimes of sessions that the document names are the initial ones', () => {
  const { sessionIdleLifetime, sessionLifetime } = SESSION_LIFETIME_ATTRIBUTES
  expect([sessionIdleLifetime.initial, sessionLifetime.initial]).toEqual([3 * 86_400, 7 * 86_400])
  expect(DOCUMENT).toMatch(/idle lifetime \| 3 days at first.*\n.*absolute lifetime \| 7 days at first/)
})
