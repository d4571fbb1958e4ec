/** Lists are paged both ways, sorted by what an index can serve, and counted up to a bound. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import type { Browser, Page } from '../../support/scriptless-browser.ts'
import { createTestUser } from '../../support/test-users.ts'
import { createOperator, enter, wordsOf } from './console-visits.ts'

let server: Keywright
let account: string
let asAdmin: Browser
let asOperator: Browser

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  asAdmin = await enter(server, await createTestUser(server.knex, account, 'admin'))
  asOperator = await enter(server, await createOperator(server.knex))
  await addApplications(account, 'Robot', 120)
  await addApplications(account, 'Printer', 3)
  await addApplications(await server.make.account(), 'Robot', 7)
})
afterAll(() => server.stop())

/** Some of one name, so that the name alone orders nothing. */
async function addApplications(owner: string, name: string, count: number): Promise<void> {
  // In several statements, because on a busy machine one takes longer than the statement timeout.
  for (let from = 1; from <= count; from += 1000) {
    await server.knex.raw(
      `INSERT INTO clients (client_id, kind, account_id, name, grants)
     SELECT 'kwc_' || replace(gen_random_uuid()::text, '-', ''), 'application', ?::uuid, ? || ' ' || n % 40, '{client_credentials}'
       FROM generate_series(?::int, ?::int) n`,
      [owner, name, from, Math.min(from + 999, count)],
    )
  }
}

const linkOf = ({ text }: Page, rel: 'next' | 'prev'): string | undefined =>
  new RegExp(`<a class="secondary" href="([^"]*)" rel="${rel}"`).exec(text)?.[1]?.replaceAll('&amp;', '&')

const rangeOf = (page: Page): string | undefined => /Shown: ([\d,]+–[\d,]+ of [\d,]+\+?)/.exec(wordsOf(page))?.[1]

/** What names a row: a link, or an id. */
const rowsOf = ({ text }: Page): string[] =>
  [
    ...text.matchAll(
      /<th scope="row"[^>]*>(?:<a class="cell-link" href="([^"]*)"|\s*<span class="copyable"><code title="([^"]*)")/g,
    ),
  ].map(([, href, id]) => href ?? id!)

/** All pages of a list, from this one on in a direction. */
async function walk(browser: Browser, path: string, rel: 'next' | 'prev'): Promise<Page[]> {
  const pages = [await browser.visit(path)]
  for (let link = linkOf(pages[0]!, rel); link; link = linkOf(pages.at(-1)!, rel)) pages.push(await browser.visit(link))
  return pages
}

/** Walks to the end and back; answers the rows in order. */
async function walkBothWays(browser: Browser, path: string): Promise<string[]> {
  const forward = await walk(browser, path, 'next')
  const back = await walk(browser, forward.at(-1)!.url, 'prev')
  expect(back.map(rowsOf)).toEqual(forward.map(rowsOf).reverse())
  expect(back.map(rangeOf)).toEqual(forward.map(rangeOf).reverse())
  const rows = forward.flatMap(rowsOf)
  expect(new Set(rows).size).toBe(rows.length)
  return rows
}

const clientIds = async (order: string, where = 'true'): Promise<string[]> => {
  const { rows } = await server.knex.raw(
    `SELECT client_id FROM clients WHERE kind = 'application' AND account_id = ? AND ${where} ORDER BY ${order}`,
    [account],
  )
  return rows.map(({ client_id }: { client_id: string }) => `/applications/${client_id}`)
}

