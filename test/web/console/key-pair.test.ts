/** Settings → API: what an admin sees of their key pair, and how they replace it. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { changeClientStatus } from '../../../src/management/client-status.ts'
import { ACTOR } from '../../support/factory.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { until } from '../../support/load.ts'
import { claimsOf } from '../../support/requests.ts'
import { formsOf, type Page } from '../../support/scriptless-browser.ts'
import { statementsDuring } from '../../support/statements.ts'
import { type Admin, commandsOf, copyableOf, openAdmin } from './admin-session.ts'
import { wordsOf } from './console-visits.ts'

const DEFAULT_API = 'https://api.keywright.example'
const GENERATE = '/settings/api/generate'

let server: Keywright
let admin: Admin
let further: string

beforeAll(async () => {
  server = await startKeywright()
  further = (await server.make.api({ scopes: ['read', 'write'] })).identifier
})
afterAll(() => server.stop())
beforeEach(async () => {
  admin = await openAdmin(server)
})

const chosen = (...apis: string[]) => Object.fromEntries(apis.map((api) => [`apis.${api}`, 'on']))
const replacesOf = (page: Page) => formsOf(page).find(({ action }) => action.endsWith(GENERATE))!.fields.replaces!

async function generate(...apis: string[]): Promise<Page> {
  const page = await admin.visit(GENERATE)
  return await admin.post(page, GENERATE, { replaces: replacesOf(page), ...chosen(...apis) })
}

const pairOf = (page: Page) => ({
  clientId: copyableOf(page, 'Client ID'),
  clientSecret: copyableOf(page, 'Client secret'),
})
const run = async (command: string) => JSON.parse((await promisify(execFile)('sh', ['-c', command])).stdout)
const isActive = async (token: string) => (await server.introspect(token, server.firstStart.api)).body.active
const boxesOf = ({ text }: Page) =>
  [...text.matchAll(/<input [^>]*name="apis\.([^"]+)"[^>]*>/g)].map(([box, api]) => [api, box.includes(' checked')])

describe('Settings → API', () => {
  it('says that there are no keys yet, and how to get some', async () => {
    const page = await admin.visit('/settings/api')
    expect(wordsOf(page)).toContain('No key pair yet')
    expect(page.text).toContain(`href="${GENERATE}"`)
    expect((await admin.visit('/settings/api/try')).status).toBe(404)
    expect((await admin.visit('/settings/api/revoke')).status).toBe(404)
  })

  it('tells id, last four, last use, active tokens, APIs and callers, and never the secret', async () => {
    const pair = pairOf(await generate(DEFAULT_API, further))
    expect((await server.machineToken(pair)).status).toBe(200)
    expect((await server.machineToken(pair, { resource: further })).status).toBe(200)
    await until(async () => (await admin.visit('/settings/api')).text.includes('127.0.0.1'))
    await until(async () => (await server.knex('client_callers').count('*').first())!.count !== '1')
    const page = await admin.visit('/settings/api')
    const words = wordsOf(page)
    expect(page.text).toContain(`data-copy="${pair.clientId}"`)
    expect(words).toContain(`Ends in ${pair.clientSecret.slice(-4)}`)
    expect(words).toContain('from 127.0.0.1, for https://')
    expect(words).toContain('read write')
    expect(words).toContain(further)
    // The default API has the policy `single`, but a token of another API stays.
    expect(words).toContain('2 active tokens')
    expect(page.text).not.toContain(pair.clientSecret)
  })

  it('says when the API is switched off for the account, and makes no keys then', async () => {
    const account = await server.make.account()
    admin = await openAdmin(server, account)
    await server.knex('accounts').where({ id: account }).update({ api_enabled: false })
    for (const path of ['/', '/settings/api', GENERATE]) {
      expect(wordsOf(await admin.visit(path)), path).toContain('The API is disabled for this account')
    }
    const page = await generate(DEFAULT_API)
    expect([page.status, wordsOf(page)]).toEqual([400, expect.stringContaining('is switched off')])
    expect(await server.knex('clients').where({ account_id: account })).toEqual([])
  })

  it('revokes every token of the keys, which work on', async () => {
    const pair = pairOf(await generate(DEFAULT_API))
    const { access_token } = (await server.machineToken(pair)).body
    const ask = await admin.visit('/settings/api/revoke')
    expect(wordsOf(ask)).toContain('revoke 1 active token of')
    expect(await isActive(access_token)).toBe(true)
    const done = await admin.submit(ask, /revoke$/)
    expect(wordsOf(done)).toContain('All tokens are revoked.')
    expect(await isActive(access_token)).toBe(false)
    expect((await server.machineToken(pair)).status).toBe(200)
  })
})

describe('Generate new keys', () => {
  it('says first what it will stop, in figures, and chooses the present APIs', async () => {
    const pair = pairOf(await generate(further))
    await server.machineToken(pair)
    await server.machineToken(pair)
    await until(async () => wordsOf(await admin.visit(GENERATE)).includes('block 1 IP address'))
    const page = await admin.visit(GENERATE)
    const words = wordsOf(page)
    expect(words).toContain(
      `revoke the client ID ${pair.clientId} and its client secret that ends in ${pair.clientSecret.slice(-4)}`,
    )
    expect(words).toContain('revoke 2 active tokens')
    expect(words).toContain('127.0.0.1')
    expect(boxesOf(page).slice(0, 2)).toEqual([
      [further, true],
      [DEFAULT_API, false],
    ])
    expect((await server.machineToken(pair)).status).toBe(200)
  })

  it('offers the default API to a user without keys, and says that the management API manages the account', async () => {
    const page = await admin.visit(GENERATE)
    expect(boxesOf(page).filter(([, checked]) => checked)).toEqual([[DEFAULT_API, true]])
    if (boxesOf(page).some(([api]) => api === 'urn:keywright:management')) {
      expect(wordsOf(page)).toContain('can manage this account')
    }
  })

  it('gives keys for what was chosen, the first of it by default, and ends the former ones with their tokens', async () => {
    const former = pairOf(await generate(DEFAULT_API))
    const { access_token } = (await server.machineToken(former)).body
    const page = await generate(further)
    expect(page.status).toBe(200)
    expect(wordsOf(page)).toContain('Your previous keys and 1 active token are revoked.')
    expect((await server.machineToken(former)).status).toBe(401)
    expect(await isActive(access_token)).toBe(false)
    const { body } = await server.machineToken(pairOf(page))
    expect(claimsOf(body.access_token)).toMatchObject({ aud: further, scope: 'read write' })
    const foreign = await server.machineToken(pairOf(page), { resource: DEFAULT_API })
    expect(foreign.body.error).toBe('invalid_target')
  })

  it('keeps a narrowing as it is where the same APIs stay chosen', async () => {
    const pair = await server.make.keyPair(admin.person.id, [DEFAULT_API, further])
    await server
      .knex('client_apis')
      .where({ client_id: pair.key, position: 1 })
      .update({ scopes: ['read'] })
    const page = await generate(DEFAULT_API, further)
    const scopeFor = async (resource: string) => (await server.machineToken(pairOf(page), { resource })).body.scope
    expect([await scopeFor(DEFAULT_API), await scopeFor(further)]).toEqual(['all', 'read'])
  })

  it('refuses to make keys for nothing, and keeps the present ones', async () => {
    const pair = pairOf(await generate(DEFAULT_API))
    const page = await generate()
    expect([page.status, wordsOf(page)]).toEqual([400, expect.stringContaining('Choose at least one API')])
    expect((await server.machineToken(pair)).status).toBe(200)
  })

  it('kept from a second press by a reload or another tab: the keys that were just shown live on', async () => {
    await generate(DEFAULT_API)
    const page = await admin.visit(GENERATE)
    const form = { replaces: replacesOf(page), ...chosen(DEFAULT_API) }
    const shown = pairOf(await admin.post(page, GENERATE, form))
    const again = await admin.post(page, GENERATE, form)
    expect(again.status).toBe(412)
    const words = wordsOf(again)
    expect(words).toContain('Your keys have changed')
    expect(again.text).toContain(`data-copy="${form.replaces}"`)
    expect(again.text).toContain(`data-copy="${shown.clientId}"`)
    expect(words).toContain(`Ends in ${shown.clientSecret.slice(-4)}`)
    expect(words).toContain('just now')
    expect((await server.machineToken(shown)).status).toBe(200)
  })

  it('of two first presses at once lets one make keys', async () => {
    const page = await admin.visit(GENERATE)
    const press = () => admin.post(page, GENERATE, { replaces: '', ...chosen(DEFAULT_API) })
    const answers = await Promise.all([press(), press(), press()])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412])
    const shown = answers.find(({ status }) => status === 200)!
    expect((await server.machineToken(pairOf(shown))).status).toBe(200)
  })

  it('answers with what no cache keeps, and what no page shows again', async () => {
    const page = await generate(DEFAULT_API)
    expect(page.headers.get('cache-control')).toBe('no-store')
    const { clientSecret } = pairOf(page)
    for (const path of ['/', '/settings/api', GENERATE, '/settings/api/try']) {
      expect((await admin.visit(path)).text).not.toContain(clientSecret)
    }
    expect(JSON.stringify(server.logLines())).not.toContain(clientSecret)
  })

  it('shows commands that work as they stand, in every shape that the client may use', async () => {
    const first = pairOf(await generate(DEFAULT_API, further))
    const allowed = { query_credentials: true, client_credentials_refresh: true, api_key_required: true }
    await server.knex('clients').where({ client_id: first.clientId }).update(allowed).increment('version')
    const page = await generate(DEFAULT_API, further)
    const commands = commandsOf(page)
    expect(commands).toHaveLength(5)
    for (const command of commands) {
      const answer = await run(command)
      expect([command, answer]).toEqual([command, expect.objectContaining({ token_type: 'Bearer' })])
      expect((await isActive(answer.access_token)) || claimsOf(answer.access_token).aud === further).toBe(true)
      expect(command).toContain(`x-api-key: ${copyableOf(page, 'API key')}`)
    }
    expect(claimsOf((await run(commands[2]!)).access_token).aud).toBe(further)
    expect((await run(commands[4]!)).refresh_token).toMatch(/^kwr_/)
  })

  it('shows only the plain commands where nothing more is allowed', async () => {
    const commands = commandsOf(await generate(DEFAULT_API))
    expect(commands).toHaveLength(2)
    expect(commands.join()).not.toContain('x-api-key')
  })

  it.each([
    ['no keys that it replaces', {}, 400],
    ['a client ID of 10,000 characters', { replaces: 'x'.repeat(10_000) }, 412],
    ['script for a client ID', { replaces: '"><script>alert(1)</script>' }, 412],
    ['an API that is not offered', { replaces: '', 'apis.https://nobody.example': 'on' }, 400],
    ['a NUL character', { replaces: 'a\0b' }, 400],
  ])('refuses %s', async (_, fields, status) => {
    const page = await admin.visit(GENERATE)
    const form = status === 412 ? { ...chosen(DEFAULT_API), ...fields } : fields
    const answer = await admin.post(page, GENERATE, form as Record<string, string>)
    expect(answer.status).toBe(status)
    expect(answer.text).not.toContain('<script>alert')
    expect(await server.knex('clients').where({ user_id: admin.person.id })).toEqual([])
  })

  it("never touches a colleague's keys", async () => {
    const colleague = await openAdmin(server)
    const theirs = await server.make.keyPair(colleague.person.id)
    const page = await admin.visit(GENERATE)
    const stolen = await admin.post(page, GENERATE, { replaces: theirs.clientId, ...chosen(DEFAULT_API) })
    expect(stolen.status).toBe(412)
    expect(wordsOf(stolen)).not.toContain(theirs.clientSecret.slice(-4))
    expect((await server.machineToken(theirs)).status).toBe(200)
  })

  it('brings archived keys no new life, but replaces them', async () => {
    const former = pairOf(await generate(DEFAULT_API))
    await changeClientStatus(server.knex, former.clientId, 'archived', ACTOR)
    expect((await server.machineToken(former)).status).toBe(401)
    expect((await server.machineToken(pairOf(await generate(DEFAULT_API)))).status).toBe(200)
  })
})

it('is for the admins of an account: members and operators get an error', async () => {
  for (const change of [{ role: 'member' }, { role: 'operator', account_id: null }]) {
    const other = await openAdmin(server)
    await server.knex('users').where({ id: other.person.id }).update(change)
    for (const path of ['/settings/api', GENERATE, '/settings/api/try', '/settings/api/revoke']) {
      expect([path, (await other.visit(path)).status]).toEqual([path, 403])
    }
  }
})

/** What jobs ask meanwhile is counted too. A page reads the session at least: no statement means that none is heard. */
async function statementsOf(path: string): Promise<number> {
  const asked = await statementsDuring(async () => expect((await admin.visit(path)).status).toBe(200))
  expect(asked).not.toEqual([])
  return asked.length
}

it.each(['/', '/settings/api', GENERATE, '/settings/api/try', '/settings/api/revoke'])(
  'draws %s in at most three statements',
  async (path) => {
    await generate(DEFAULT_API)
    // What jobs ask meanwhile is counted too, and is not the page's.
    await until(async () => (await statementsOf(path)) <= 3)
  },
)
