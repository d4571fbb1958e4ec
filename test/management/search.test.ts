import { afterAll, beforeAll, expect, it } from 'vitest'
import { listApplications } from '../../src/management/application-operations.ts'
import { openManagement, operator } from './principals.ts'

let house: Awaited<ReturnType<typeof openManagement>>

beforeAll(async () => {
  house = await openManagement()
})
afterAll(async () => await house.close())

const PUNCTUATION = [...'!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~']

it('finds what stands on either side of any punctuation, digits and all', async () => {
  for (const [n, sign] of PUNCTUATION.entries()) {
    const account = await house.make.account()
    const name = `left${sign}right1${n} 14137`
    await house.make.register({ settings: { name }, account })
    for (const search of ['14137', '14', `right1${n}`, 'left right', `left${sign}right`]) {
      const { items } = await listApplications(house.management, operator, { accountId: account, search })
      expect([search, items.map((item) => item.name)]).toEqual([search, [name]])
    }
  }
})
