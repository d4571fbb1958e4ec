import { describe, expect, it } from 'vitest'
import { toConsoleEnglish } from '../../../src/languages/console/console-translator.ts'
import { KeywrightError } from '../../../src/shared/errors.ts'
import { attempt, readFields, revisionOf, writeFields } from '../../../src/web/console/kit/form-fields.ts'
import { compareVersions, formView } from '../../../src/web/console/kit/form-view.ts'
import { textField } from '../../../src/web/console/kit/text-fields.ts'
import { FIELDS } from './sample-data.ts'

const VALUES = {
  name: 'Calendar Sync',
  contact: 'ada@example.com',
  homepage: '',
  redirectUris: ['https://a.example/', 'https://b.example/'],
  note: 'first\nsecond',
  parallel: 4,
  kind: 'native',
  consent: 'skip_own_account',
  grants: ['client_credentials'],
  pkceRequired: true,
  accessTokenTtl: 5400,
  rateLimit: { count: 600, period: 60 },
  accent: '#1f5fbf',
  logo: null,
} as const

const form = (entries: Record<string, string>) => new Map(Object.entries(entries))

const fieldErrorOf = (name: keyof typeof FIELDS, entries: Record<string, string>) =>
  readFields({ [name]: FIELDS[name] }, form(entries)).fieldErrors.map(({ message }) => message)

describe('the fields of a form', () => {
  it('read what they wrote, of every kind', () => {
    const sent = writeFields(FIELDS, VALUES)
    expect(readFields(FIELDS, sent)).toEqual({ values: VALUES, fieldErrors: [] })
    expect(Object.fromEntries(sent)).toMatchObject({
      'grants.client_credentials': 'on',
      accessTokenTtl: '90',
      'accessTokenTtl.unit': 'minutes',
      'rateLimit.unit': 'per minute',
    })
  })

  it('read a month, a day and an hour and a half as people write them', () => {
    const seconds = (count: string, unit: string) =>
      readFields(
        { accessTokenTtl: FIELDS.accessTokenTtl },
        form({ accessTokenTtl: count, 'accessTokenTtl.unit': unit }),
      ).values.accessTokenTtl
    expect([seconds('30', 'days'), seconds(' 1 ', 'days'), seconds('1.5', 'hours'), seconds('1,5', 'hours')]).toEqual([
      2_592_000, 86_400, 5400, 5400,
    ])
    expect(seconds('', 'hours')).toBeNull()
  })

  it.each([
    ['name', {}],
    ['name', { name: '   ' }],
    ['name', { name: 'x'.repeat(10_000) }],
    ['parallel', { parallel: '-1' }],
    ['parallel', { parallel: '1e9' }],
    ['kind', { kind: 'constructor' }],
    ['consent', {}],
    ['grants', { 'grants.password': 'on', grants: 'client_credentials' }],
    ['accessTokenTtl', { accessTokenTtl: '5', 'accessTokenTtl.unit': 'constructor' }],
    ['accessTokenTtl', { accessTokenTtl: '0.0001', 'accessTokenTtl.unit': 'hours' }],
    ['accessTokenTtl', { accessTokenTtl: '0.5', 'accessTokenTtl.unit': 'seconds' }],
    ['accessTokenTtl', { accessTokenTtl: 'NaN', 'accessTokenTtl.unit': 'hours' }],
    ['rateLimit', { rateLimit: '0', 'rateLimit.unit': 'per hour' }],
    ['accent', { accent: 'red}*{' }],
  ] as const)('are at error where what was sent is none of theirs: %s (%#)', (name, entries) => {
    expect(fieldErrorOf(name, entries as Record<string, string>)).toHaveLength(1)
  })

  it('tell all errors at once', () => {
    const { fieldErrors } = readFields(FIELDS, new Map())
    expect(fieldErrors.map(({ field }) => field)).toEqual(['name', 'contact', 'kind', 'consent', 'grants', 'accent'])
  })
})

describe('doing something with a form', () => {
  const ONE = { name: textField({ label: 'Name', required: true }), uris: textField({ label: 'Addresses' }) }
  const sent = { form: form({ name: 'A', uris: 'b' }), files: new Map() }

  it('does nothing with one that is at error', async () => {
    let done = false
    const outcome = await attempt(ONE, { ...sent, form: new Map() }, async () => {
      done = true
    })
    expect([outcome.fieldErrors?.length, done]).toEqual([1, false])
  })

  it('tells what the domain found wrong, at its fields or at none, and lets every other error go on', async () => {
    const failing = (error: unknown) => attempt(ONE, sent, () => Promise.reject(error))
    const fieldErrors = [{ field: 'uris.0', message: 'this is unsafe' }]
    expect(await failing(new KeywrightError('invalid_input', 'x', { fieldErrors }))).toEqual({ fieldErrors })
    expect(await failing(new KeywrightError('conflict', 'the name is taken'))).toEqual({
      fieldErrors: [{ field: '', message: 'the name is taken' }],
    })
    await expect(failing(new KeywrightError('stale', 'changed'))).rejects.toMatchObject({ code: 'stale' })
    await expect(failing(new Error('away'))).rejects.toThrow('away')
  })

  it('draws what was typed again, with each error where it belongs', () => {
    const fieldErrors = [
      { field: 'uris[1].host', message: 'this is unsafe' },
      { field: 'elsewhere', message: 'there are too many' },
    ]
    const view = formView({ fields: ONE, action: '/x', submit: 'Save', typed: sent.form, fieldErrors, revision: 3 })
    const [name, uris] = view.sections[0]!.fields as { fieldError?: string; value?: string; describedBy?: string }[]
    expect([name!.fieldError, name!.value]).toEqual([undefined, 'A'])
    expect(uris).toMatchObject({ fieldError: 'This is unsafe.', value: 'b', describedBy: 'field-uris-error' })
    expect(view.summary).toEqual([
      {
        href: '#field-uris',
        label: 'Addresses',
        error: { message: 'this is unsafe', sentence: 'This is unsafe.', isTranslated: false },
      },
      { error: { message: 'there are too many', sentence: 'There are too many.', isTranslated: false } },
    ])
    expect(view.hidden).toEqual([['revision', '3']])
  })

  it('opens a collapsed part that holds a error', () => {
    const sections = [{ heading: 'Legacy compatibility', fields: ['uris'], collapsed: true }] as const
    const open = (fieldErrors: { field: string; message: string }[]) =>
      formView({ fields: ONE, action: '/x', submit: 'Save', sections, fieldErrors }).sections[0]!.open
    expect([open([]), open([{ field: 'uris', message: 'x' }])]).toEqual([false, true])
  })

  it('shows two versions where they differ, in the words of the form', () => {
    const theirs = writeFields(FIELDS, { ...VALUES, grants: ['authorization_code'], accessTokenTtl: null })
    expect(compareVersions(toConsoleEnglish(), FIELDS, writeFields(FIELDS, VALUES), theirs)).toEqual([
      { label: 'Grant types', yours: 'Client credentials', theirs: 'Authorization code' },
      { label: 'Access token lifetime', yours: '90 minutes', theirs: 'from the API' },
    ])
  })

  it('knows which state it was drawn from, and takes no other number', () => {
    expect(revisionOf(form({ revision: '12' }))).toBe(12)
    for (const revision of ['', '-1', '1.5', '99999999999', 'a'])
      expect(() => revisionOf(form({ revision }))).toThrow(KeywrightError)
  })
})
