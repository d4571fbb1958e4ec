import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { fromWireValues, toWireValues } from '../../src/api/attribute-schemas.ts'
import { settings as apiFields } from '../../src/api/client-fields.ts'
import type { AuditRecord } from '../../src/audit/audit-query.ts'
import { addAttributeOptions, optionValues, printedValues } from '../../src/cli/attribute-options.ts'
import { CLIENT_ATTRIBUTES } from '../../src/clients/client-attributes.ts'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import type { Client } from '../../src/clients/clients.ts'
import { toConsoleEnglish, translateConsoleTo } from '../../src/languages/console/console-translator.ts'
import { languageOf } from '../../src/languages/languages.ts'
import { visibleRecord } from '../../src/management/attribute-changes.ts'
import { changesBetween, namesOf } from '../../src/shared/attributes.ts'
import { imageOf, summaryOfImage } from '../../src/shared/images.ts'
import { toSnake } from '../../src/shared/snake-case.ts'
import { applicationFields, sectionsOf } from '../../src/web/console/applications/application-form.ts'
import {
  brandingBlocks,
  generalFacts,
  settingsBlocks,
} from '../../src/web/console/applications/application-settings-blocks.ts'
import { changeFact } from '../../src/web/console/kit/attribute-facts.ts'
import { readFields, writeFields } from '../../src/web/console/kit/form-fields.ts'

const t = toConsoleEnglish()

const SVG = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')
const LOGO = imageOf(SVG)

const SETTINGS: ClientSettings = {
  name: 'Billing export',
  description: 'Exports invoices',
  grants: ['authorization_code', 'urn:ietf:params:oauth:grant-type:token-exchange'],
  redirectUris: ['https://app.example.com/callback'],
  postLogoutRedirectUris: ['https://app.example.com/'],
  backchannelLogoutUri: 'https://app.example.com/logout',
  isPublic: true,
  authMethod: 'client_secret',
  jwksUri: 'https://app.example.com/jwks.json',
  certificateBoundAccessTokens: true,
  dpop: 'required',
  parRequired: true,
  requestObjectsRequired: true,
  signedResponsesRequired: true,
  fapi2: true,
  pkceRequired: false,
  consent: 'skip',
  accessType: 'user',
  defaultScopes: ['openid', 'read'],
  accessTokenTtl: 5400,
  refreshTokenTtl: 86_400,
  refreshTokenMaxAge: null,
  refreshTokenRotation: false,
  refreshTokens: 'offline_access',
  idTokenAlg: 'ES256',
  policy: 'single',
  rateLimit: { count: 600, period: 60 },
  reuseWindow: 600,
  quotaPerHour: 1000,
  quotaPerDay: 20_000,
  quotaMode: 'observe',
  allowedNetworks: ['192.0.2.0/24', '2001:db8::/32'],
  queryCredentials: true,
  clientCredentialsRefresh: true,
  endpointAudiences: true,
  apiKeyRequired: true,
  logo: LOGO,
  accent: '#0a7d4f',
  isVerified: true,
  clientUri: 'https://app.example.com/',
  policyUri: 'https://app.example.com/privacy',
  tosUri: 'https://app.example.com/terms#service',
  exchangeFrom: ['kwa_2Ew9fTbnCN0ZPqTtGKsu'],
  exchangeScopes: ['read'],
  exchangeTtl: 300,
  exchangeApis: ['https://other.example.com'],
  exchangeAccounts: ['any'],
  exchangeWithoutUser: ['any'],
  identityAssertions: true,
  externalId: 'app-1',
  metadata: { owner: 'billing' },
}

const asTyped = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value))

const NAMES = namesOf(CLIENT_ATTRIBUTES)

