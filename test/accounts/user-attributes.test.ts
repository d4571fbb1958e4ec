import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { MEMBERSHIP_ATTRIBUTES, PROFILE_ATTRIBUTES, USER_ATTRIBUTES } from '../../src/accounts/user-attributes.ts'
import { type Profile, toUser, type User, type UserRow } from '../../src/accounts/users.ts'
import { attributeSchemas, fromWireValues, toWireValues } from '../../src/api/attribute-schemas.ts'
import { addAttributeOptions, optionValues, printedValues } from '../../src/cli/attribute-options.ts'
import { toConsoleEnglish } from '../../src/languages/console/console-translator.ts'
import type { AuditRecord } from '../../src/management/activity-operations.ts'
import { changedAttribute } from '../../src/management/attribute-changes.ts'
import { toColumns } from '../../src/shared/attribute-columns.ts'
import { changesBetween, namesOf } from '../../src/shared/attributes.ts'
import { toSnake } from '../../src/shared/snake-case.ts'
import { actionText } from '../../src/web/console/activity/activity-texts.ts'
import { attributeFacts, changeFact } from '../../src/web/console/kit/attribute-facts.ts'
import { attributeFields } from '../../src/web/console/kit/attribute-fields.ts'
import { readFields, writeFields } from '../../src/web/console/kit/form-fields.ts'

const ID = '019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90'

const PROFILE: Profile = {
  email: 'ada@example.com',
  emailVerified: true,
  name: 'Ada Lovelace',
  language: 'de',
  externalId: 'usr_17',
  metadata: { team: 'north' },
}

const USER: User = {
  ...PROFILE,
  id: ID,
  role: 'admin',
  accountId: ID,
  status: 'active',
  updatedAt: new Date(1),
  sessionsValidFrom: new Date(2),
  createdAt: new Date(3),
  revision: 4,
}

const asTyped = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value))

const NAMES = namesOf(PROFILE_ATTRIBUTES)

describe('each attribute of a user', () => {
  test('has a column', () => {
    const times = {
      updated_at: USER.updatedAt,
      sessions_valid_from: USER.sessionsValidFrom,
      created_at: USER.createdAt,
    }
    const row = { ...toColumns(USER_ATTRIBUTES, USER), ...times, id: ID, revision: 4 }
    expect(toUser(row as unknown as UserRow)).toEqual(USER)
  })

  test.each([USER, { ...USER, name: null, language: null, accountId: null }])(
    'is a field of the API, and its value survives a round trip through JSON',
    (user) => {
      const json = JSON.parse(JSON.stringify(toWireValues(USER_ATTRIBUTES, user, { role: 'operator' })))
      const schemas = Object.entries(attributeSchemas(USER_ATTRIBUTES))
      for (const [name, schema] of schemas) expect(schema.parse(json[name])).toEqual(json[name])
      expect(schemas).toHaveLength(namesOf(USER_ATTRIBUTES).length)
      expect(user).toMatchObject(fromWireValues(USER_ATTRIBUTES, json))
    },
  )

  test.each([
    PROFILE,
    { ...PROFILE, name: null, language: null, emailVerified: false, externalId: null, metadata: {} },
  ])('is a field of the form, and its value survives a round trip through the form', (profile) => {
    const fields = attributeFields(PROFILE_ATTRIBUTES, { t: toConsoleEnglish(), isOperator: true })
    expect(readFields(fields, writeFields(fields, profile))).toEqual({ values: profile, fieldErrors: [] })
  })

  test('has an option, which accepts what commands print', async () => {
    const printed = printedValues(USER_ATTRIBUTES, USER)
    expect(printed).toMatchObject({ account_id: ID, email_verified: true, role: 'admin' })
    const command = addAttributeOptions(new Command().exitOverride(), PROFILE_ATTRIBUTES, 'create')
    const args = command.options.flatMap(({ long, required }, n) =>
      required ? [long!, asTyped(printed[toSnake(NAMES[n]!)])] : [long!],
    )
    await command.action(() => {}).parseAsync(args, { from: 'user' })
    expect(optionValues(PROFILE_ATTRIBUTES, command.opts())).toEqual(PROFILE)
  })
})

test.each([
  [['--email-verified'], { emailVerified: true }],
  [['--no-email-verified'], { emailVerified: false }],
  [['--language', 'ar'], { language: 'ar' }],
  [['--language', 'off'], { language: null }],
  [[], {}],
])('the options %j of a change of a user set %j', async (args, values) => {
  const command = addAttributeOptions(new Command().exitOverride(), PROFILE_ATTRIBUTES, 'update')
  await command.action(() => {}).parseAsync(args, { from: 'user' })
  expect(optionValues(PROFILE_ATTRIBUTES, command.opts())).toEqual(values)
})

describe('the role of a user', () => {
  const roles = (isOperator: boolean) => {
    const { role } = attributeFields(MEMBERSHIP_ATTRIBUTES, { t: toConsoleEnglish(), isOperator })
    const { choices } = role.controls('role', new Map()) as { choices: { value: string }[] }
    return choices.map(({ value }) => value)
  }

  test('can be operator only where an operator selects it', () => {
    expect(roles(true)).toEqual(['member', 'viewer', 'developer', 'admin', 'operator'])
    expect(roles(false)).toEqual(['member', 'viewer', 'developer', 'admin'])
  })

  test('has the same label on the page of the user and in the activity log', () => {
    const { role } = USER_ATTRIBUTES
    expect(attributeFacts(toConsoleEnglish(), { role }, USER)).toEqual([
      { term: 'Role', cell: { kind: 'text', text: 'Admin' } },
    ])
    const changes = changesBetween({ role }, { ...USER, role: 'member' }, USER)
    expect(changes).toEqual({ role: { from: 'member', to: 'admin' } })
    expect(changeFact(toConsoleEnglish(), changedAttribute('user', 'role')!, changes.role!)).toEqual({
      term: 'Role',
      cell: { kind: 'text', text: 'Member → Admin' },
    })
  })

  test.each([
    ['user.role_changed', { changes: { role: { from: 'admin', to: 'member' } } }, 'Ada made * a member'],
    ['user.role_changed', { changes: { role: { from: 'member', to: 'admin' } } }, 'Ada made * an admin'],
    ['user.role_changed', {}, 'Ada made * a user'],
    ['user.created', { role: 'operator' }, 'Ada added * as an operator'],
  ])('is in the sentence of %s with %j: %s', (action, detail, text) => {
    const record = { action, actor: { id: null }, target: { type: 'user', id: ID }, detail }
    const names = { actor: 'Ada', target: '*' }
    expect(actionText(toConsoleEnglish(), record as unknown as AuditRecord, names)).toBe(text)
  })
})

test('a changed name and address of a user are shown as old → new', () => {
  const before = { ...PROFILE, name: null, email: 'a@example.com' }
  const changes = changesBetween(PROFILE_ATTRIBUTES, before, PROFILE)
  const facts = Object.entries(changes).map(([name, change]) =>
    changeFact(toConsoleEnglish(), changedAttribute('user', name)!, change),
  )
  expect(facts.map(({ term, cell }) => [term, 'text' in cell && cell.text])).toEqual([
    ['Email address', 'a@example.com → ada@example.com'],
    ['Name', 'not set → Ada Lovelace'],
  ])
})
