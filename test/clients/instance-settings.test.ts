import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Actor } from '../../src/audit/audit-log.ts'
import {
  getInstanceSettings,
  type InstanceChanges,
  lockInstanceShared,
  setApiEnabled,
  updateInstanceSettings,
} from '../../src/clients/instance-settings.ts'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { imageOf } from '../../src/shared/images.ts'
import { keywright, runCli } from '../support/cli-in-process.ts'
import type { Environment } from '../support/environment.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

const ACTOR: Actor = { type: 'user', id: 'operator-1', ip: '192.0.2.1' }
const DEFAULTS = {
  defaultAccessTokenTtl: null,
  defaultRefreshTokenTtl: null,
  defaultConsent: 'show',
  defaultRateLimit: null,
}
const UNSET = {
  name: 'Keywright',
  accent: '#1f5fbf',
  font: 'system',
  signInText: null,
  defaultLanguage: 'en',
  logo: null,
  apiEnabled: true,
  redirectSchemes: [],
  productOrigins: [],
  secondFactorRequired: 'nobody',
  sessionIdleLifetime: 259_200,
  sessionLifetime: 604_800,
  signInUrl: null,
  signInUrlMfa: false,
  passwordSignIn: 'everyone',
  dynamicRegistration: 'off',
  clientIdDocuments: 'off',
  clientIdDocumentHosts: [],
  openRegistrationAccount: null,
  openRegistrationApis: [],
  openRegistrationScopes: null,
  ...DEFAULTS,
}
const NO_DEFAULTS = {
  default_access_token_ttl: null,
  default_refresh_token_ttl: null,
  default_consent: 'show',
  default_rate_limit_count: null,
  default_rate_limit_period: null,
}
const LIMIT = 256 * 1024

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
const JPEG = Buffer.from('ffd8ffe000104a464946', 'hex')
const WEBP = Buffer.from('RIFF\x10\0\0\0WEBPVP8 ', 'latin1')
const SVG = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')

let created: TestDatabase
let database: Database

beforeAll(async () => {
  created = await createTestDatabase()
  database = openDatabase(created.url)
})

beforeEach(async () => {
  const row = {
    name: UNSET.name,
    accent: UNSET.accent,
    logo: null,
    logo_type: null,
    sign_in_text: null,
    default_language: 'en',
    api_enabled: true,
    ...NO_DEFAULTS,
  }
  await database.knex('instance_settings').update(row)
  await database.knex('audit_log').delete()
})

afterAll(async () => {
  await database?.close()
  await created?.drop()
})

const save = (changes: InstanceChanges, expected?: number) =>
  database.knex.transaction((trx) => updateInstanceSettings(trx, changes, ACTOR, expected))
/** Without the revision, which these tests pass on. */
async function settings() {
  const { revision, ...rest } = await getInstanceSettings(database.knex)
  return rest
}
async function update(changes: InstanceChanges) {
  const { revision, ...rest } = await save(changes)
  return rest
}
const audited = () => database.knex('audit_log').orderBy('id').select('*')
const invalid = (message: RegExp) => ({ name: 'KeywrightError', code: 'invalid_input', message })

describe('the defaults of new applications', () => {
  test('change where named, and are taken away by null', async () => {
    await update({ defaultAccessTokenTtl: 600, defaultRateLimit: { count: 5, period: 60 } })
    const both = await update({ defaultRefreshTokenTtl: 7200, defaultConsent: 'skip_own_account' })
    const all = {
      ...UNSET,
      defaultAccessTokenTtl: 600,
      defaultRefreshTokenTtl: 7200,
      defaultConsent: 'skip_own_account',
      defaultRateLimit: { count: 5, period: 60 },
    }
    expect(both).toEqual(all)
    const without = await update({ defaultAccessTokenTtl: null, defaultRateLimit: null })
    expect(without).toEqual({ ...all, defaultAccessTokenTtl: null, defaultRateLimit: null })
  })

  test('obey the rules of applications; all errors are reported at once, at their fields', async () => {
    const wrong = {
      accent: 'blue',
      defaultAccessTokenTtl: 59,
      defaultRefreshTokenTtl: 31_622_401,
      defaultConsent: 'skip',
      defaultRateLimit: { count: 0, period: 60 },
    } as const
    const fieldErrors = Object.keys(wrong)
    await expect(update(wrong)).rejects.toMatchObject({
      code: 'invalid_input',
      fieldErrors: fieldErrors.map((field) => ({ field, message: expect.any(String) })),
    })
    expect([await settings(), await audited()]).toEqual([UNSET, []])
  })
})