describe('each attribute of an application', () => {
  const subject = { isOperator: true, choosableApis: [] }

  test('is a field of the API, and its value survives a round trip through JSON', () => {
    expect(Object.keys(apiFields).sort()).toEqual(NAMES.map(toSnake).sort())
    const json = JSON.parse(JSON.stringify(toWireValues(CLIENT_ATTRIBUTES, SETTINGS, { role: 'operator' })))
    expect(json.logo).toEqual(summaryOfImage(LOGO))
    // A logo is sent in base64.
    json.logo = { base64: SVG.toString('base64') }
    for (const [name, schema] of Object.entries(apiFields)) expect(schema.parse(json[name])).toEqual(json[name])
    expect(fromWireValues(CLIENT_ATTRIBUTES, json)).toEqual(SETTINGS)
  })

  test('is in a section of the form, except the logo, which has a form of its own, and its value survives a round trip through the form', () => {
    const fields = applicationFields(t, subject)
    const inSections = sectionsOf(t, fields).flatMap((section) => section.fields)
    expect(new Set(inSections).size).toBe(inSections.length)
    const { logo: _, ...settings } = SETTINGS
    const names = Object.keys(settings) as (keyof typeof settings)[]
    expect(inSections).toEqual(expect.arrayContaining(names))
    const own = Object.fromEntries(names.map((name) => [name, fields[name]]))
    expect(readFields(own, writeFields(own, settings))).toEqual({ values: settings, fieldErrors: [] })
  })

  test('is on the page of the application, under its label', () => {
    const branding = brandingBlocks(t, { ...SETTINGS, clientId: 'kwc_1', status: 'active' } as Client, true)
    const blocks = [...settingsBlocks(t, SETTINGS, true), ...branding].flatMap((block) =>
      block.part === 'facts' ? block.facts : [],
    )
    const facts = [...generalFacts(t, SETTINGS, true), ...blocks]
    const shown = facts.map(({ term }) => term)
    // The beginning of the page shows the first five, and the last of these rows the legacy options in use.
    const elsewhere = [
      'name',
      'grants',
      'isPublic',
      'authMethod',
      'jwksUri',
      ...NAMES.filter((name) => CLIENT_ATTRIBUTES[name].section === 'legacy'),
    ]
    expect(shown).toEqual(
      expect.arrayContaining(
        NAMES.filter((name) => !elsewhere.includes(name)).map((name) => CLIENT_ATTRIBUTES[name].label),
      ),
    )
  })

  test('is not on the page of an admin if only operators may read it', () => {
    const blocks = settingsBlocks(t, SETTINGS, false).flatMap((block) => (block.part === 'facts' ? block.facts : []))
    const shown = [...generalFacts(t, SETTINGS, false), ...blocks].map(({ term }) => term)
    expect(shown).toContain('Token policy')
    expect(shown).not.toContain('Rate limit')
    expect(shown).not.toContain('Tokens per hour')
    expect(shown).not.toContain('Access type')
    expect(shown).not.toContain('Metadata')
  })

  test('has an option, which accepts what commands print', async () => {
    const printed = printedValues(CLIENT_ATTRIBUTES, SETTINGS)
    const command = addAttributeOptions(new Command().exitOverride(), CLIENT_ATTRIBUTES, 'create')
    expect(command.options).toHaveLength(NAMES.length)
    const args = command.options.flatMap((option, n) => {
      const value = printed[CLIENT_ATTRIBUTES[NAMES[n]!].option?.jsonName ?? toSnake(NAMES[n]!)] ?? 'off'
      if (NAMES[n] === 'logo') return []
      return option.required ? [option.long!, ...[value].flat().map(asTyped)] : [option.long!]
    })
    await command.action(() => {}).parseAsync(args, { from: 'user' })
    const { logo: _, ...settings } = SETTINGS
    expect(optionValues(CLIENT_ATTRIBUTES, command.opts())).toEqual(settings)
  })
})

describe('a new application', () => {
  test('cannot be created from the command line without its required attributes', async () => {
    const command = addAttributeOptions(new Command().exitOverride(), CLIENT_ATTRIBUTES, 'create')
    command.configureOutput({ writeErr: () => {} }).action(() => {})
    await expect(command.parseAsync(['--name', 'x'], { from: 'user' })).rejects.toThrow(/--grants/)
  })
})

describe('a changed attribute in the activity log', () => {
  const before: ClientSettings = {
    ...SETTINGS,
    accessTokenTtl: null,
    rateLimit: null,
    redirectUris: [],
    quotaPerDay: null,
    quotaMode: 'enforce',
  }
  const changes = changesBetween(CLIENT_ATTRIBUTES, before, SETTINGS)
  const record = { target: { type: 'client', id: 'kwc_1' }, detail: { changes, revoked: 2 } } as unknown as AuditRecord

  test('is recorded with its old and its new value, and no other attribute is', () => {
    expect(changes).toEqual({
      access_token_ttl: { from: null, to: 5400 },
      redirect_uris: { from: [], to: ['https://app.example.com/callback'] },
      rate_limit: { from: null, to: { count: 600, period: 60 } },
      quota_per_day: { from: null, to: 20_000 },
      quota_mode: { from: 'enforce', to: 'observe' },
    })
  })

  test.each([
    ['accessTokenTtl', 'access_token_ttl', 'Access token lifetime', 'from the API → 90 minutes'],
    ['redirectUris', 'redirect_uris', 'Redirect URIs', 'none → https://app.example.com/callback'],
    ['rateLimit', 'rate_limit', 'Rate limit', 'no limit → 600 per minute'],
    ['quotaPerDay', 'quota_per_day', 'Tokens per day', 'no quota → 20,000'],
    ['quotaMode', 'quota_mode', 'Quota mode', 'Enforce → Observe'],
  ] as const)('is shown as old → new: %s', (name, key, term, text) => {
    expect(changeFact(t, CLIENT_ATTRIBUTES[name], changes[key]!)).toEqual({
      term,
      cell: { kind: 'text', text },
    })
  })

  test.each([
    ['redirectUris', [], 'keine'],
    ['logo', null, 'nicht festgelegt'],
    ['externalId', null, 'nicht festgelegt'],
    ['description', '', 'nicht festgelegt'],
  ] as const)('has German words that fit every noun when it is empty: %s', (name, to, text) => {
    const german = translateConsoleTo(languageOf('de')!)
    expect(changeFact(german, CLIENT_ATTRIBUTES[name], { to })).toMatchObject({ cell: { text } })
  })

  test('is hidden from admins if only operators may read it', () => {
    expect(visibleRecord(record, { role: 'operator' })).toEqual(record)
    const { detail } = visibleRecord(record, { role: 'admin' })
    expect(detail.revoked).toBe(2)
    expect(Object.keys(detail.changes as object)).toEqual(['redirect_uris', 'access_token_ttl'])
  })

  test('is hidden from admins if its attribute no longer exists', () => {
    const removed = { ...record, detail: { changes: { internal_note: { from: 'a', to: 'b' } } } }
    expect(visibleRecord(removed, { role: 'admin' }).detail.changes).toEqual({})
    expect(visibleRecord(removed, { role: 'operator' })).toEqual(removed)
  })
})
