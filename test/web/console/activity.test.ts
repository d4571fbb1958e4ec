import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recordAudit } from '../../../src/audit/audit-log.ts'
import { OPERATOR_ACTION_KINDS } from '../../../src/web/console/activity/action-kinds.ts'
import { KNOWN_ACTIONS } from '../../../src/web/console/activity/activity-texts.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { until } from '../../support/load.ts'
import type { Browser, Page } from '../../support/scriptless-browser.ts'
import { hearStatements } from '../../support/statements.ts'
import { createTestUser, type Person } from '../../support/test-users.ts'
import { createOperator, enter, statementsOf, wordsOf } from './console-visits.ts'

let server: Keywright
let account: string
let elsewhere: string
let ada: Person
let stranger: Person
let asAda: Browser
let asOperator: Browser

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  elsewhere = await server.make.account()
  ada = await createTestUser(server.knex, account, 'admin')
  stranger = await createTestUser(server.knex, elsewhere, 'admin')
  asAda = await enter(server, ada)
  asOperator = await enter(server, await createOperator(server.knex))
})
afterAll(() => server.stop())

interface Entry {
  action: string
  by?: string
  on?: string
  accountId?: string
  ip?: string
  detail?: Record<string, unknown>
}

const record = ({ action, by = ada.id, on = ada.id, accountId = account, ip = '203.0.113.7', detail = {} }: Entry) =>
  recordAudit(
    server.knex,
    { type: 'user', id: by, ip, requestId: 'request-1' },
    { action, target: { type: 'user', id: on }, accountId, detail },
  )

const linesOf = ({ text }: Page): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

describe('what happened', () => {
  it('is a sentence whose names link to their pages', async () => {
    const mary = await createTestUser(server.knex, account)
    await record({
      action: 'user.role_changed',
      on: mary.id,
      detail: { changes: { role: { from: 'member', to: 'admin' } } },
    })
    const page = await asAda.visit(`/activity?target=${mary.id}`)
    expect(wordsOf(page)).toContain(`${ada.email} made ${mary.email} an admin Details`)
    expect(page.text).toContain(`href="/users/${mary.id}"`)
    expect(page.text).toContain(`href="/users/${ada.id}"`)
    expect(wordsOf(page)).toContain('203.0.113.7')
  })

  it('has its own text when the actor is the target', async () => {
    await server.make.keyPair(ada.id, [(await server.make.api()).identifier])
    await server.knex('audit_log').where({ action: 'key_pair.generated', account_id: account }).update({
      actor_type: 'user',
      actor_id: ada.id,
    })
    const page = await asAda.visit('/activity?kind=key_pair.')
    expect(wordsOf(page)).toContain(`${ada.email} generated new keys Details`)
  })

  it('is shown by its own name where it has no words, and runs no script', async () => {
    await record({ action: 'user.something_new', on: '<script>alert(1)</script>', detail: { '<b>': '<i>x</i>' } })
    const page = await asAda.visit('/activity?kind=user.something_new')
    expect(wordsOf(page)).toContain('user.something_new <script>alert(1)</script>')
    expect(page.text).not.toMatch(/<script>|<i>/)
  })

  it('by an operator says *Operator* to an admin, and who it was to operators', async () => {
    const operator = await createOperator(server.knex)
    await record({ action: 'user.enabled', by: operator.id })
    const page = await asAda.visit('/activity?kind=user.enabled')
    expect(wordsOf(page)).toContain(`Operator enabled ${ada.email}`)
    expect(page.text).not.toContain(operator.email)
    expect(page.text).not.toContain(operator.id)
    expect(wordsOf(await asOperator.visit(`/activity?by=${operator.email}`))).toContain(`${operator.email} enabled`)
  })

  it('has words for every act that the sources record', () => {
    const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((file) => /^(accounts|apis|clients|consents|keys|management|refresh|tokens)\/.*\.ts$/.test(file))
      .map((file) => readFileSync(`src/${file}`, 'utf8'))
      .join('\n')
    const kinds = OPERATOR_ACTION_KINDS.map(({ value }) => value.split('.')[0])
    const acts = [...sources.matchAll(/'([a-z_]+)\.([a-z_]+)'/g)].filter(
      ([, noun, verb]) => kinds.includes(noun!) && /ed$|_in$|_reset$|given$|withdrawn$/.test(verb!),
    )
    const unknown = acts.map(([, noun, verb]) => `${noun}.${verb}`).filter((act) => !KNOWN_ACTIONS.has(act))
    expect(acts.length).toBeGreaterThan(25)
    expect(unknown).toEqual([])
  })
})

