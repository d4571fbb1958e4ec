import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ActiveGrant, listGrants } from '../../../src/management/token-operations.ts'
import { createEncryptionKeys } from '../../../src/shared/encryption-keys.ts'
import { ACTOR } from '../../support/factory.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { until } from '../../support/load.ts'
import type { Credentials } from '../../support/requests.ts'
import type { Browser, Page } from '../../support/scriptless-browser.ts'
import { openSignedInBrowser, redemptionOf } from '../../support/signed-in-browsers.ts'
import { statementsDuring } from '../../support/statements.ts'
import { createTestUser, type Person } from '../../support/test-users.ts'
import { createOperator, enter, wordsOf } from './console-visits.ts'
import { sendForm } from './filled-forms.ts'

let server: Keywright
let account: string
let api: { identifier: string; clientId: string; clientSecret: string }
let asAdmin: Browser
let asOperator: Browser
let people: Person[]
let forUsers: Required<Credentials>
let robot: Required<Credentials>

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  api = await server.make.api()
  asAdmin = await enter(server, await createTestUser(server.knex, account, 'admin'))
  asOperator = await enter(server, await createOperator(server.knex))
  people = [await createTestUser(server.knex, account), await createTestUser(server.knex, account)]
  forUsers = await server.make.application([api.identifier], { name: 'Calendar Sync' }, account)
  robot = await server.make.register({ settings: { name: 'Nightly Export' }, apis: [api.identifier], account })
})
afterAll(() => server.stop())

const names = ({ text }: Page): string[] =>
  [...text.matchAll(/<th scope="row"[^>]*><a class="cell-link"[^>]*><bdi>([^<]*)/g)].map(([, name]) => name!)

const ids = ({ text }: Page): string[] =>
  [...text.matchAll(/<th scope="row"[^>]*>\s*<span class="copyable"><code[^>]*>(?:<bdi>)?([^<]*)/g)].map(
    ([, id]) => id!,
  )

const nextOf = ({ text }: Page): string | undefined =>
  /<a class="secondary" href="([^"]*)" rel="next"/.exec(text)?.[1]?.replaceAll('&amp;', '&')

describe('the list of applications', () => {
  it('says for whom each acts, whether it works and when it was last used', async () => {
    await server.machineToken(robot)
    await until(async () =>
      /Nightly Export Application for itself kwc_\w+ Active (just now|1 minute ago)/.test(
        wordsOf(await asAdmin.visit('/applications')),
      ),
    )
    expect(wordsOf(await asAdmin.visit('/applications'))).toMatch(
      /Calendar Sync Application for users kwc_\w+ Active never/,
    )
  })

  it('is searched by beginnings of words, by client ID and by status', async () => {
    const archived = await server.make.register({ settings: { name: 'Former Export' }, account })
    await server.knex('clients').where({ client_id: archived.clientId }).update({ status: 'archived' })
    expect(names(await asAdmin.visit('/applications?search=expo'))).toEqual(['Former Export', 'Nightly Export'])
    expect(names(await asAdmin.visit('/applications?search=expo&status=active'))).toEqual(['Nightly Export'])
    expect(names(await asAdmin.visit('/applications?status=archived'))).toEqual(['Former Export'])
    expect(names(await asAdmin.visit(`/applications?search=+${robot.clientId}+`))).toEqual(['Nightly Export'])
    const none = await asAdmin.visit('/applications?search=nothing')
    expect(wordsOf(none)).toContain('No results')
  })

  it('is paged, each application once', async () => {
    const owner = await server.make.account()
    const browser = await enter(server, await createTestUser(server.knex, owner, 'admin'))
    expect(wordsOf(await browser.visit('/applications'))).toContain('No applications yet')
    for (let n = 0; n < 51; n++) await server.make.register({ settings: { name: `Robot ${n}` }, account: owner })
    const first = await browser.visit('/applications?search=robot')
    const second = await browser.visit(nextOf(first)!)
    expect([names(first).length, names(second)]).toEqual([50, ['Robot 0']])
    expect(nextOf(second)).toBeUndefined()
    expect(names(await asAdmin.visit('/applications'))).not.toContain('Robot 0')
  })

  it("shows operators every account's, and one account's where that is asked for", async () => {
    const theirs = await server.make.client({ name: 'Elsewhere' })
    expect(names(await asOperator.visit('/applications'))).toEqual(expect.arrayContaining(['Elsewhere', 'Robot 50']))
    const narrowed = await asOperator.visit(`/applications?account=${account}`)
    expect(names(narrowed)).toContain('Nightly Export')
    expect(names(narrowed)).not.toContain('Elsewhere')
    const { name } = await server.knex('accounts').where({ id: account }).first()
    expect(wordsOf(narrowed)).toContain(name)
    expect((await asAdmin.visit(`/applications?search=${theirs.clientId}`)).text).not.toContain('Elsewhere')
  })

  it.each([
    ['what is no place', 'after=x'],
    ["another list's place", 'after=WyJ4Il0'],
    ['a place beyond all numbers', 'after=WzFlMzBd'],
    ['a place that is nothing', 'after=W251bGxd'],
    ['an unknown status', 'status=replaced'],
    ['an account that is no id', 'account=x'],
    ['a search of 10,000 characters', `search=${'x'.repeat(10_000)}`],
    ['two searches', 'search=a&search=b'],
    ['a NUL', 'search=%00'],
  ])('refuses %s', async (_, query) => {
    for (const list of ['', `/${robot.clientId}/tokens`, `/${robot.clientId}/grants`]) {
      const status = (await asOperator.visit(`/applications${list}?${query}`)).status
      // What a list does not know is not looked at.
      if (list === '' || !/^(status|account)/.test(query)) expect([list, status]).toEqual([list, 400])
    }
  })
})

