import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recordLastUses } from '../../../src/clients/client-last-uses.ts'
import { DEFAULT_SETTINGS } from '../../../src/clients/client-settings.ts'
import { retireSecrets } from '../../../src/clients/retired-secrets.ts'
import { MAX_ARCHIVED } from '../../../src/management/bulk-archive.ts'
import { createClient } from '../../../src/management/client-registration.ts'
import { rotateSecret } from '../../../src/management/client-secret-rotation.ts'
import { ACTOR } from '../../support/factory.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import type { Browser, Page } from '../../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../../support/test-users.ts'
import { createOperator, enter, statementsOf, wordsOf } from './console-visits.ts'
import { filledForm, sendForm } from './filled-forms.ts'

let server: Keywright
let account: string
let admin: Person
let asAdmin: Browser
let asOperator: Browser

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  admin = await createTestUser(server.knex, account, 'admin')
  asAdmin = await enter(server, admin)
  asOperator = await enter(server, await createOperator(server.knex))
})
afterAll(() => server.stop())

const names = ({ text }: Page): string[] =>
  [...text.matchAll(/<th scope="row"[^>]*><a class="cell-link"[^>]*><bdi>([^<]*)/g)].map(([, name]) => name!)

const register = (name: string, settings: object = {}, of = account) =>
  server.make.register({ settings: { name, ...settings }, account: of })

const setDays = (key: number, days: { created: number; used?: number }) =>
  server
    .knex('clients')
    .where({ id: key })
    .update({
      created_at: server.knex.raw('now() - make_interval(days => ?)', [days.created]),
      last_used_on: days.used === undefined ? null : server.knex.raw('current_date - ?::int', [days.used]),
    })