describe('filters', () => {
  it('narrow by kind, person, target, address and days, each and together', async () => {
    const mary = await createTestUser(server.knex, account)
    await record({ action: 'user.disabled', by: mary.id, ip: '198.51.100.9' })
    await record({ action: 'user.enabled', by: mary.id, on: mary.id })
    await server
      .knex('audit_log')
      .where({ actor_id: mary.id, action: 'user.disabled' })
      .update({ at: '2020-02-29T23:59:59.999999Z' })
    const count = async (query: string): Promise<number> =>
      [...(await asAda.visit(`/activity?by=${mary.id}&${query}`)).text.matchAll(/class="event-details"/g)].length
    expect(await count('')).toBe(2)
    expect(await count('kind=user.dis')).toBe(1)
    expect(await count('kind=client.')).toBe(0)
    expect(await count(`target=${mary.id}`)).toBe(1)
    expect(await count('address=198.51.100.9')).toBe(1)
    expect(await count('to=2020-02-29')).toBe(1)
    expect(await count('from=2020-02-29&to=2020-02-29')).toBe(1)
    expect(await count('to=2020-02-28')).toBe(0)
    expect(await count('from=2020-03-01')).toBe(1)
    expect(await count('from=2020-03-01&kind=user.dis')).toBe(0)
    const byAddress = await asAda.visit(`/activity?by=${mary.email.toUpperCase()}`)
    expect([...byAddress.text.matchAll(/class="event-details"/g)]).toHaveLength(2)
  })

  it('stay with the way on and the export', async () => {
    const { text } = await asAda.visit(`/activity?kind=user.&by=${ada.id}`)
    expect(text).toContain(`href="/activity/export.jsonl?kind=user.&amp;by=${ada.id}"`)
    expect(text).toMatch(/<option value="user\." selected>/)
    expect(text).toMatch(new RegExp(`<input type="text" name="by" value="${ada.id}"`))
  })
})

describe('the list', () => {
  it('goes on where the part before ended, with what was filtered', async () => {
    const crowd = await createTestUser(server.knex, account)
    const entries = Array.from({ length: 120 }, () => ({
      action: 'user.updated',
      target: { type: 'user', id: ada.id },
      accountId: account,
    }))
    // Of one transaction, so that all have one time.
    await recordAudit(server.knex, { type: 'user', id: crowd.id }, ...entries)
    const sizes: number[] = []
    let path: string | undefined = `/activity?by=${crowd.id}`
    while (path) {
      const page: Page = await asAda.visit(path)
      sizes.push([...page.text.matchAll(/class="event-details"/g)].length)
      path = /href="([^"]*)" rel="next"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&')
    }
    expect(sizes).toEqual([50, 50, 20])
  })
})

describe("another account's acts", () => {
  it.each(['/activity', '/activity/export.jsonl'])('never appear, whatever is asked for: %s', async (path) => {
    await record({ action: 'user.disabled', by: stranger.id, on: stranger.id, accountId: elsewhere, ip: '192.0.2.99' })
    // Also the instance's own, which are of no account.
    await recordAudit(
      server.knex,
      { type: 'user', id: stranger.id, ip: '192.0.2.99' },
      { action: 'instance.updated', target: { type: 'instance', id: 'instance' } },
    )
    const queries = [
      '',
      `by=${stranger.id}`,
      `by=${stranger.email}`,
      `target=${stranger.id}`,
      'address=192.0.2.99',
      'kind=instance.',
    ]
    for (const query of queries) {
      const page = await asAda.visit(`${path}?${query}`)
      expect(page.status).toBe(200)
      // What was asked for stands in the form and in links again.
      const shown =
        path === '/activity'
          ? page.text.replace(/<search>[\s\S]*<\/search>/, '').replace(/href="[^"]*(export|return_to)[^"]*"/g, '')
          : page.text
      for (const secret of [stranger.id, stranger.email, '192.0.2.99', 'instance.updated', elsewhere]) {
        expect(shown).not.toContain(secret)
      }
    }
    expect((await asAda.visit(`${path}?account=${elsewhere}`)).status).toBe(404)
    expect((await asOperator.visit(`${path}?account=${elsewhere}`)).text).toContain(stranger.email)
  })
})