const isActive = async (token: string) => (await server.introspect(token, api)).body.active

async function tokensOf(person: Person) {
  const visitor = await openSignedInBrowser(server, person)
  return (await server.token(redemptionOf(await visitor.code(forUsers)), { basic: forUsers })).body
}

describe('tokens and grants', () => {
  const at = (rest: string) => `/applications/${forUsers.clientId}${rest}`
  const jtiOf = (token: string): string => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).jti

  it('are listed with whom they are for, and searched by person or id', async () => {
    const [ada, bob] = [await tokensOf(people[0]!), await tokensOf(people[1]!)]
    const list = await asAdmin.visit(at('/tokens'))
    expect(ids(list)).toEqual([jtiOf(bob.access_token), jtiOf(ada.access_token)])
    expect(wordsOf(list)).toContain(people[0]!.email)
    expect(list.text).not.toContain(ada.access_token)
    await server.knex('users').where({ id: people[0]!.id }).update({ name: 'Ada Lovelace' })
    for (const search of ['lovel', people[0]!.id, jtiOf(ada.access_token)]) {
      expect([search, ids(await asAdmin.visit(at(`/tokens?search=${search}`)))]).toEqual([
        search,
        [jtiOf(ada.access_token)],
      ])
    }
    const grants = await asAdmin.visit(at('/grants'))
    expect(wordsOf(grants)).toContain(people[1]!.email)
    const newestFirst = server.knex('active_refresh_tokens').where({ client_identifier: forUsers.clientId })
    expect(ids(grants)).toEqual(await newestFirst.orderBy('created_at', 'desc').pluck('grant_id'))
    expect(wordsOf(await asAdmin.visit(at('')))).toContain('Active tokens 2 access tokens Grants 2 refresh tokens')
  })

  it('one token is revoked, and what it was refreshed from is not', async () => {
    const { access_token: token, refresh_token: refresh } = await tokensOf(people[0]!)
    const asked = await asAdmin.visit(at(`/tokens/${jtiOf(token)}/revoke`))
    expect(wordsOf(asked)).toContain(`For ${people[0]!.email}`)
    expect(await isActive(token)).toBe(true)
    const done = await sendForm(asAdmin, asked, /\/revoke$/)
    expect(wordsOf(done)).toContain('Token revoked.')
    expect(ids(done)).not.toContain(jtiOf(token))
    expect(await isActive(token)).toBe(false)
    const renewed = await server.token({ grant_type: 'refresh_token', refresh_token: refresh }, { basic: forUsers })
    expect(renewed.status).toBe(200)
    expect((await asAdmin.visit(at(`/tokens/${jtiOf(token)}/revoke`))).status).toBe(404)
    expect((await sendForm(asAdmin, asked, /\/revoke$/)).status).toBe(404)
  })

  it('one grant is revoked with every token that came of it', async () => {
    const { access_token: token, refresh_token: refresh } = await tokensOf(people[1]!)
    const [grant] = ids(await asAdmin.visit(at(`/grants?search=${people[1]!.id}`)))
    const done = await sendForm(asAdmin, await asAdmin.visit(at(`/grants/${grant}/revoke`)), /\/revoke$/)
    expect(wordsOf(done)).toContain('Grant revoked.')
    expect(await isActive(token)).toBe(false)
    const renewed = await server.token({ grant_type: 'refresh_token', refresh_token: refresh }, { basic: forUsers })
    expect(renewed.body.error).toBe('invalid_grant')
  })

  it('all are revoked at once, and the application goes on', async () => {
    const { access_token: token } = await tokensOf(people[0]!)
    const asked = await asAdmin.visit(at('/revoke'))
    expect(wordsOf(asked)).toMatch(/revoke \d+ access tokens? and \d+ refresh tokens? immediately/)
    expect(wordsOf(await sendForm(asAdmin, asked, /\/revoke$/))).toContain('All tokens are revoked.')
    expect(await isActive(token)).toBe(false)
    expect(wordsOf(await asAdmin.visit(at('/tokens')))).toContain('No active tokens')
    expect(await isActive((await tokensOf(people[0]!)).access_token)).toBe(true)
  })

  it('are paged', async () => {
    for (let n = 0; n < 51; n++) await server.machineToken(robot)
    const first = await asAdmin.visit(`/applications/${robot.clientId}/tokens`)
    const second = await asAdmin.visit(nextOf(first)!)
    expect(new Set([...ids(first), ...ids(second)]).size).toBe(ids(first).length + ids(second).length)
    expect(ids(first).length).toBe(50)
  })
})