describe('the list of applications is narrowed', () => {
  it('to those that were not used for 90 days, unused for longest first', async () => {
    const here = await server.make.account()
    const browser = await enter(server, await createTestUser(server.knex, here, 'admin'))
    const made = async (name: string, days: Parameters<typeof setDays>[1]) => {
      const one = await register(name, {}, here)
      await setDays(one.key, days)
      return one
    }
    await made('New', { created: 1 })
    await made('Never used', { created: 100 })
    await made('Used long ago', { created: 300, used: 200 })
    await made('Used lately', { created: 300, used: 10 })
    // The day has a precision of a week: the exact time of the secret decides.
    const exact = await made('Used 88 days ago', { created: 300, used: 92 })
    await server
      .knex('client_secrets')
      .where({ client_id: exact.key })
      .update({ last_used_at: server.knex.raw(`now() - interval '88 days'`) })
    const archived = await made('Archived', { created: 400 })
    await server.knex('clients').where({ id: archived.key }).update({ status: 'archived' })
    expect(names(await browser.visit('/applications?unused=90'))).toEqual(['Used long ago', 'Never used'])
    expect(names(await browser.visit('/applications?unused=365'))).toEqual([])
  })

  it('to those whose secret expires within 30 days, the first to expire first', async () => {
    const here = await server.make.account()
    const browser = await enter(server, await createTestUser(server.knex, here, 'admin'))
    const made = async (name: string, days: number, settings: object = {}) => {
      const secretExpiresAt = new Date(Date.now() + days * 86_400_000)
      const request = {
        accountId: here,
        settings: { ...DEFAULT_SETTINGS, name, grants: ['client_credentials'], ...settings },
      }
      return (await createClient(server.knex, { ...request, apis: [], scopes: null, secretExpiresAt }, ACTOR)).client
    }
    await register('Without expiry', {}, here)
    await made('Expires in 29 days', 29)
    await made('Expires in 3 days', 3, { apiKeyRequired: true })
    await made('Expires in 60 days', 60)
    const rotated = await made('Rotated', 5)
    await rotateSecret(server.knex, rotated.clientId, 3600, ACTOR)
    const archived = await made('Archived', 6)
    await server.knex('clients').where({ id: archived.key }).update({ status: 'archived' })
    const retired = await made('Without a secret', 7)
    await retireSecrets(server.knex, retired.key, 'secret')
    const page = await browser.visit('/applications?expiring=30')
    expect(names(page)).toEqual(['Expires in 3 days', 'Expires in 29 days'])
    expect(wordsOf(page)).toContain('Secret expires')
    expect(names(await browser.visit('/applications?expiring=90'))).toHaveLength(3)
    // Its secret works no longer: it does not expire soon.
    await server
      .knex('clients')
      .where({ name: 'Expires in 3 days' })
      .update({ secret_expires_at: server.knex.raw('now()') })
    expect(names(await browser.visit('/applications?expiring=30'))).toEqual(['Expires in 29 days'])
  })

  it('by grant type', async () => {
    await register('For devices', { grants: ['urn:ietf:params:oauth:grant-type:device_code'], isPublic: true })
    const query = new URLSearchParams({ grant: 'urn:ietf:params:oauth:grant-type:device_code' })
    expect(names(await asAdmin.visit(`/applications?${query}`))).toEqual(['For devices'])
  })

  it('to the key pair and the applications of a user, and for an operator to an account', async () => {
    const added = await register('Added by the admin')
    await server.knex('clients').where({ id: added.key }).update({ created_by: admin.id })
    await server.make.keyPair(admin.email)
    const query = new URLSearchParams({ owner: admin.email.toUpperCase() })
    expect(names(await asAdmin.visit(`/applications?${query}`)).toSorted()).toEqual(
      ['Added by the admin', expect.stringContaining(admin.email)].toSorted(),
    )
    const other = await server.make.account()
    await register('Of the other account', {}, other)
    expect(names(await asOperator.visit(`/applications?owner=${other}`))).toEqual(['Of the other account'])
    expect(names(await asAdmin.visit(`/applications?owner=${other}`))).toEqual([])
    expect((await asOperator.visit('/applications?owner=Nobody')).status).toBe(400)
  })

  it('by all filters with at most three statements', async () => {
    const query = new URLSearchParams({
      unused: '90',
      expiring: '30',
      grant: 'client_credentials',
      owner: admin.email,
      search: 'a',
    })
    expect((await statementsOf(asOperator, `/applications?${query}`)).length).toBeLessThanOrEqual(3)
  })

  it.each(['unused=1', 'unused=x', 'expiring=1', 'grant=password', 'kind=api'])('and refuses %s', async (query) => {
    expect((await asAdmin.visit(`/applications?${query}`)).status).toBe(400)
  })
})

describe('the day of the last use', () => {
  const dayOf = async (key: number) => (await server.knex('clients').where({ id: key }).first()).last_used_on

  it('is recorded with the first use, and again after a week', async () => {
    const one = await register('Used')
    await recordLastUses(server.knex, [one.key, one.key])
    const today = await dayOf(one.key)
    expect(today).not.toBeNull()
    await setDays(one.key, { created: 50, used: 7 })
    await recordLastUses(server.knex, [one.key])
    expect(await dayOf(one.key)).not.toEqual(today)
    await setDays(one.key, { created: 50, used: 8 })
    await recordLastUses(server.knex, [one.key])
    expect(await dayOf(one.key)).toEqual(today)
  })

  it('does not wait for a client that is being changed', async () => {
    const [busy, free] = [await register('Busy'), await register('Free')]
    await server.knex.transaction(async (trx) => {
      await trx('clients').where({ id: busy.key }).forUpdate().first()
      await recordLastUses(server.knex, [busy.key, free.key])
    })
    expect([await dayOf(busy.key), (await dayOf(free.key)) === null]).toEqual([null, false])
  })
})