describe('the list of applications', () => {
  it('says which of how many it shows, and Previous leads back to the same page', async () => {
    const pages = await walk(asAdmin, '/applications?search=robot', 'next')
    expect(pages.map(rangeOf)).toEqual(['1–50 of 120', '51–100 of 120', '101–120 of 120'])
    expect(linkOf(pages[0]!, 'prev')).toBeUndefined()
    const rows = await walkBothWays(asAdmin, '/applications?search=robot')
    expect(rows).toEqual(await clientIds('id DESC', `name LIKE 'Robot%'`))
  })

  it.each([
    ['name', 'lower(name), id'],
    ['-name', 'lower(name) DESC, id DESC'],
    ['added', 'id'],
    ['-added', 'id DESC'],
  ])('is sorted by %s over all its pages', async (sort, order) => {
    expect(await walkBothWays(asAdmin, `/applications?sort=${sort}`)).toEqual(await clientIds(order))
  })

  it('has column headings that sort the list and reverse the order', async () => {
    const page = await asAdmin.visit('/applications?search=printer&status=active')
    const [by, href] = /aria-sort="(\w+)"><a class="sort" href="([^"]*)"/.exec(page.text)!.slice(1)
    expect([by, href]).toEqual(['descending', '/applications?search=printer&amp;status=active&amp;sort=added'])
    const turned = await asAdmin.visit(href!.replaceAll('&amp;', '&'))
    expect(turned.text).toMatch(/aria-sort="ascending"/)
    expect(rowsOf(turned)).toEqual(rowsOf(page).reverse())
    expect(turned.text).not.toMatch(/<th[^>]*>Client ID<a/)
  })

  it('keeps the search, the filter and the order in every link and in its form', async () => {
    const path = '/applications?search=robot&status=active&sort=name'
    const [, second] = await walk(asAdmin, path, 'next')
    for (const link of [linkOf(second!, 'next')!, linkOf(second!, 'prev')!]) {
      expect(Object.fromEntries(new URL(link, server.url).searchParams)).toMatchObject({
        search: 'robot',
        status: 'active',
        sort: 'name',
      })
    }
    expect(second!.text).toContain('<input type="hidden" name="sort" value="name">')
    expect(second!.text).toContain('<a class="text-action" href="/applications?sort=name">Clear filters</a>')
  })

  it.each([
    'sort=nothing',
    'sort=-',
    'sort=client_id',
    'after=x',
    'before=x',
    'before=WyJhIiwiYiJd',
    'after=WzFd&before=WzFd',
    'before=WzEsLTFd',
    'sort=name&after=WzFd',
  ])('refuses %s', async (query) => {
    expect((await asAdmin.visit(`/applications?${query}`)).status).toBe(400)
  })

  it('of a page whose rows were removed leads to the first page', async () => {
    const path = '/applications?search=printer'
    const cursor = Buffer.from(JSON.stringify([0, 3])).toString('base64url')
    const page = await asAdmin.visit(`${path}&after=${cursor}`)
    expect(page.status).toBe(200)
    expect(wordsOf(page)).toContain('No more results')
    expect(page.text).toContain(`<a class="secondary" href="${path}">Go to the first page</a>`)
  })

  it('counts no applications of other accounts', async () => {
    expect(rangeOf(await asAdmin.visit('/applications'))).toBe('1–50 of 123')
    expect(rangeOf(await asOperator.visit(`/applications?account=${account}`))).toBe('1–50 of 123')
  })

  it('counts at most 10,000', async () => {
    const large = await server.make.account()
    await addApplications(large, 'Copy', 10_000)
    const path = `/applications?account=${large}`
    expect(rangeOf(await asOperator.visit(path))).toBe('1–50 of 10,000')
    expect(rangeOf(await asOperator.visit(`${path}&status=archived`))).toBeUndefined()
    await addApplications(large, 'Copy', 1)
    expect(rangeOf(await asOperator.visit(path))).toBe('1–50 of 10,000+')
  })

  it('looks at no more than that to count those with a status', async () => {
    const large = await server.make.account()
    await addApplications(large, 'Copy', 12_000)
    const archived = server.knex('clients').where({ account_id: large }).whereRaw('id % 2 = 0')
    expect(await archived.update({ status: 'archived' })).toBe(6000)
    const [, count] = /^1–50 of ([\d,]+)\+$/.exec(
      rangeOf(await asOperator.visit(`/applications?account=${large}&status=archived`))!,
    )!
    expect(Number(count!.replace(',', ''))).toBeLessThan(6000)
  })
})

