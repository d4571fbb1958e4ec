import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const page = readFileSync(`${ROOT}docs/guarantees.md`, 'utf8')
const named = [...page.matchAll(/`(test\/[^`]*\.test\.ts)`/g)].map(([, file]) => file!)

test('each test that docs/guarantees.md names exists', () => {
  expect(named.filter((file) => !existsSync(ROOT + file))).toEqual([])
})

test('docs/guarantees.md names each test of test/guarantees once', () => {
  const tests = readdirSync(`${ROOT}test/guarantees`).filter((name) => name.endsWith('.test.ts'))
  const listed = named.filter((file) => file.startsWith('test/guarantees/'))
  expect(listed.sort()).toEqual(tests.map((name) => `test/guarantees/${name}`).sort())
})

test('each guarantee names a test', () => {
  const sections = page.split(/^## /m).slice(1)
  expect(sections.length).toBe(10)
  expect(sections.filter((section) => !/`test\//.test(section))).toEqual([])
})

test('each test that docs/conformance.md names exists', () => {
  const conformance = readFileSync(`${ROOT}docs/conformance.md`, 'utf8')
  const files = [...conformance.matchAll(/`([\w/-]+\.test\.ts)`/g)].map(([, file]) => `test/${file}`)
  expect(files.length).toBeGreaterThan(20)
  expect(files.filter((file) => !existsSync(ROOT + file))).toEqual([])
})
