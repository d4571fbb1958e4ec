import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { attributeSchemas, creationSchemas, fromWireValues, toWireValues } from '../../src/api/attribute-schemas.ts'
import { API_ATTRIBUTES } from '../../src/apis/api-attributes.ts'
import { type ApiRow, toApi } from '../../src/apis/apis.ts'
import type { AuditRecord } from '../../src/audit/audit-query.ts'
import { addAttributeOptions, optionValues, printedValues } from '../../src/cli/attribute-options.ts'
import { toConsoleEnglish } from '../../src/languages/console/console-translator.ts'
import type { ApiDetails } from '../../src/management/api-operations.ts'
import { changedAttribute } from '../../src/management/attribute-changes.ts'
import { toColumns } from '../../src/shared/attribute-columns.ts'
import { changesBetween, changesOfNew, namesOf, type ValuesOf } from '../../src/shared/attributes.ts'
import { toSnake } from '../../src/shared/snake-case.ts'
import { activityRow } from '../../src/web/console/activity/activity-row.ts'
import { changeOf, declarationOf, fieldsFor, formOfApi } from '../../src/web/console/apis/api-fields.ts'
import { apiFacts } from '../../src/web/console/apis/api-pages.ts'
import { changeFact } from '../../src/web/console/kit/attribute-facts.ts'
import type { Fact } from '../../src/web/console/kit/cells.ts'
import { readFields, writeFields } from '../../src/web/console/kit/form-fields.ts'

const VALUES: ValuesOf<typeof API_ATTRIBUTES> = {
  identifier: 'https://api.example.com',
  scopes: ['read', 'write'],
  tokenTtl: 5400,
  policy: 'single',
  signingAlg: 'PS256',
  tokenType: 'JWT',
  networksClaim: true,
  dpopRequired: true,
  claims: [
    { name: 'plan', from: 'account', key: 'plan' },
    { name: 'https://example.com/tier', from: 'user', key: 'tier.of.support' },
  ],
  keyPairs: 'environments',
  maxSecretLifetime: 86_400,
  isDefault: true,
}

const NAMES = namesOf(API_ATTRIBUTES)

/** The driver writes lists as JSON, and reads JSON as lists. */
const ROW = {
  ...toColumns(API_ATTRIBUTES, VALUES),
  claims: VALUES.claims,
  id: 1,
  built_in: false,
  created_at: new Date(0),
  version: 3,
}
const API = toApi(ROW as unknown as ApiRow)

const viewOf = (changes: Partial<typeof API> = {}): ApiDetails => ({
  api: { ...API, ...changes },
  scopes: VALUES.scopes.map((scope) => ({ scope, title: scope, description: '', translations: {} })),
  clientId: 'kwa_1',
  secrets: [],
  authMethod: 'client_secret',
  jwksUri: null,
  keyFetch: null,
  callers: { count: 0, isMore: false },
})

const namesOfForm = (changes: Partial<typeof API>) => {
  const { fields, sections } = fieldsFor(toConsoleEnglish(), viewOf(changes))
  expect(sections.flatMap((section) => section.fields).sort()).toEqual(Object.keys(fields).sort())
  return Object.keys(fields)
}

describe('each attribute of an API', () => {
  test('has a column, and its value survives a round trip through the row', () => {
    expect(API).toEqual({ ...VALUES, id: 1, builtIn: false, createdAt: new Date(0), revision: 3 })
  })

  test('is a field of the management API, and its value survives a round trip through JSON', () => {
    const schemas = attributeSchemas(API_ATTRIBUTES)
    expect(Object.keys(schemas)).toEqual(NAMES.map(toSnake))
    const json = JSON.parse(JSON.stringify(toWireValues(API_ATTRIBUTES, VALUES, { role: 'operator' })))
    expect(z.strictObject(schemas).parse(json)).toEqual(json)
    expect(fromWireValues(API_ATTRIBUTES, json)).toEqual(VALUES)
    expect(toWireValues(API_ATTRIBUTES, VALUES, { role: 'admin' })).not.toHaveProperty('claims')
  })

  test('is in a section of the form, and its value survives a round trip through the form', () => {
    const { fields, sections } = fieldsFor(toConsoleEnglish(), undefined)
    expect(sections.flatMap((section) => section.fields).sort()).toEqual([...NAMES].sort())
    const described = VALUES.scopes.map((scope) => ({ scope, title: scope, description: '' }))
    const { values, fieldErrors } = readFields(fields, writeFields(fields, { ...VALUES, scopes: described }))
    expect(fieldErrors).toEqual([])
    expect(declarationOf(values)).toEqual({ ...VALUES, texts: {} })
  })

  test('is on the page of the API, under its label', () => {
    const elsewhere = ['scopes', 'isDefault']
    const labels = NAMES.filter((name) => !elsewhere.includes(name)).map((name) => API_ATTRIBUTES[name].label)
    expect(apiFacts(toConsoleEnglish(), viewOf()).map(({ term }) => term)).toEqual(expect.arrayContaining(labels))
  })

  test('has an option, which accepts what commands print', async () => {
    const printed = printedValues(API_ATTRIBUTES, VALUES)
    expect(printed).toMatchObject({ scopes: 'read write', alg: 'PS256', default: true })
    const command = addAttributeOptions(new Command().exitOverride(), API_ATTRIBUTES, 'create')
    expect(command.options).toHaveLength(NAMES.length)
    const args = command.options.flatMap((option, n) => {
      const value = printed[API_ATTRIBUTES[NAMES[n]!].option?.jsonName ?? toSnake(NAMES[n]!)]
      return option.required ? [option.long!, String(value)] : [option.long!]
    })
    await command.action(() => {}).parseAsync(args, { from: 'user' })
    expect(optionValues(API_ATTRIBUTES, command.opts())).toEqual(VALUES)
  })
})

