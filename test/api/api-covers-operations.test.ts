import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { API_ROUTES } from '../../src/api/api-routes.ts'
import type { Operation } from '../../src/management/operation.ts'

/** Operations that only forms of the console use: they fill a form, or validate one with errors. */
const FOR_PAGES = [
  'checkApplicationRotation',
  'checkChangeOfApi',
  'checkDeclaration',
  'checkIdentityProvider',
  'checkInstance',
  'checkInvitation',
  'checkNewApplication',
  'checkNewWebhook',
  'checkUserUpdate',
  'findAccount',
  'inspectApi',
  'previewApplicationUpdate',
  'previewArchive',
  'previewKeyPairUpdate',
  'previewScopeRemoval',
  'readApplicationForm',
  'readKeyPairForm',
  'readNewApplicationForm',
]

/** Operations that programs may not use, or do by others: where a program names the address of a user, it confirms it. */
const FOR_USERS = ['confirmUserAddress', 'sendInvitation']

/** Operations that only the command line uses: operators name a user, a client of any kind or a token there. */
const FOR_COMMANDS = ['findUser', 'readClient', 'revokeTokenByJti']

/** Operations of SCIM and of Global Token Revocation, whose requests their standards define. */
const FOR_IDENTITY_PROVIDERS = [
  'addDirectoryUser',
  'changeDirectoryUser',
  'deleteDirectoryUser',
  'endAccessOfUser',
  'listDirectory',
  'readDirectoryUser',
]

const directory = new URL('../../src/management/', import.meta.url)

async function operations(): Promise<[string, unknown][]> {
  const modules = await Promise.all(readdirSync(directory).map((name) => import(new URL(name, directory).href)))
  const exported = modules.flatMap((module) => Object.entries(module as Record<string, unknown>))
  return exported.filter(([, one]) => typeof one === 'function' && 'permission' in one)
}

test('the API has a route for every management operation', async () => {
  const withRoute = new Set<unknown>(API_ROUTES.map(({ operation }) => operation))
  // The route that updates a user also calls this one.
  const alsoCalled = ['setRole']
  const all = await operations()
  expect(all.length).toBeGreaterThan(30)
  const missing = all.filter(([, one]) => !withRoute.has(one)).map(([name]) => name)
  const others = [...FOR_PAGES, ...FOR_USERS, ...FOR_COMMANDS, ...FOR_IDENTITY_PROVIDERS, ...alsoCalled]
  expect(missing.sort()).toEqual(others.sort())
})

test('a route requires the permission of its operation', () => {
  for (const { operation, id } of API_ROUTES) {
    if (typeof operation !== 'function') expect(id).toBe('readMe')
    else expect((operation as Operation<never, never>).permission.scope, id).toEqual(expect.any(String))
  }
})
