import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listAccounts } from '../../src/management/account-operations.ts'
import { listActivity } from '../../src/management/activity-operations.ts'
import { listApplications } from '../../src/management/application-operations.ts'
import type { PageOf, PageRequest } from '../../src/management/paging.ts'
import { listGrants, listTokens } from '../../src/management/token-operations.ts'
import { searchUsers } from '../../src/management/user-operations.ts'
import { adminOf, openManagement, operator } from './principals.ts'

let house: Awaited<ReturnType<typeof openManagement>>
let account: string

beforeAll(async () => {
  house = await openManagement()
  account = await house.make.account()
})
afterAll(async () => await house.close())

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

const register = (name: string, of = account) => house.make.register({ settings: { name }, account: of })

describe('a list', () => {
  it('shows each application once over all its parts, the newest first', async () => {
    const made = []
    for (let n = 0; n < 7; n++) made.push((await register(`Paged ${n}`)).clientId)
    const seen = await walk((page) => listApplications(house.management, adminOf(account), page), 2)
    expect(seen.map(({ clientId }) => clientId)).toEqual(made.reverse())
  })

  it('shows each person once over all its parts, in the order of their addresses', async () => {
    const here = await house.make.account()
    for (let n = 0; n < 5; n++) await house.make.user(here, n % 2 ? 'admin' : 'member')
    const seen = await walk((page) => searchUsers(house.management, adminOf(here), page), 2)
    const emails = seen.map(({ email }) => email)
    expect(emails).toEqual([...emails].sort())
    expect(new Set(emails).size).toBe(5)
  })

  it('shows each account once over all its parts, of those with one name too', async () => {
    const all = await walk((page) => listAccounts(house.management, operator, page), 2)
    const ids = (await house.knex('accounts').pluck('id')).sort()
    expect(all.map(({ id }) => id).sort()).toEqual(ids)
  })

  it('shows each act once over all its parts', async () => {
    const seen = await walk((page) => listActivity(house.management, adminOf(account), page), 3)
    const [{ count }] = (await house.knex('audit_log').where({ account_id: account }).count()) as [{ count: string }]
    expect(new Set(seen.map(({ id }) => id)).size).toBe(Number(count))
  })

  const forged = ['["x"]', '["x","y"]', '[-1]', '[1e300]', '["\\u0000"]'].map((text) =>
    Buffer.from(text).toString('base64url'),
  )
  it.each(['nonsense', '', 'W10', ...forged, 'A'.repeat(10_000)])(
    'refuses what is no place in it: %.20s',
    async (after) => {
      const refused = { code: 'invalid_input', fieldErrors: [{ field: 'after' }] }
      const { management } = house
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
    const { items } = await listApplications(house.management, adminOf(account), { search })
    return items.map(({ name }) => name)
  }

  it('finds by the beginnings of words, whatever their case, and parts of addresses', async () => {
    await register('Nightly Übersicht: sync.example.com')
    for (const typed of ['nightly', 'NIGHT', 'sync', 'example.com', 'night exam', 'übersicht']) {
      expect([typed, await find(typed)]).toEqual([typed, ['Nightly Übersicht: sync.example.com']])
    }
    expect(await find('ightly')).toEqual([])
    expect(await find('nightly nothing')).toEqual([])
  })

  it('takes what a query language would stumble on', async () => {
    await register(`O'Brien & Sons | (all) <-> !`)
    for (const typed of ["o'brien", '& | ! ( ) :*', "'", '\\', 'sons:*', '<->', '!!', '%', '_', '’', '”–']) {
      await expect(find(typed)).resolves.toBeInstanceOf(Array)
    }
    expect(await find("o'brien (all")).toEqual([`O'Brien & Sons | (all) <-> !`])
  })

  it('finds a client by its id, and only within the wall', async () => {
    const mine = await register('Found by its id')
    const other = await house.make.account()
    const seen = await listApplications(house.management, adminOf(other), { search: mine.clientId })
    expect(seen.items).toEqual([])
    expect(await find(mine.clientId)).toEqual(['Found by its id'])
  })

  it('refuses what nobody types', async () => {
    const refused = { code: 'invalid_input', fieldErrors: [{ field: 'search' }] }
    await expect(find('x'.repeat(201))).rejects.toMatchObject(refused)
  })

  it('finds people by name and address', async () => {
    const user = await house.make.user(account)
    await house.knex('users').where({ id: user.id }).update({ name: 'Ada King' })
    const [local] = user.email.split('@')
    for (const search of ['ada', 'king ada', local!, user.email]) {
      const { items } = await searchUsers(house.management, adminOf(account), { search })
      expect([search, items.map(({ id }) => id)]).toEqual([search, [user.id]])
    }
  })
})
