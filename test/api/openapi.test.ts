import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { API_ROUTES } from '../../src/api/api-routes.ts'
import { describeApi } from '../../src/api/openapi.ts'
import { MANAGEMENT_SCOPES } from '../../src/management/management-scopes.ts'
import { generateClientTypes } from '../support/client-types.ts'

const document = describeApi('https://keywright.example')

const operations = Object.values(document.paths).flatMap((path) => Object.values(path))

test('the document is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)))
  expect(errors ?? []).toEqual([])
  expect(valid).toBe(true)
})

test('the validator reports the error of an invalid document', async () => {
  const broken = { ...structuredClone(document), info: { title: 'without a version' } }
  expect((await new Validator().validate(broken)).valid).toBe(false)
})

test('every reference resolves to a component', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)]
  expect(references.length).toBeGreaterThan(100)
  const unresolved = references.filter(
    ([, kind, name]) => !(document.components[kind!] as Record<string, unknown>)?.[name!],
  )
  expect(unresolved.map(([reference]) => reference)).toEqual([])
})

test('the document has every route, with a unique operation id and its required scope', () => {
  expect(operations.length).toBe(API_ROUTES.length)
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(API_ROUTES.length)
  for (const route of API_ROUTES) {
    const operation = document.paths[`/api/v1${route.path}`]![route.method]!
    const { scope } = route.operation.permission
    expect(operation.security, route.path).toEqual([{ keywright: scope === null ? [] : [scope] }])
    if (scope !== null) expect(Object.keys(MANAGEMENT_SCOPES)).toContain(scope)
  }
})

test('every management scope is required by a route', () => {
  const taken = new Set(API_ROUTES.map(({ operation }) => operation.permission.scope))
  expect(Object.keys(MANAGEMENT_SCOPES).filter((scope) => !taken.has(scope as never))).toEqual([])
})

test('every request body has a valid example', () => {
  const bodies = API_ROUTES.filter(({ body }) => body)
  const without = bodies.filter(({ body }) => !(body!.meta()?.examples as unknown[] | undefined)?.length)
  expect(without.map(({ id }) => id)).toEqual([])
  for (const { body, id } of bodies) {
    const [example] = body!.meta()!.examples as unknown[]
    expect(body!.safeParse(example).success, id).toBe(true)
  }
})

// To update the file: npx vitest run test/api/openapi.test.ts -u
test('the types of the generated client match the document', async () => {
  const types = `/* Made from the OpenAPI document by test/api/openapi.test.ts; do not edit. */\n${await generateClientTypes(document)}`
  await expect(types).toMatchFileSnapshot('../support/management-api.d.ts')
})
