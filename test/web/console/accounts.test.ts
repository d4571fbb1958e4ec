import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { type Browser, formsOf, type Page } from '../../support/scriptless-browser.ts'
import { createTestUser } from '../../support/test-users.ts'
import { createOperator, enter, statementsOf, wordsOf } from './console-visits.ts'

let server: Keywright
let asOperator: Browser

beforeAll(async () => {
  server = await startKeywright()
  asOperator = await enter(server, await createOperator(server.knex))
})
afterAll(() => server.stop())

const add = async (name: string): Promise<Page> =>
  await asOperator.submit(await asOperator.visit('/accounts/new'), /accounts\/new$/, { name })

const idIn = ({ url }: Page): string => /accounts\/([0-9a-f-]{36})/.exec(url)![1]!

/** An account with a key pair, a token of it, and an admin who has signed in. */
async function furnished() {
  const account = await server.make.account()
  const admin = await createTestUser(server.knex, account, 'admin')
  const api = await server.make.api()
  const pair = await server.make.keyPair(admin.id, [api.identifier])
  const ask = () =>
    server.token({ grant_type: 'client_credentials', client_id: pair.clientId, client_secret: pair.clientSecret })
  const { access_token: token } = (await ask()).body
  const isActive = async () => (await server.introspect(token, api)).body.active
  return { account, admin, ask, isActive, asAdmin: await enter(server, admin) }
}

describe('an account', () => {
  it('is added, and leads to inviting its first admin', async () => {
    const page = await add('  Acme <b>Ltd</b> ')
    expect(wordsOf(page)).toContain('Account added. Now invite its first admin.')
    expect(wordsOf(page)).toContain('This account has no admin')
    const form = await asOperator.visit(/href="(\/users\/invite[^"]*)"/.exec(page.text)![1]!.replaceAll('&amp;', '&'))
    expect(formsOf(form).find(({ action }) => action.endsWith('/invite'))!.fields.accountId).toBe(idIn(page))
    const invited = await asOperator.submit(form, /invite$/, { email: 'first@acme.example', role: 'admin' })
    expect(wordsOf(invited)).toContain('You have been invited to Acme <b>Ltd</b>.')
    expect(wordsOf(await asOperator.visit(`/accounts/${idIn(page)}`))).toContain('1 user 1 active admin')
  })

  it('needs a name, and says so at the field', async () => {
    for (const name of ['', ' ', 'x'.repeat(10_000), 'a\u0007b']) {
      const page = await add(name)
      expect([page.status, /id="field-name-error"/.test(page.text)]).toEqual([400, true])
    }
    expect((await add('a\u0000b')).status).toBe(400)
  })

  it('is renamed by one of two at once; the other sees both names', async () => {
    const id = idIn(await add('Before'))
    const path = `/accounts/${id}/edit`
    const [first, second] = [await asOperator.visit(path), await asOperator.visit(path)]
    expect(wordsOf(await asOperator.submit(first, /edit$/, { name: 'Theirs' }))).toContain('Changes saved.')
    const late = await asOperator.submit(second, /edit$/, { name: 'Mine' })
    expect(late.status).toBe(412)
    expect(wordsOf(late)).toMatch(/Name Theirs Mine/)
    await asOperator.submit(late, /edit$/)
    expect(await server.knex('accounts').where({ id }).first('name')).toEqual({ name: 'Mine' })
  })

  it('says what switching it off stops, and stops that at once', async () => {
    const { account, asAdmin, ask, isActive } = await furnished()
    const asking = await asOperator.visit(`/accounts/${account}/status`)
    expect(wordsOf(asking)).toMatch(/sign out 1 user.* disable 1 key pair revoke 1 active token/)
    expect(await isActive()).toBe(true)
    await asOperator.submit(asking, /status$/)
    expect(await isActive()).toBe(false)
    expect((await ask()).status).toBe(401)
    expect((await asAdmin.visit('/users')).url).toContain('/signin')
    await asOperator.submit(await asOperator.visit(`/accounts/${account}/status`), /status$/)
    expect([await isActive(), (await ask()).status]).toEqual([false, 200])
  })

  it('keeps its people signed in when only its API is switched off', async () => {
    const { account, asAdmin, ask, isActive } = await furnished()
    const asking = await asOperator.visit(`/accounts/${account}/api`)
    expect(wordsOf(asking)).toContain('disable 1 key pair')
    expect(wordsOf(await asOperator.submit(asking, /api$/))).toContain('API disabled')
    expect(await isActive()).toBe(false)
    expect((await ask()).status).toBe(401)
    expect((await asAdmin.visit('/users')).status).toBe(200)
    await asOperator.submit(await asOperator.visit(`/accounts/${account}/api`), /api$/)
    expect((await ask()).status).toBe(200)
  })
})

