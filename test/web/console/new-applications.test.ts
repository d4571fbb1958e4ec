import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { APPLICATION_TYPES } from '../../../src/clients/application-types.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import type { Browser, Page } from '../../support/scriptless-browser.ts'
import { createTestUser } from '../../support/test-users.ts'
import { copyableOf } from './admin-session.ts'
import { createOperator, enter, wordsOf } from './console-visits.ts'
import { type Changes, filledForm, sendForm } from './filled-forms.ts'

const NEW = /\/applications\/new$/
const DAY = 86_400_000
const CALLBACK = 'https://app.example.com/callback'

let server: Keywright
let account: string
let asAdmin: Browser
let asOperator: Browser

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  asAdmin = await enter(server, await createTestUser(server.knex, account, 'admin'))
  asOperator = await enter(server, await createOperator(server.knex))
})
afterAll(() => server.stop())

/** The form for a type, reached from the list as a user reaches it. */
async function openForm(label: string, browser = asAdmin): Promise<Page> {
  const list = await browser.visit('/applications')
  const [, add] = /<a [^>]*href="([^"]*)"[^>]*>Add application</.exec(list.text)!
  const types = await browser.visit(add!)
  const [, form] = new RegExp(`<a href="([^"]*)"><strong>${label}<`).exec(types.text)!
  return await browser.visit(form!.replaceAll('&amp;', '&'))
}

const rowOf = async (name: string) => await server.knex('clients').where({ name }).first()

/** The labels of the fields that are visible before *Advanced* is opened. */
const asked = ({ text }: Page): string[] => {
  const shown = text
    .replace(/^[\s\S]*<form class="console-form"/, '')
    .replace(/<details class="form-section[\s\S]*/, '')
  const names = [...shown.matchAll(/<(?:input|textarea)[^>]* name="([^".]+)/g)].map(([, name]) => name!)
  return [...new Set(names)].filter((name) => !['csrf', 'type'].includes(name))
}

describe('a new application', () => {
  it.each(APPLICATION_TYPES)('of the type $value gets the settings of its type from a name', async (type) => {
    const { label, value, settings, redirectUris } = type
    const form = await openForm(label)
    expect(asked(form)).toEqual([
      ...['name', 'description'],
      ...(redirectUris ? ['redirectUris'] : []),
      ...['apis', 'narrowing', 'scopes'],
    ])
    // Not in each part of it.
    expect(wordsOf(form).match(/right values for most applications of this type/g)).toHaveLength(1)
    const name = `Added as ${value}`
    const page = await sendForm(asAdmin, form, NEW, { name, ...(redirectUris && { redirectUris: CALLBACK }) })
    expect(wordsOf(page)).toContain('added')
    expect(await rowOf(name)).toMatchObject({
      ...{ grants: settings.grants, is_public: settings.isPublic, pkce_required: true, refresh_token_rotation: true },
      redirect_uris: redirectUris ? [CALLBACK] : [],
    })
  })

  it('of the type service gets a token with the secret of the next page', async () => {
    const page = await sendForm(asAdmin, await openForm('Service'), NEW, { name: 'Quick' })
    const [clientId, clientSecret] = [copyableOf(page, 'Client ID'), copyableOf(page, 'Client secret')]
    expect((await server.machineToken({ clientId, clientSecret })).status).toBe(200)
  })

  it('has a client secret that expires as its form says, and none that outlives the limit of its account', async () => {
    const add = async (name: string, secretExpiresAt: string) =>
      await sendForm(asAdmin, await openForm('Service'), NEW, { name, secretExpiresAt })
    const daysOf = async (name: string) => {
      const { key } = await server.knex('clients').where({ name }).first('id as key')
      const { created_at, expires_at } = await server.knex('client_secrets').where({ client_id: key }).first()
      return expires_at && Math.round((expires_at - created_at) / DAY)
    }
    await add('For a month', '30')
    await add('Without expiry', '')
    expect([await daysOf('For a month'), await daysOf('Without expiry')]).toEqual([30, null])
    const limitTo = (seconds: number | null) =>
      server.knex('accounts').where({ id: account }).update({ max_secret_lifetime: seconds })
    await limitTo((60 * DAY) / 1000)
    const refused = await add('For a year', '365')
    await add('For the longest time', '')
    await limitTo(null)
    expect([refused.status, await rowOf('For a year')]).toEqual([400, undefined])
    expect(refused.text).toMatch(/id="field-secretExpiresAt-error"[^>]*>[^<]*60 days/)
    expect(refused.text).toMatch(/<details class="form-section card" open>/)
    expect(await daysOf('For the longest time')).toBe(60)
  })

  it('takes a setting of Advanced in place of the one of its type', async () => {
    const changes: Changes = { name: 'Web without refresh', redirectUris: CALLBACK, 'grants.refresh_token': undefined }
    await sendForm(asAdmin, await openForm('Web application'), NEW, changes)
    expect((await rowOf('Web without refresh')).grants).toEqual(['authorization_code'])
  })

  it('keeps its type and what was typed after an error, and opens Advanced where the error is', async () => {
    const form = await openForm('Single-page or mobile application')
    expect(form.text).toMatch(/<details class="form-section card">/)
    const changes = { name: 'Kept', redirectUris: '', accessTokenTtl: '31', 'accessTokenTtl.unit': 'days' }
    const page = await sendForm(asAdmin, form, NEW, changes)
    expect([page.status, /<details class="form-section card" open>/.test(page.text)]).toEqual([400, true])
    const { fields } = filledForm(page, NEW)
    expect([fields.get('type'), fields.get('name'), fields.get('isPublic')]).toEqual(['spa', 'Kept', 'public'])
    expect(page.text).toMatch(/id="field-redirectUris-error"[^>]*>[^<]*required/)
  })

  it('of an unknown type is refused, by link and by form', async () => {
    const link = await asAdmin.visit('/applications/new?type=toaster')
    const form = await sendForm(asAdmin, await openForm('Service'), NEW, { name: 'Toaster', type: 'toaster' })
    expect([link.status, form.status, await rowOf('Toaster')]).toEqual([400, 400, undefined])
  })

  it('stays in the account from whose page an operator added it', async () => {
    const types = await asOperator.visit(`/applications/new?account=${account}`)
    const [, href] = /<a href="([^"]*)"><strong>Service</.exec(types.text)!
    const form = await asOperator.visit(href!.replaceAll('&amp;', '&'))
    await sendForm(asOperator, form, NEW, { name: 'For the account' })
    expect((await rowOf('For the account')).account_id).toBe(account)
  })
})
