import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attributeSchemas, fromWireValues, toWireValues } from '../../src/api/attribute-schemas.ts'
import { addAttributeOptions, optionValues, printedValues } from '../../src/cli/attribute-options.ts'
import {
  APPLICATION_DEFAULTS,
  applicationDefaults,
  asInstanceValues,
  DEFAULT_ATTRIBUTES,
  INSTANCE_ATTRIBUTES,
} from '../../src/clients/instance-attributes.ts'
import type { InstanceSettings } from '../../src/clients/instance-settings.ts'
import { toConsoleEnglish } from '../../src/languages/console/console-translator.ts'
import { changedAttribute } from '../../src/management/attribute-changes.ts'
import { fromColumns, toColumns } from '../../src/shared/attribute-columns.ts'
import { changesBetween, namesOf } from '../../src/shared/attributes.ts'
import { imageOf } from '../../src/shared/images.ts'
import { changeFact } from '../../src/web/console/kit/attribute-facts.ts'
import { readFields } from '../../src/web/console/kit/form-fields.ts'
import { changesOf, fieldsFor, formOfInstance } from '../../src/web/console/settings/instance-fields.ts'

const SVG = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')
const LOGO = imageOf(SVG)
const SUMMARY = { type: 'image/svg+xml', size: SVG.length }

const SETTINGS: InstanceSettings = {
  name: 'ACME ID',
  accent: '#0a7d4f',
  font: 'humanist',
  signInText: 'Need help? Write to support@example.com.',
  defaultLanguage: 'de',
  logo: LOGO,
  redirectSchemes: ['cursor', 'vscode'],
  productOrigins: ['https://app.example.com'],
  secondFactorRequired: 'operators',
  sessionIdleLifetime: 7200,
  sessionLifetime: 86_400,
  signInUrl: 'https://app.example.com/sign-in',
  signInUrlMfa: true,
  passwordSignIn: 'operators',
  dynamicRegistration: 'initial_access_token',
  clientIdDocuments: 'open',
  clientIdDocumentHosts: ['app.example.com'],
  openRegistrationAccount: '01a22b3f-cdb6-797f-ba2f-b9501fbc02be',
  openRegistrationApis: ['https://api.example.com'],
  openRegistrationScopes: ['read'],
  defaultAccessTokenTtl: 5400,
  defaultRefreshTokenTtl: 86_400,
  defaultConsent: 'skip_own_account',
  defaultRateLimit: { count: 600, period: 60 },
  apiEnabled: true,
  revision: 1,
}
const { apiEnabled: _, revision: __, ...CHANGES } = SETTINGS
const { logo: ___, ...WITHOUT_LOGO } = CHANGES

const NAMES = namesOf(INSTANCE_ATTRIBUTES)