it('grants are paged in the order in which they began, whatever their ids', async () => {
  for (let n = 0; n < 4; n++) await tokensOf(people[n % 2]!)
  const who = { role: 'operator', accountId: null, userId: null, scopes: null, signedInAt: null, actor: ACTOR } as const
  const seen: ActiveGrant[] = []
  let after: string | null | undefined
  do {
    const request = { clientId: forUsers.clientId, limit: 1, ...(after && { after }) }
    const part = await listGrants({ knex: server.knex, encryptionKeys: createEncryptionKeys([]) }, who, request)
    seen.push(...part.items)
    after = part.next
  } while (after)
  const whole = await listGrants({ knex: server.knex, encryptionKeys: createEncryptionKeys([]) }, who, {
    clientId: forUsers.clientId,
  })
  expect(seen.length).toBeGreaterThanOrEqual(4)
  expect(seen).toEqual(whole.items)
})

/** What jobs ask meanwhile is counted too. A page reads the session at least: no statement means that none is heard. */
async function statementsOf(path: string): Promise<number> {
  const asked = await statementsDuring(async () => expect((await asAdmin.visit(path)).status).toBe(200))
  expect(asked).not.toEqual([])
  return asked.length
}

it('each page is drawn in at most three statements', async () => {
  await server.machineToken(robot)
  const token = await server.knex('active_access_tokens').where({ client_id: robot.clientId }).first('jti')
  const rest = [
    '',
    '/edit',
    '/key',
    '/archive',
    '/restore',
    '/tokens',
    '/grants',
    '/revoke',
    '/try',
    `/tokens/${token.jti}/revoke`,
  ]
  for (const path of [
    '/applications',
    '/applications/new',
    ...rest.map((one) => `/applications/${robot.clientId}${one}`),
  ]) {
    // What jobs ask meanwhile is counted too, and is not the page's.
    await until(async () => (await statementsOf(path)) <= 3)
  }
})
