import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { ACCOUNT_ATTRIBUTES, ACCOUNT_STATUS_ATTRIBUTES } from '../../src/accounts/account-attributes.ts'
import { type Account, type AccountRow, toAccount } from '../../src/accounts/accounts.ts'
import { attributeSchemas, fromWireValues, toWireValues } from '../../src/api/attribute-schemas.ts'
import { addAttributeOptions, optionValues, printedValues } from '../../src/cli/attribute-options.ts'
import { toConsoleEnglish } from '../../src/languages/console/console-translator.ts'
import { changedAttribute } from '../../src/management/attribute-changes.ts'
import { toColumns } from '../../src/shared/attribute-columns.ts'
import { changesBetween, namesOf } from '../../src/shared/attributes.ts'
import { toSnake } from '../../src/shared/snake-case.ts'
import { accountStatusBadge } from '../../src/web/console/accounts/account-list-page.ts'
import { attributeFacts, changeFact } from '../../src/web/console/kit/attribute-facts.ts'
import { attributeFields } from '../../src/web/console/kit/attribute-fields.ts'
import { readFields, writeFields } from '../../src/web/console/kit/form-fields.ts'

const ACCOUNT: Account = {
  id: '019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90',
  name: 'ACME Corp',
  allowedNetworks: ['192.0.2.0/24'],
  maxSecretLifetime: 86_400,
  quotaPerHour: null,
  quotaPerDay: 20_000,
  quotaMode: 'observe',
  leakedCredentials: 'report',
  secondFactorRequired: 'admins',
  externalId: 'cus_8Jx2',
  metadata: { plan: 'gold', limits: { seats: 3 } },
  status: 'disabled',
  apiEnabled: false,
  createdAt: new Date(0),
  revision: 3,
}

const ALL = { ...ACCOUNT_ATTRIBUTES, ...ACCOUNT_STATUS_ATTRIBUTES }
const VALUES = Object.fromEntries(namesOf(ACCOUNT_ATTRIBUTES).map((name) => [name, ACCOUNT[name]]))

describe('each attribute of an account', () => {
  test('has a column', () => {
    const row = { ...toColumns(ALL, ACCOUNT), id: ACCOUNT.id, created_at: ACCOUNT.createdAt, revision: 3 }
    expect(toAccount(row as AccountRow)).toEqual(ACCOUNT)
  })

  test('is a field of the API, and its value survives a round trip through JSON', () => {
    const json = JSON.parse(JSON.stringify(toWireValues(ALL, ACCOUNT, { role: 'operator' })))
    for (const [name, schema] of Object.entries(attributeSchemas(ALL)))
      expect(schema.parse(json[name])).toEqual(json[name])
    expect(fromWireValues(ACCOUNT_ATTRIBUTES, json)).toEqual(VALUES)
  })

  test('is a field of the form, and its value survives a round trip through the form', () => {
    const fields = attributeFields(ACCOUNT_ATTRIBUTES, { t: toConsoleEnglish(), isOperator: true })
    expect(readFields(fields, writeFields(fields, ACCOUNT))).toEqual({ values: VALUES, fieldErrors: [] })
  })

  test('has an option, which accepts what commands print', async () => {
    const printed = printedValues(ALL, ACCOUNT)
    expect(printed).toMatchObject({ name: 'ACME Corp', status: 'disabled', api: 'off' })
    const command = addAttributeOptions(new Command().exitOverride(), ACCOUNT_ATTRIBUTES, 'create')
    expect(command.options.map(({ name }) => name)).toHaveLength(namesOf(ACCOUNT_ATTRIBUTES).length)
    const args = command.options.flatMap(({ long }, n) => {
      const value = printed[toSnake(namesOf(ACCOUNT_ATTRIBUTES)[n]!)] ?? 'off'
      return [long!, typeof value === 'object' ? JSON.stringify(value) : String(value)]
    })
    await command.action(() => {}).parseAsync(args, { from: 'user' })
    expect(optionValues(ACCOUNT_ATTRIBUTES, command.opts())).toEqual(VALUES)
  })

  test('is shown as old → new in the activity log', () => {
    const changes = changesBetween(ACCOUNT_ATTRIBUTES, { ...ACCOUNT, name: 'Before' }, ACCOUNT)
    expect(changes).toEqual({ name: { from: 'Before', to: 'ACME Corp' } })
    expect(changeFact(toConsoleEnglish(), changedAttribute('account', 'name')!, changes.name!)).toEqual({
      term: 'Name',
      cell: { kind: 'text', text: 'Before → ACME Corp' },
    })
  })
})

test('the status and the API of an account have the same words on its page and in the list', () => {
  const texts = attributeFacts(toConsoleEnglish(), ACCOUNT_STATUS_ATTRIBUTES, ACCOUNT).map(({ term, cell }) => [
    term,
    cell,
  ])
  expect(texts).toEqual([
    ['Status', { kind: 'text', text: 'Disabled' }],
    ['API', { kind: 'text', text: 'Disabled' }],
  ])
  expect(accountStatusBadge(toConsoleEnglish(), ACCOUNT).text).toBe('Disabled')
  expect(accountStatusBadge(toConsoleEnglish(), { status: 'active', apiEnabled: false }).text).toBe('API disabled')
  expect(accountStatusBadge(toConsoleEnglish(), { status: 'active', apiEnabled: true }).text).toBe('Active')
})
