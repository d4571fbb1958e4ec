import { globSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { DECISIVE_IMPORTS, PROJECTS, projectOf, testsByProject } from './support/projects.ts'

const TESTS = fileURLToPath(new URL('.', import.meta.url))
const byProject = testsByProject()

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