describe('other lists are paged both ways', () => {
  const ids = async (table: string, order: string, path: string, where: object = {}) =>
    (await server.knex(table).where(where).orderByRaw(order).pluck('id')).map((id) => `${path}/${id}`)

  it.each([
    ['name', 'lower(coalesce(name, email)), id'],
    ['-name', 'lower(coalesce(name, email)) DESC, id DESC'],
    ['added', 'created_at, id'],
    ['-added', 'created_at DESC, id DESC'],
  ])('people, sorted by %s', async (sort, order) => {
    await addPeople()
    const rows = await walkBothWays(asAdmin, `/users?sort=${sort}`)
    expect(rows.length).toBeGreaterThan(100)
    expect(rows).toEqual(await ids('users', order, '/users', { account_id: account }))
  })

  async function addPeople(): Promise<void> {
    await server.knex.raw(
      `INSERT INTO users (id, account_id, email, email_key, role, name)
       SELECT gen_random_uuid(), ?::uuid, 'p' || n || '@example.com', 'p' || n || '@example.com', 'member',
              CASE WHEN n % 2 = 0 THEN 'Person ' || n % 20 END
         FROM generate_series(1, 120) n ON CONFLICT DO NOTHING`,
      [account],
    )
  }

  it.each([
    ['name', 'lower(name), id'],
    ['-added', 'created_at DESC, id DESC'],
  ])('accounts, sorted by %s', async (sort, order) => {
    await server.knex.raw(
      `INSERT INTO accounts (id, name) SELECT gen_random_uuid(), 'Firm ' || n % 30 FROM generate_series(1, 60) n`,
    )
    const rows = await walkBothWays(asOperator, `/accounts?sort=${sort}`)
    expect(rows).toEqual(await ids('accounts', order, '/accounts'))
  })

  it.each([
    ['identifier', 'identifier'],
    ['-added', 'id DESC'],
  ])('APIs, sorted by %s', async (sort, order) => {
    const has = Number((await server.knex('apis').count('* AS n').first())!.n)
    for (let n = has; n < 53; n++) await server.make.api()
    expect(await walkBothWays(asOperator, `/apis?sort=${sort}`)).toEqual(await ids('apis', order, '/apis'))
  })

  it('the tokens of an application, with how many there are', async () => {
    const { identifier } = await server.make.api()
    const robot = await server.make.register({ settings: { name: 'Busy' }, apis: [identifier], account })
    for (let n = 0; n < 53; n++) await server.machineToken(robot)
    const path = `/applications/${robot.clientId}/tokens`
    expect(rangeOf(await asAdmin.visit(path))).toBe('1–50 of 53')
    expect((await walkBothWays(asAdmin, path)).length).toBe(53)
  })

  it('the activity, newest first, by Newer and Older, without a count', async () => {
    for (let n = 0; n < 60; n++) await server.make.register({ settings: { name: `Paged ${n}` }, account })
    const pages = await walk(asAdmin, '/activity?kind=client.created', 'next')
    expect(pages.length).toBe(2)
    const words = pages.map(wordsOf)
    expect(words[0]).toMatch(/Paged 59.*Paged 10 .*Older/)
    expect(words[0]).not.toContain('Newer')
    expect(words[1]).toMatch(/Paged 9 .*Paged 0 .*Newer/)
    const back = await asAdmin.visit(linkOf(pages[1]!, 'prev')!)
    const numbersIn = (text: string) =>
      [...text.matchAll(/added the application Paged (\d+)/g)].map(([, n]) => Number(n))
    expect(numbersIn(wordsOf(back))).toEqual(numbersIn(words[0]!))
    expect(numbersIn(words[0]!).length).toBe(50)
    expect(rangeOf(back)).toBeUndefined()
  })
})
