import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { API_ROUTES } from '../../src/api/api-routes.ts'
import type { Operation } from '../../src/management/operation.ts'

/** What a form shows before it is sent, and what checks one that has faults: no route of the API uses them. */
const FOR_PAGES = [
  'checkChangeOfApi',
  'checkDeclaration',
  'checkInstance',
  'checkInvitation',
  'checkNewApplication',
  'checkUserUpdate',
  'findAccount',
  'inspectApi',
  'previewApplicationUpdate',
  'previewScopeRemoval',
  'readApplicationForm',
  'readNewApplicationForm',
]

const directory = new URL('../../src/management/', import.meta.url)

async function operations(): Promise<[string, unknown][]> {
  const modules = await Promise.all(readdirSync(directory).map((name) => import(new URL(name, directory).href)))
  const exported = modules.flatMap((module) => Object.entries(module as Record<string, unknown>))
  return exported.filter(([, one]) => typeof one === 'function' && 'permission' in one)
}

test('whatever can be managed can be managed by the API', async () => {
  const reached = new Set<unknown>(API_ROUTES.map(({ operation }) => operation))
  // Called by the route that changes a person, beside the one that it declares.
  const beside = ['setRole']
  const all = await operations()
  expect(all.length).toBeGreaterThan(30)
  const missing = all.filter(([, one]) => !reached.has(one)).map(([name]) => name)
  expect(missing.sort()).toEqual([...FOR_PAGES, ...beside].sort())
})

test('a route that declares an operation takes what it takes, and no less', () => {
  for (const { operation, id } of API_ROUTES) {
    if (typeof operation !== 'function') expect(id).toBe('readMe')
    else expect((operation as Operation<never, never>).permission.scope, id).toEqual(expect.any(String))
  }
})