test('of two concurrent changes of the same revision, the second is refused; switching the API counts as a change', async () => {
  const { revision } = await getInstanceSettings(database.knex)
  const changed = await save({ name: 'First' }, revision)
  await expect(save({ name: 'Second' }, revision)).rejects.toMatchObject({ code: 'stale' })
  await database.knex.transaction((trx) => setApiEnabled(trx, false))
  await expect(save({ name: 'Second' }, changed.revision)).rejects.toMatchObject({ code: 'stale' })
  expect(await settings()).toMatchObject({ name: 'First' })
})

describe('the settings', () => {
  test('are there from the start: Keywright in blue, without a logo, its API open', async () => {
    expect(await settings()).toEqual(UNSET)
  })

  test('change where named and stay where not; the audit log has the old and the new values, and of a logo its type and size', async () => {
    expect(await update({ name: '  ACME ID ' })).toEqual({ ...UNSET, name: 'ACME ID' })
    await update({ accent: '#0A7D4F', logo: imageOf(PNG) })
    const logo = { type: 'image/png', size: PNG.length, bytes: PNG, etag: expect.stringMatching(/^[\w-]{43}$/) }
    expect(await settings()).toEqual({ ...UNSET, name: 'ACME ID', accent: '#0a7d4f', logo })
    await update({ logo: null })
    expect(await settings()).toEqual({ ...UNSET, name: 'ACME ID', accent: '#0a7d4f' })
    const png = { type: 'image/png', size: PNG.length }
    const entries = await audited()
    expect(entries.map(({ detail }) => detail)).toEqual([
      { changes: { name: { from: 'Keywright', to: 'ACME ID' } } },
      { changes: { accent: { from: '#1f5fbf', to: '#0a7d4f' }, logo: { from: null, to: png } } },
      { changes: { logo: { from: png, to: null } } },
    ])
    const common = { action: 'instance.updated', actor_id: 'operator-1', account_id: null, target_type: 'instance' }
    for (const entry of entries) expect(entry).toMatchObject(common)
  })

  test('a change that is taken back leaves neither itself nor a word in the audit log', async () => {
    const failing = database.knex.transaction(async (trx) => {
      await updateInstanceSettings(trx, { name: 'Never' }, ACTOR)
      throw new Error('taken back')
    })
    await expect(failing).rejects.toThrow('taken back')
    expect([await settings(), await audited()]).toEqual([UNSET, []])
  })

  test.each<[string, InstanceChanges, RegExp]>([
    ['an empty name', { name: '' }, /1 to 60/],
    ['a blank name', { name: ' \t ' }, /1 to 60/],
    ['a name of 61 characters', { name: 'x'.repeat(61) }, /1 to 60/],
    ['a NUL', { name: 'A\0B' }, /control/],
    ['a line break', { name: 'A\nB' }, /control/],
    ['a colour by name', { accent: 'blue' }, /#1f5fbf/],
    ['a short colour', { accent: '#fff' }, /#1f5fbf/],
    ['more than a colour', { accent: '#1f5fbf;}' }, /#1f5fbf/],
    ['a colour and a line', { accent: '#1f5fbf\n' }, /#1f5fbf/],
    ['a text of 301 characters', { signInText: 'x'.repeat(301) }, /at most 300/],
    ['a text of two lines', { signInText: 'a\nb' }, /line breaks/],
    ['a text with invisible characters', { signInText: 'a\u202eb' }, /direction/],
    ['nothing', {}, /nothing/],
    ['one good and one bad', { name: 'Good', accent: 'bad' }, /#1f5fbf/],
  ])('%s is refused, and changes nothing', async (_what, changes, message) => {
    await expect(update(changes)).rejects.toMatchObject(invalid(message))
    expect([await settings(), await audited()]).toEqual([UNSET, []])
  })

  test('a name of 60 characters fits, whatever the characters', async () => {
    for (const name of ['x'.repeat(60), '🔑'.repeat(60)]) expect(await update({ name })).toMatchObject({ name })
  })
})

describe('a logo', () => {
  const typeOf = async (bytes: Buffer) => (await update({ logo: imageOf(bytes) })).logo?.type

  test('is of the type that its bytes have', async () => {
    expect(await typeOf(PNG)).toBe('image/png')
    expect(await typeOf(JPEG)).toBe('image/jpeg')
    expect(await typeOf(WEBP)).toBe('image/webp')
    expect(await typeOf(SVG)).toBe('image/svg+xml')
  })

  test.each([
    '\uFEFF<svg></svg>',
    ' \n<svg\nwidth="1"/>',
    '<?xml version="1.0" encoding="UTF-8"?>\n<!-- Generator: x -->\n<svg/>',
    '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://a/svg11.dtd"><svg/>',
    '<?xml version="1.0"?><svg:svg xmlns:svg="http://www.w3.org/2000/svg"/>',
  ])('is an SVG when it begins as one: %j', async (text) => {
    expect(await typeOf(Buffer.from(text))).toBe('image/svg+xml')
  })

  test.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['noise', randomBytes(100)],
    ['a GIF', Buffer.from('GIF89a')],
    ['half a signature', PNG.subarray(0, 7)],
    ['a WAVE', Buffer.from('RIFF\x10\0\0\0WAVEfmt ', 'latin1')],
    ['a page', Buffer.from('<!DOCTYPE html><svg/>')],
    ['a page called XML', Buffer.from('<?xml version="1.0"?><html><svg/></html>')],
    ['a page in a comment', Buffer.from('<!--x--><script>1</script><svg/>')],
    ['text before an SVG', Buffer.from('x<svg/>')],
    ['another element', Buffer.from('<svgx/>')],
    ['an SVG with a NUL', Buffer.from('<svg>\0</svg>')],
    ['an SVG in UTF-16', Buffer.from('\uFEFF<svg/>', 'utf16le')],
    ['an SVG that is not UTF-8', Buffer.from('<svg>\xff</svg>', 'latin1')],
  ])('is refused when it is %s', async (_what, bytes) => {
    await expect(update({ logo: imageOf(bytes, 'image/png') })).rejects.toMatchObject(invalid(/PNG, JPEG/))
  })

  test('has at most 256 KiB', async () => {
    const ofSize = (size: number) => Buffer.concat([PNG, Buffer.alloc(size - PNG.length)])
    expect((await update({ logo: imageOf(ofSize(LIMIT)) })).logo?.bytes.length).toBe(LIMIT)
    await expect(update({ logo: imageOf(ofSize(LIMIT + 1)) })).rejects.toMatchObject(invalid(/256 KiB/))
  })

  test('has an etag that changes with its bytes and with nothing else', async () => {
    const one = (await update({ logo: imageOf(PNG) })).logo!.etag
    expect((await update({ logo: imageOf(PNG), name: 'Other' })).logo!.etag).toBe(one)
    expect((await update({ logo: imageOf(JPEG) })).logo!.etag).not.toBe(one)
  })
})

describe('the API of the instance', () => {
  const setApi = (enabled: boolean) => database.knex.transaction((trx) => setApiEnabled(trx, enabled))
  const hold = () => database.knex.transaction(lockInstanceShared)

  test('is held while it is on, refused while it is off, and on again afterwards', async () => {
    await hold()
    expect([await setApi(false), await setApi(false)]).toEqual([true, false])
    expect((await settings()).apiEnabled).toBe(false)
    await expect(hold()).rejects.toMatchObject({ name: 'KeywrightError', code: 'conflict' })
    expect([await setApi(true), await setApi(true)]).toEqual([true, false])
    await hold()
  })

  test('is not switched off while somebody holds it; many hold it at once', async () => {
    const events: string[] = []
    const holders = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    let holding = 0
    const issue = () =>
      database.knex.transaction(async (trx) => {
        await lockInstanceShared(trx)
        if (++holding === 3) holders.resolve()
        await release.promise
        events.push('issued')
      })
    const issuers = Promise.all([issue(), issue(), issue()])
    await holders.promise
    const off = setApi(false).then(() => events.push('off'))
    while (!(await isSomebodyWaiting())) await new Promise((resolve) => setTimeout(resolve, 10))
    release.resolve()
    await Promise.all([issuers, off])
    expect(events).toEqual(['issued', 'issued', 'issued', 'off'])
  })

  test('a transaction that waits while the API is switched off is refused', async () => {
    let late: Promise<unknown> | undefined
    await database.knex.transaction(async (trx) => {
      await setApiEnabled(trx, false)
      late = hold().catch((error) => error.code)
      while (!(await isSomebodyWaiting())) await new Promise((resolve) => setTimeout(resolve, 10))
    })
    expect(await late).toBe('conflict')
  })

  async function isSomebodyWaiting(): Promise<boolean> {
    const text = `SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`
    return (await database.knex.raw(text)).rows[0].n > 0
  }
})

describe('the command line', () => {
  let directory: string
  let env: Environment

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'keywright-logo-'))
    env = { DATABASE_URL: created.url, ENCRYPTION_KEY: randomBytes(32).toString('base64') }
    writeFileSync(join(directory, 'logo.svg'), SVG)
    writeFileSync(join(directory, 'page.svg'), '<html></html>')
  })

  afterAll(() => rmSync(directory, { recursive: true }))

  test('shows the settings and changes them; --logo off takes the logo away', async () => {
    const cli = keywright(env)
    const defaults = {
      default_access_token_ttl: null,
      default_refresh_token_ttl: null,
      default_consent: 'show',
      default_rate_limit: null,
    }
    const sessions = { session_idle_lifetime: 259_200, session_lifetime: 604_800 }
    const texts = { sign_in_text: null, redirect_schemes: '', product_origins: '', default_language: 'en' }
    const signIn = { sign_in_url: null, sign_in_url_mfa: 'off', password_sign_in: 'everyone' }
    const signInTexts = { ...texts, second_factor_required: 'nobody', ...sessions, ...signIn }
    const others = {
      api: 'on',
      font: 'system',
      dynamic_registration: 'off',
      client_id_documents: 'off',
      client_id_document_hosts: '',
      open_registration_account: null,
      open_registration_apis: [],
      open_registration_scopes: 'all',
      ...signInTexts,
      ...defaults,
    }
    const shown = { name: 'Keywright', accent: '#1f5fbf', logo: null, ...others }
    expect(await cli('instance show')).toEqual(shown)
    const file = join(directory, 'logo.svg')
    const changed = await cli('instance update --accent #0A7D4F', '--name', 'ACME ID', '--logo', file)
    const logo = { type: 'image/svg+xml', size: SVG.length, etag: expect.any(String) }
    expect(changed).toEqual({ name: 'ACME ID', accent: '#0a7d4f', logo, ...others })
    expect(await cli('instance show')).toEqual(changed)
    expect(await cli('instance update --logo off')).toEqual({ ...changed, logo: null })
    expect((await audited()).map(({ actor_type }) => actor_type)).toEqual(['cli', 'cli'])
  })

  test('sets what new applications begin with, which options of their own outrank, and takes it back', async () => {
    const cli = keywright(env)
    const set = 'instance update --default-access-token-ttl 600 --default-refresh-token-ttl 7200'
    const defaults = { default_access_token_ttl: 600, default_refresh_token_ttl: 7200 }
    const strict = { default_consent: 'skip_own_account', default_rate_limit: '5/min' }
    const changed = await cli(`${set} --default-consent skip_own_account --default-rate-limit 5/min`)
    expect(changed).toMatchObject({ ...defaults, ...strict })
    const { account_id } = await cli('account create --name ACME')
    const job = await cli(
      `client create --account ${account_id} --name job --grants client_credentials --access-token-ttl 300`,
    )
    expect(job).toMatchObject({ access_token_ttl: 300, refresh_token_ttl: 7200, rate_limit: '5/min' })
    expect(job).toMatchObject({ consent: 'skip_own_account', access_type: 'both' })
    const off = await cli('instance update --default-access-token-ttl default --default-rate-limit off')
    expect(off).toMatchObject({ ...strict, default_access_token_ttl: null, default_rate_limit: null })
  })

  test.each([
    [['--default-access-token-ttl', '59'], /60 to 2592000/],
    [['--default-rate-limit', '5/day'], /N\/s/],
    [['--default-consent', 'skip'], /skip_own_account/],
    [['--accent', 'blue'], /colour/],
    [['--name', ''], /1 to 60/],
    [['--logo', 'page.svg'], /PNG, JPEG, WebP or SVG/],
    [['--logo', 'nowhere.png'], /cannot read .*nowhere\.png \(ENOENT\)/],
    [[], /nothing/],
  ])('instance update %j is a wrong call', async (args, message) => {
    const given = args[0] === '--logo' ? ['--logo', join(directory, args[1]!)] : args
    const run = await runCli(['instance', 'update', ...given, '--json'], env)
    expect([run.code, run.stdout]).toEqual([2, ''])
    expect(run.stderr).toMatch(message)
  })
})
