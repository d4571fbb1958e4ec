/** What admins and operators see first. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import type { Browser } from '../../support/scriptless-browser.ts'
import { untilPeriodLasts } from '../../support/utc-periods.ts'
import { openAdmin } from './admin-session.ts'
import { createOperator, enter, wordsOf } from './console-visits.ts'

let server: Keywright

beforeAll(async () => {
  server = await startKeywright()
})
afterAll(() => server.stop())

describe("an admin's overview", () => {
  it('begins with the first keys where there are none', async () => {
    const admin = await openAdmin(server, await server.make.account())
    const page = await admin.visit('/')
    expect(wordsOf(page)).toContain('Get your first token')
    expect(page.text).toMatch(/class="primary" href="\/settings\/api\/generate">Generate keys/)
  })

  it("shows one's own keys and the account's figures, and nothing of other accounts", async () => {
    const account = await server.make.account()
    const admin = await openAdmin(server, account)
    await openAdmin(server, account)
    const pair = await server.make.keyPair(admin.person.id)
    for (let n = 0; n < 3; n++) await server.make.register({ account })
    const page = await admin.visit('/')
    expect(page.text).toContain(`data-copy="${pair.clientId}"`)
    expect(page.text).toMatch(/class="primary" href="\/settings\/api\/generate">Generate new keys/)
    expect(wordsOf(page)).toMatch(/Applications\s+3\s+active/)
    expect(wordsOf(page)).toMatch(/Users\s+2\s+who can sign in/)
    expect(page.text).not.toContain(server.firstStart.keyPair.clientId)
  })
})

describe("an operator's dashboard", () => {
  const HOUR = 3_600_000
  let operator: Browser

  async function count(hoursAgo: number, kind: string, label: string, count: number): Promise<void> {
    const hour = new Date(Math.floor(Date.now() / HOUR) * HOUR - hoursAgo * HOUR)
    await server.knex('usage_hours').insert({ hour, kind, label, count })
  }

  beforeAll(async () => {
    await untilPeriodLasts('hour')
    operator = await enter(server, await createOperator(server.knex))
    await server.knex('usage_hours').delete()
  })

  it('says so where nothing was asked for', async () => {
    expect(wordsOf(await operator.visit('/?span=month'))).toContain('No token requests in this period')
  })

  it('shows what was issued and refused in the last day, in words and as a plot', async () => {
    await count(1, 'issued', 'client_credentials', 1200)
    await count(23, 'issued', 'refresh_token', 300)
    await count(2, 'refused', 'invalid_client', 500)
    await count(2, 'refused', 'an_error_of_tomorrow', 1)
    await count(24, 'issued', 'client_credentials', 40_000)
    const page = await operator.visit('/')
    const words = wordsOf(page)
    expect(words).toMatch(/Tokens issued\s+1,500/)
    expect(words).toMatch(/Failed requests\s+501\s+25% of all/)
    expect(words).toMatch(/Client credentials\s+client_credentials\s+1,200/)
    expect(words).toMatch(/Client authentication failed\s+invalid_client\s+500/)
    expect(words).toMatch(/an_error_of_tomorrow\s+1 /)
    expect(page.text.match(/<rect class="tone-/g)).toHaveLength(4)
    expect(page.text).toContain('1,200 client credentials')
  })

  it('shows the last thirty days by the day', async () => {
    await count(29 * 24, 'issued', 'client_credentials', 7)
    await count(31 * 24, 'issued', 'client_credentials', 90_000)
    const words = wordsOf(await operator.visit('/?span=month'))
    expect(words).toMatch(/Tokens issued\s+41,507/)
    expect(words).toContain('Day (UTC)')
  })

  it('of many errors tells two apart in the plot, and all in the table', async () => {
    for (const error of ['invalid_scope', 'invalid_grant', 'invalid_target', 'slow_down'])
      await count(3, 'refused', error, 2)
    const page = await operator.visit('/')
    expect(wordsOf(page)).toMatch(/others/)
    expect(wordsOf(page)).toContain('The client is not allowed to call the API')
    expect(new Set([...page.text.matchAll(/<rect class="([^"]+)"/g)].map(([, tone]) => tone)).size).toBeLessThanOrEqual(
      4,
    )
  })

  it.each(['year', '', '%3Cscript%3E', 'x'.repeat(10_000), '%00'])(
    'refuses a time that is none: %.20s',
    async (span) => {
      expect((await operator.visit(`/?span=${span}`)).status).toBe(400)
    },
  )
})
