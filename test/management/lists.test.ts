import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listAccounts } from '../../src/management/account-operations.ts'
import { listActivity } from '../../src/management/activity-operations.ts'
import { listApplications } from '../../src/management/client-list.ts'
import type { PageOf, PageRequest } from '../../src/management/paging.ts'
import { listGrants, listTokens } from '../../src/management/token-operations.ts'
import { searchUsers } from '../../src/management/user-list.ts'
import { adminOf, openManagement, operator } from './principals.ts'

let on: Awaited<ReturnType<typeof openManagement>>
let account: string

beforeAll(async () => {
  on = await openManagement()
  account = await on.make.account()
})
afterAll(async () => await on.close())

/** Every part of a list, one after the other. */
async function walk<Item>(list: (page: PageRequest) => Promise<PageOf<Item>>, limit: number): Promise<Item[]> {
  const items: Item[] = []
  for (let after: string | undefined; ; ) {
    const part = await list({ limit, ...(after !== undefined && { after }) })
    expect(part.items.length).toBeLessThanOrEqual(limit)
    items.push(...part.items)
    if (part.next === null) return items
    after = part.next
  }
}

const register = (name: string, of = account) => on.make.register({ settings: { name }, account: of })

describe('a list', () => {
  it('shows each application once over all pages, newest first', async () => {
    const made = []
    for (let n = 0; n < 7; n++) made.push((await register(`Paged ${n}`)).clientId)
    const seen = await walk((page) => listApplications(on.management, adminOf(account), page), 2)
    expect(seen.map(({ clientId }) => clientId)).toEqual(made.reverse())
  })

  it('shows each user once over all pages, sorted by email address', async () => {
    const here = await on.make.account()
    for (let n = 0; n < 5; n++) await on.make.user(here, n % 2 ? 'admin' : 'member')
    const seen = await walk((page) => searchUsers(on.management, adminOf(here), page), 2)
    const emails = seen.map(({ email }) => email)
    expect(emails).toEqual([...emails].sort())
    expect(new Set(emails).size).toBe(5)
  })

  it('shows each account once over all pages, also accounts with the same name', async () => {
    const all = await walk((page) => listAccounts(on.management, operator, page), 2)
    const ids = (await on.knex('accounts').pluck('id')).sort()
    expect(all.map(({ id }) => id).sort()).toEqual(ids)
  })

  it('shows each audit event once over all pages', async () => {
    const seen = await walk((page) => listActivity(on.management, adminOf(account), page), 3)
    const [{ count }] = (await on.knex('audit_log').where({ account_id: account }).count()) as [{ count: string }]
    expect(new Set(seen.map(({ id }) => id)).size).toBe(Number(count))
  })

  const forged = ['["x"]', '["x","y"]', '[-1]', '[1e300]', '["\\u0000"]'].map((text) =>
    Buffer.from(text).toString('base64url'),
  )
  it.each(['nonsense', '', 'W10', ...forged, 'A'.repeat(10_000)])(
    'refuses what is no place in it: %.20s',
    async (after) => {
      const refused = { code: 'invalid_input', fieldErrors: [{ field: 'after' }] }
      const { management } = on
      for (const list of [searchUsers, listActivity, listAccounts]) {
        await expect(list(management, operator, { after })).rejects.toMatchObject(refused)
      }
      const { clientId } = await register('With tokens')
      for (const list of [listTokens, listGrants]) {
        const outcome = list(management, operator, { clientId, after })
        await expect(outcome).rejects.toMatchObject({ code: 'invalid_input' })
      }
      await expect(listApplications(management, operator, { after })).rejects.toMatchObject({ code: 'invalid_input' })
    },
  )
})

describe('a search', () => {
  const find = async (search: string) => {
    const { items } = await listApplications(on.management, adminOf(account), { search })
    return items.map(({ name }) => name)
  }

  it('finds prefixes of words in any case, and parts of email addresses', async () => {
    await register('Nightly Übersicht: sync.example.com')
    for (const typed of ['nightly', 'NIGHT', 'sync', 'example.com', 'night exam', 'übersicht']) {
      expect([typed, await find(typed)]).toEqual([typed, ['Nightly Übersicht: sync.example.com']])
    }
    expect(await find('ightly')).toEqual([])
    expect(await find('nightly nothing')).toEqual([])
  })

  it('accepts characters that are operators of the query language', async () => {
    await register(`O'Brien & Sons | (all) <-> !`)
    for (const typed of ["o'brien", '& | ! ( ) :*', "'", '\\', 'sons:*', '<->', '!!', '%', '_', '’', '”–']) {
      await expect(find(typed)).resolves.toBeInstanceOf(Array)
    }
    expect(await find("o'brien (all")).toEqual([`O'Brien & Sons | (all) <-> !`])
  })

  it('finds a client by its ID only within the account', async () => {
    const mine = await register('Found by its id')
    const other = await on.make.account()
    const seen = await listApplications(on.management, adminOf(other), { search: mine.clientId })
    expect(seen.items).toEqual([])
    expect(await find(mine.clientId)).toEqual(['Found by its id'])
  })

  it('rejects a term that is too long', async () => {
    const refused = { code: 'invalid_input', fieldErrors: [{ field: 'search' }] }
    await expect(find('x'.repeat(201))).rejects.toMatchObject(refused)
  })

  it('finds users by name and email address', async () => {
    const user = await on.make.user(account)
    await on.knex('users').where({ id: user.id }).update({ name: 'Ada King' })
    const [local] = user.email.split('@')
    for (const search of ['ada', 'king ada', local!, user.email]) {
      const { items } = await searchUsers(on.management, adminOf(account), { search })
      expect([search, items.map(({ id }) => id)]).toEqual([search, [user.id]])
    }
  })
})