describe('the list', () => {
  it('is searched by name and id, filtered, and counts what each has', async () => {
    const { account } = await furnished()
    await server.knex('accounts').where({ id: account }).update({ name: 'Needle Industries' })
    await server.make.application([], {}, account)
    for (const search of ['needle', 'ind need', account]) {
      expect(wordsOf(await asOperator.visit(`/accounts?search=${search}`))).toContain('Needle Industries Active 1 1 ')
    }
    expect(wordsOf(await asOperator.visit('/accounts?search=needle&status=disabled'))).toContain('No results')
  })

  it('goes on where the part before ended, also among equal names', async () => {
    const same = Array.from({ length: 101 }, () => ({ id: crypto.randomUUID(), name: 'Same same' }))
    await server.knex('accounts').insert(same)
    const seen = new Set<string>()
    let path: string | undefined = '/accounts?search=same'
    let parts = 0
    for (; path; parts++) {
      const page: Page = await asOperator.visit(path)
      for (const [, id] of page.text.matchAll(/href="\/accounts\/([0-9a-f-]{36})"/g)) seen.add(id!)
      path = /href="([^"]*)" rel="next"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&')
    }
    expect([seen.size, parts]).toEqual([101, 3])
  })
})

describe('each page', () => {
  it('asks the database three times at most', async () => {
    const { account } = await furnished()
    const steps = ['', '/edit', '/status', '/api'].map((step) => `/accounts/${account}${step}`)
    for (const path of ['/accounts', '/accounts?search=acme', '/accounts/new', ...steps]) {
      const asked = await statementsOf(asOperator, path)
      expect(asked.length, `${path}: ${asked.join('\n')}`).toBeLessThanOrEqual(3)
    }
  })
})

describe('bad input', () => {
  it('finds no account, whatever is asked for', async () => {
    const { csrf } = formsOf(await asOperator.visit('/accounts/new')).find(({ fields }) => fields.csrf)!.fields
    for (const id of [crypto.randomUUID(), 'nobody', 'x'.repeat(10_000)]) {
      expect((await asOperator.visit(`/accounts/${id}`)).status).toBe(404)
      for (const step of ['edit', 'status', 'api']) {
        expect((await asOperator.visit(`/accounts/${id}/${step}`)).status).toBe(404)
        const fields = { csrf: csrf!, name: 'New', revision: '1', status: 'disabled', api: 'off' }
        const init = { method: 'POST', body: new URLSearchParams(fields), headers: { origin: server.url } }
        expect((await asOperator.visit(`/accounts/${id}/${step}`, init)).status).toBe(404)
      }
    }
  })

  it('returns an error page', async () => {
    const { account, asAdmin } = await furnished()
    for (const query of ['status=gone', 'after=x', `after=${btoa('["a","b"]')}`, `search=${'x'.repeat(300)}`]) {
      expect((await asOperator.visit(`/accounts?${query}`)).status).toBe(400)
    }
    for (const [step, fields] of [
      ['status', { status: 'gone' }],
      ['api', { api: 'maybe' }],
      ['edit', { revision: 'first' }],
    ] as const) {
      const page = await asOperator.visit(`/accounts/${account}/${step}`)
      expect((await asOperator.submit(page, new RegExp(`${step}$`), fields)).status).toBe(400)
    }
    for (const path of ['/accounts', `/accounts/${account}`]) expect((await asAdmin.visit(path)).status).toBe(403)
  })
})
