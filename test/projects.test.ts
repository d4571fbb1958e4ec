import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { DECISIVE_IMPORTS, PROJECTS, projectOf, testsByProject } from './support/projects.ts'

const TESTS = fileURLToPath(new URL('.', import.meta.url))
const byProject = testsByProject()

const ROOT = join(TESTS, '..')

/** The folders that CI runs on one version of PostgreSQL only. */
const LEFT_OUT = /--exclude 'test\/\{([\w,-]+)\}\/\*\*'/
  .exec(readFileSync(join(ROOT, '.ci/run'), 'utf8'))![1]!
  .split(',')

/** A statement: by Knex, or as text. */
const STATEMENT = /\b(?:knex|trx|db)(?:<\w+>)?\(|\.(?:raw|query)\(|\b(?:SELECT|INSERT INTO|DELETE FROM)\b/

describe('the folders that CI runs on one version of PostgreSQL only', () => {
  it.each(LEFT_OUT)('%s: its code has no statements', (name) => {
    expect(existsSync(join(TESTS, name))).toBe(true)
    const withStatements = globSync(`src/${name}/**/*.ts`, { cwd: ROOT }).filter((file) =>
      STATEMENT.test(readFileSync(join(ROOT, file), 'utf8')),
    )
    expect(withStatements).toEqual([])
  })

  it('do not have the tests that walk all routes of the console and of the management API', () => {
    for (const walk of ['statements-per-request', 'route-isolation'])
      expect(globSync(`**/${walk}.test.ts`, { cwd: TESTS })).toEqual([`guarantees/${walk}.test.ts`])
    expect(LEFT_OUT).not.toContain('guarantees')
  })

  it('would not have a folder with statements', () => {
    const isStatement = (text: string) => STATEMENT.test(text)
    expect(["knex('clients')", 'trx.raw(SQL)', 'database.query(one)', '  SELECT 1'].map(isStatement)).not.toContain(
      false,
    )
  })
})

describe('the projects of the tests', () => {
  it('hold each test exactly once', () => {
    const held = Object.values(byProject).flat()
    expect(held.sort()).toEqual(globSync('test/**/*.test.ts', { cwd: join(TESTS, '..') }).sort())
  })

  it.each(PROJECTS)('include tests of the project %s', (name) => {
    expect(byProject[name]).not.toEqual([])
  })

  it.each(DECISIVE_IMPORTS.filter(([path]) => path.endsWith('.ts')))('find the file test/%s', (path) => {
    expect(globSync(path, { cwd: TESTS })).toEqual([path])
  })

  it.each([
    ['shared/names.test.ts', 'unit'],
    ['oidc/logout.test.ts', 'db'],
    ['guarantees/clock-skew.test.ts', 'cluster'],
    ['guarantees/high-availability.test.ts', 'postgres'],
    ['database/embedded.test.ts', 'postgres'],
    ['guarantees/database-crash.test.ts', 'cluster'],
    ['web/console/operator-look.test.ts', 'browser'],
    ['examples/nginx.test.ts', 'gateways'],
  ])('put test/%s into the project %s, by what it imports', (file, name) => {
    expect(projectOf(file)).toBe(name)
  })
})