describe('the page', () => {
  it('asks the database three times, whatever is filtered', async () => {
    for (const query of ['', `by=${ada.email}&target=${ada.id}&from=2020-01-01&kind=user.`]) {
      for (const browser of [asAda, asOperator]) {
        expect(await statementsOf(browser, `/activity?${query}`)).toHaveLength(3)
      }
    }
  })
})

describe('the export', () => {
  it('is a file of one JSON object a line, with the same filters', async () => {
    await record({ action: 'user.enabled', ip: '198.51.100.77', detail: { note: 'a\nb' } })
    const page = await asAda.visit('/activity/export.jsonl?address=198.51.100.77')
    expect(page.headers.get('content-type')).toMatch(/^application\/jsonl/)
    expect(page.headers.get('content-disposition')).toMatch(/^attachment; filename="activity-\d{4}-\d\d-\d\d\.jsonl"$/)
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(linesOf(page)).toEqual([
      expect.objectContaining({
        action: 'user.enabled',
        actor: { type: 'user', id: ada.id, label: ada.email },
        account_id: account,
        ip: '198.51.100.77',
        request_id: 'request-1',
        detail: { note: 'a\nb' },
      }),
    ])
    expect((await asAda.visit('/activity/export.jsonl?address=nowhere')).text).toBe('')
  })

  it('of a long log is read as it is taken, and no longer once nobody takes it', async () => {
    const many = await server.make.account()
    const total = 12_000
    // Some 36 MB: far more than connections hold.
    for (let batch = 0; batch < 6; batch++) {
      await server.knex.raw(
        `INSERT INTO audit_log (id, action, actor_type, account_id, target_type, target_id, detail)
         SELECT gen_random_uuid(), 'user.updated', 'system', ?, 'user', n, jsonb_build_object('note', repeat('x', 3000))
           FROM generate_series(1, ?) n`,
        [many, total / 6],
      )
    }
    let pages = 0
    const stopHearing = hearStatements((text) => {
      // Those of the job that seals entries read no detail in such a way.
      if (/"detail".* from "audit_log".* limit/.test(text)) pages++
    })
    const path = `/activity/export.jsonl?account=${many}`
    const cookie = [...asOperator.cookies].map(([key, { value }]) => `${key.split(' ')[0]}=${value}`).join('; ')
    const request = get(server.url + path, { headers: { cookie } })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(200)
    // Of sixty: some fill what the connection holds before anybody looks.
    expect(pages).toBeLessThan(30)
    // Nobody reads; what the connection holds is full at some time, and then nothing more is asked of the database.
    let seen = -1
    await until(async () => {
      const before = seen
      seen = pages
      await asOperator.visit('/accounts/new')
      return seen === before && pages === seen
    })
    expect(pages).toBeGreaterThan(0)
    expect(pages).toBeLessThan(30)
    stopHearing()
    response.destroy()

    const whole = await asOperator.visit(path)
    expect(whole.text.split('\n').length - 1).toBe(total)
    expect(new Set(linesOf(whole).map(({ id }) => id)).size).toBe(total)
    expect(server.logLines().filter(({ level }) => Number(level) >= 50)).toEqual([])
  })
})

describe('bad input', () => {
  it.each([
    'kind=DROP',
    'kind=user.%25',
    'from=yesterday',
    'from=2026-02-30',
    'to=10000-01-01',
    'from=0000-01-01',
    'account=nobody',
    'by=%00',
    'by=a&by=b',
  ])('returns an error page for %s', async (query) => {
    for (const path of ['/activity', '/activity/export.jsonl']) {
      const page = await asOperator.visit(`${path}?${query}`)
      expect([page.status, page.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8'])
    }
  })

  it('of great length, or with a place that is none, is no failure', async () => {
    for (const name of ['by', 'target', 'address']) {
      expect((await asAda.visit(`/activity?${name}=${'x'.repeat(10_000)}`)).status).toBe(200)
    }
    for (const place of ['x', btoa('["a","b"]'), btoa(`["2026-01-01","${ada.id}"]`), btoa('[1]')]) {
      expect((await asAda.visit(`/activity?after=${place}`)).status).toBe(400)
    }
  })
})