describe('a new API', () => {
  test('needs an identifier and scopes; the other attributes have defaults', async () => {
    const schema = z.strictObject(creationSchemas(API_ATTRIBUTES))
    const required = { identifier: VALUES.identifier, scopes: ['read'] }
    const defaults = { token_ttl: 3600, policy: 'none', signing_alg: 'ES256', token_type: 'at+jwt', is_default: false }
    expect(schema.parse(required)).toMatchObject({ ...required, ...defaults })
    expect(schema.safeParse({ identifier: VALUES.identifier }).success).toBe(false)
    const command = addAttributeOptions(new Command().exitOverride(), API_ATTRIBUTES, 'create')
    command.configureOutput({ writeErr: () => {} }).action(() => {})
    await expect(command.parseAsync(['--identifier', 'urn:x'], { from: 'user' })).rejects.toThrow(/--scopes/)
  })
})

describe('the form of an existing API', () => {
  test('omits the identifier, the default of the default API, and all but the lifetime of the built-in API', () => {
    const changeable = NAMES.filter((name) => name !== 'identifier')
    expect(namesOfForm({ isDefault: false }).sort()).toEqual([...changeable].sort())
    expect(namesOfForm({ isDefault: true })).not.toContain('isDefault')
    expect(namesOfForm({ builtIn: true, isDefault: false })).toEqual(['tokenTtl'])
  })

  test('changes only what it contains', () => {
    const view = viewOf({ builtIn: true, isDefault: false })
    const { values } = readFields(fieldsFor(toConsoleEnglish(), view).fields, formOfApi(toConsoleEnglish(), view))
    expect(changeOf(view, values)).toEqual({ changes: { tokenTtl: 5400 }, texts: undefined })
  })

  test('requires a lifetime', () => {
    const view = viewOf()
    const { fieldErrors } = readFields(
      fieldsFor(toConsoleEnglish(), view).fields,
      new Map([...formOfApi(toConsoleEnglish(), view), ['tokenTtl', '']]),
    )
    expect(fieldErrors).toEqual([{ field: 'tokenTtl', message: 'this field is required' }])
  })
})

test('a new API is shown with its attributes in the activity log', () => {
  const changes = changesOfNew(API_ATTRIBUTES, VALUES)
  const shown = Object.entries(changes).map(([name, change]) =>
    changeFact(toConsoleEnglish(), changedAttribute('api', name)!, change),
  )
  expect(shown.map(({ term }) => term)).toEqual(NAMES.map((name) => API_ATTRIBUTES[name].label))
  expect(shown.map(({ cell }) => (cell as { text: string }).text)).toEqual(
    expect.arrayContaining(['read, write', '90 minutes', 'Revoke the earlier token', 'Yes']),
  )
})

test('the activity log lists changes in the order of the declarations, in whatever order the database returns them', () => {
  const changes = {
    policy: { from: 'none', to: 'single' },
    unknown: { from: 1, to: 2 },
    token_ttl: { from: 60, to: 120 },
  }
  const record = {
    id: '1',
    action: 'api.updated',
    actor: { type: 'system', id: null, label: null },
    target: { type: 'api', id: VALUES.identifier, label: null },
    accountId: null,
    at: new Date(0),
    detail: { changes },
  } as unknown as AuditRecord
  const [event] = activityRow(toConsoleEnglish(), record, { role: 'operator' })
  const { details } = event as unknown as { details: Fact[] }
  expect(details.slice(0, 3).map(({ term }) => term)).toEqual(['Access token lifetime', 'Token policy', 'Unknown'])
})

test.each([
  ['tokenTtl', { tokenTtl: 3600 }, 'Access token lifetime', '1 hour → 90 minutes'],
  ['policy', { policy: 'none' }, 'Token policy', 'Keep earlier tokens → Revoke the earlier token'],
  ['signingAlg', { signingAlg: 'ES256' }, 'Signing algorithm', 'ES256 → PS256'],
  ['scopes', { scopes: ['read'] }, 'Scopes', 'read → read, write'],
  ['isDefault', { isDefault: false }, 'Default API', 'No → Yes'],
  [
    'claims',
    { claims: [] },
    'Claims from metadata',
    'none → plan=account.plan, https://example.com/tier=user.tier.of.support',
  ],
] as const)('a change of an API is shown as old → new in the activity log: %s', (name, before, term, text) => {
  const changes = changesBetween(API_ATTRIBUTES, { ...VALUES, ...before }, VALUES)
  expect(Object.keys(changes)).toEqual([toSnake(name)])
  const shown = changeFact(toConsoleEnglish(), changedAttribute('api', toSnake(name))!, changes[toSnake(name)]!)
  expect(shown).toEqual({ term, cell: { kind: 'text', text } })
})