describe('the CSV file', () => {
  it('has the clients that the filters match, and no formula of a spreadsheet', async () => {
    await register('=HYPERLINK("http://evil.example","x")')
    const { text, headers } = await asAdmin.visit('/applications/export?search=hyperlink')
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="applications-[\d-]{10}\.csv"$/)
    const [head, line, end] = text.split('\r\n')
    expect(head).toBe('Client ID,Type,Name,Status,Account ID,Account,Owner,Grant types,Last used,Added,Secret expires')
    expect(line).toContain(`,application,"'=HYPERLINK(""http://evil.example"",""x"")",active,${account},`)
    expect(end).toBe('')
  })

  it('has more clients than a page of the list, and those of the own account only', async () => {
    const here = await server.make.account()
    const browser = await enter(server, await createTestUser(server.knex, here, 'admin'))
    await server.knex.raw(
      `INSERT INTO clients (client_id, kind, account_id, name, grants)
       SELECT 'kwc_export' || n, 'application', ?, 'Exported ' || n, '{client_credentials}' FROM generate_series(1, 450) n`,
      [here],
    )
    const { text } = await browser.visit('/applications/export')
    expect(text.trim().split('\r\n')).toHaveLength(451)
    expect((await browser.visit('/applications/export?status=none')).status).toBe(400)
  })
})

describe('several applications are archived together', () => {
  const ARCHIVE = /\/applications\/archive$/
  const statusOf = async (clientId: string) =>
    (await server.knex('clients').where({ client_id: clientId }).first()).status
  const select = (...clients: { clientId: string }[]) =>
    Object.fromEntries(clients.map(({ clientId }) => [`client.${clientId}`, 'on']))

  it('after a page that says what that stops, each with an audit event', async () => {
    const [one, two, kept] = [await register('One'), await register('Two'), await register('Kept')]
    const token = (await server.machineToken(one)).body.access_token
    const list = await asAdmin.visit('/applications')
    expect(list.text).toContain(`form="selected" name="client.${one.clientId}"`)
    const asked = await sendForm(asAdmin, list, ARCHIVE, select(one, two))
    expect(wordsOf(asked)).toMatch(/Archive 2 applications\?.*One 1 active token.*Two no active tokens, no callers/)
    expect(await statusOf(one.clientId)).toBe('active')
    const done = await sendForm(asAdmin, asked, ARCHIVE)
    expect(wordsOf(done)).toContain('Applications archived.')
    expect([await statusOf(one.clientId), await statusOf(two.clientId), await statusOf(kept.clientId)]).toEqual([
      ...['archived', 'archived', 'active'],
    ])
    expect((await server.introspect(token, server.firstStart.api)).body.active).toBe(false)
    const events = server.knex('audit_log').where({ action: 'client.archived' })
    expect(await events.whereIn('target_id', [one.clientId, two.clientId]).pluck('actor_id')).toEqual([
      ...[admin.id, admin.id],
    ])
  })

  it('not without a selection, and none of them if one is not there', async () => {
    const [one, theirs] = [await register('Alone'), await server.make.client()]
    const pair = await server.make.keyPair((await server.make.user('admin', account)).email)
    const list = await asAdmin.visit('/applications')
    expect(wordsOf(await sendForm(asAdmin, list, ARCHIVE))).toContain('Select at least one application.')
    expect(filledForm(list, ARCHIVE).fields.has(`client.${pair.clientId}`)).toBe(false)
    for (const other of [theirs, pair, { clientId: 'kwc_nothing' }]) {
      for (const confirmed of [{}, { confirmed: 'on' }]) {
        const page = await sendForm(asAdmin, list, ARCHIVE, { ...select(one, other), ...confirmed })
        expect([other.clientId, page.status]).toEqual([other.clientId, 404])
      }
      expect(await statusOf(one.clientId)).toBe('active')
    }
    expect(await statusOf(theirs.clientId)).toBe('active')
  })

  it('up to a number for each request', async () => {
    const many = Array.from({ length: MAX_ARCHIVED + 1 }, (_, n) => ({ clientId: `kwc_${n}` }))
    const page = await sendForm(asAdmin, await asAdmin.visit('/applications'), ARCHIVE, select(...many))
    expect(page.status).toBe(400)
  })
})
