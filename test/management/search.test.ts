import { afterAll, beforeAll, expect, it } from 'vitest'
import { listApplications } from '../../src/management/client-list.ts'
import { openManagement, operator } from './principals.ts'

let on: Awaited<ReturnType<typeof openManagement>>

beforeAll(async () => {
  on = await openManagement()
})
afterAll(async () => await on.close())

const PUNCTUATION = [...'!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~']

it('a search finds words on either side of any punctuation mark', async () => {
  for (const [n, sign] of PUNCTUATION.entries()) {
    const account = await on.make.account()
    const name = `left${sign}right1${n} 14137`
    await on.make.register({ settings: { name }, account })
    for (const search of ['14137', '14', `right1${n}`, 'left right', `left${sign}right`]) {
      const { items } = await listApplications(on.management, operator, { accountId: account, search })
      expect([search, items.map((item) => item.name)]).toEqual([search, [name]])
    }
  }
})