describe('each setting of the instance', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'keywright-instance-'))
    writeFileSync(join(directory, 'logo.svg'), SVG)
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  test('survives a round trip through its columns', () => {
    const row = toColumns(INSTANCE_ATTRIBUTES, CHANGES)
    expect(row).toMatchObject({ logo: SVG, logo_type: 'image/svg+xml', default_rate_limit_period: 60 })
    expect(fromColumns(INSTANCE_ATTRIBUTES, row)).toEqual(CHANGES)
  })

  test('survives a round trip through JSON, except a logo, which is sent in base64', () => {
    const schemas = attributeSchemas(INSTANCE_ATTRIBUTES)
    const { logo, ...json } = JSON.parse(
      JSON.stringify(toWireValues(INSTANCE_ATTRIBUTES, SETTINGS, { role: 'operator' })),
    )
    expect(logo).toEqual(SUMMARY)
    const sent = { ...json, logo: { base64: SVG.toString('base64') } }
    for (const [name, schema] of Object.entries(schemas)) expect(schema.parse(sent[name])).toEqual(sent[name])
    expect(fromWireValues(INSTANCE_ATTRIBUTES, sent)).toEqual(CHANGES)
  })

  test('is in one section of the form, and survives a round trip through the form, except a logo', () => {
    const { fields, sections } = fieldsFor(toConsoleEnglish(), SETTINGS)
    expect(sections.flatMap((section) => section.fields)).toEqual([
      ...NAMES.slice(0, NAMES.indexOf('logo')),
      'removeLogo',
      ...NAMES.slice(NAMES.indexOf('logo')),
    ])
    const { values, fieldErrors } = readFields(fields, formOfInstance(toConsoleEnglish(), SETTINGS))
    expect([changesOf(values), fieldErrors]).toEqual([WITHOUT_LOGO, []])
  })

  test('has an option, which accepts what commands print, except a logo, which is a file', async () => {
    const printed: Record<string, unknown> = {
      ...printedValues(INSTANCE_ATTRIBUTES, SETTINGS),
      logo: join(directory, 'logo.svg'),
    }
    const command = addAttributeOptions(new Command().exitOverride(), INSTANCE_ATTRIBUTES, 'update')
    const args = command.options.flatMap(({ long }) => [long!, String(printed[long!.slice(2).replaceAll('-', '_')])])
    expect(args).toHaveLength(2 * NAMES.length)
    await command.action(() => {}).parseAsync(args, { from: 'user' })
    expect(optionValues(INSTANCE_ATTRIBUTES, command.opts())).toEqual(CHANGES)
  })

  test('is recorded with its old and its new value, and of a logo its type and size', () => {
    const before = { ...SETTINGS, logo: null, defaultConsent: 'show', defaultRateLimit: null } as const
    expect(changesBetween(INSTANCE_ATTRIBUTES, before, SETTINGS)).toEqual({
      logo: { from: null, to: SUMMARY },
      default_consent: { from: 'show', to: 'skip_own_account' },
      default_rate_limit: { from: null, to: { count: 600, period: 60 } },
    })
  })

  test.each([
    ['logo', { from: null, to: SUMMARY }, 'Logo', 'not set → image/svg+xml, 1 KiB'],
    ['redirect_schemes', { from: [], to: ['cursor'] }, 'Custom URI schemes without a dot', 'none → cursor'],
    [
      'default_consent',
      { from: 'show', to: 'skip_own_account' },
      'Show allow/deny screen (new applications)',
      'To all users → Not to users of the same account',
    ],
    [
      'default_rate_limit',
      { from: null, to: { count: 600, period: 60 } },
      'Rate limit (new applications)',
      'no limit → 600 per minute',
    ],
  ])('is shown as old → new in the activity log: %s', (name, change, term, text) => {
    expect(changeFact(toConsoleEnglish(), changedAttribute('instance', name)!, change)).toEqual({
      term,
      cell: { kind: 'text', text },
    })
  })
})

describe('the option of a setting that may be absent', () => {
  test('accepts the word that removes the value', async () => {
    const command = addAttributeOptions(new Command().exitOverride(), INSTANCE_ATTRIBUTES, 'update').action(() => {})
    const args = ['--logo', 'off', '--redirect-schemes', 'off', '--default-rate-limit', 'off']
    await command.parseAsync([...args, '--default-access-token-ttl', 'default'], { from: 'user' })
    const values = { logo: null, redirectSchemes: [], defaultRateLimit: null, defaultAccessTokenTtl: null }
    expect(optionValues(INSTANCE_ATTRIBUTES, command.opts())).toEqual(values)
  })
})

describe('a default of new applications', () => {
  test('has the label of the attribute of an application', () => {
    const { fields } = fieldsFor(toConsoleEnglish(), SETTINGS)
    for (const name of namesOf(DEFAULT_ATTRIBUTES)) expect(fields[name].label).toBe(DEFAULT_ATTRIBUTES[name].label)
    expect(fields.defaultConsent.label).toBe('Show allow/deny screen')
  })

  test('has the same value under both of its names', () => {
    const defaults = applicationDefaults(SETTINGS)
    expect(defaults).toMatchObject({ accessTokenTtl: 5400, consent: 'skip_own_account' })
    expect(SETTINGS).toMatchObject(asInstanceValues(defaults))
  })

  test('cannot be a choice that operators select for single applications', () => {
    expect(attributeSchemas(APPLICATION_DEFAULTS).consent.safeParse('skip').success).toBe(false)
  })
})

describe('the settings form without a custom scheme', () => {
  test('means no schemes', () => {
    const empty = { ...SETTINGS, redirectSchemes: [] }
    expect(
      readFields(fieldsFor(toConsoleEnglish(), empty).fields, formOfInstance(toConsoleEnglish(), empty)).values
        .redirectSchemes,
    ).toEqual([])
  })
})
