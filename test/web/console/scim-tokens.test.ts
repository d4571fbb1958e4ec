/** SCIM tokens in the console: shown once, two at a time, and revoked. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOperator, signedIn } from '../../guarantees/all-routes.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { send } from '../../support/requests.ts'
import type { Browser, Page } from '../../support/scriptless-browser.ts'
import { createTestUser } from '../../support/test-users.ts'

let server: Keywright
let account: string
let admin: Browser

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  admin = await signedIn(server, await createTestUser(server.knex, account, 'admin'))
})
afterAll(() => server?.stop())

const tokenIn = ({ text }: Page): string => /kwd_[0-9A-Za-z]{49}/.exec(text)?.[0] ?? ''

const usersSeenWith = async (token: string) =>
  (await send(`${server.url}/scim/v2/Users`, { headers: { authorization: `Bearer ${token}` } })).body.totalResults

async function generate(browser: Browser, path = '/scim-tokens/new'): Promise<Page> {
  return await browser.submit(await browser.visit(path), /new$/, { role: 'developer', days: '90' })
}

test('an admin generates a token, sees it once, and replaces it', async () => {
  const empty = await admin.visit('/scim-tokens')
  expect(empty.text).toContain('No SCIM tokens yet')
  expect((await admin.visit('/users')).text).toContain('href="/scim-tokens"')

  const shown = await generate(admin)
  const first = tokenIn(shown)
  expect(shown.text).toContain(`${server.issuer}/scim/v2`)
  expect(await usersSeenWith(first)).toBe(1)
  const list = await admin.visit('/scim-tokens')
  expect(list.text).not.toContain(first)
  expect(list.text).toContain(`kwd_…${first.slice(-4)}`)
  expect(list.text).toContain('Developer')

  const second = tokenIn(await generate(admin))
  expect(await usersSeenWith(second)).toBe(1)
  const full = await admin.visit('/scim-tokens')
  expect(full.text).not.toContain('href="/scim-tokens/new"')
  const third = await generate(admin)
  expect([third.status, tokenIn(third)]).toEqual([400, ''])

  const { id } = await server
    .knex('scim_tokens')
    .where({ last_four: first.slice(-4), account_id: account })
    .first('id')
  const after = await admin.submit(await admin.visit(`/scim-tokens/${id}/revoke`), /revoke$/)
  expect(after.text).toContain('SCIM token revoked.')
  expect(await usersSeenWith(first)).toBeUndefined()
  expect(await usersSeenWith(second)).toBe(1)
  const log = await server
    .knex('audit_log')
    .where({ account_id: account })
    .whereLike('action', 'scim_token.%')
    .pluck('action')
  expect(log.sort()).toEqual(['scim_token.generated', 'scim_token.generated', 'scim_token.revoked'])
  expect((await admin.visit('/activity')).text).toContain('revoked a SCIM token')
})

test('an operator generates a token for an account that they select', async () => {
  const operator = await signedIn(server, await createOperator(server))
  const other = await server.make.account()
  expect((await operator.visit(`/users?account=${other}`)).text).toContain(`href="/scim-tokens?account=${other}"`)
  const shown = await generate(operator, `/scim-tokens/new?account=${other}`)
  expect(await usersSeenWith(tokenIn(shown))).toBe(0)
  expect((await operator.visit(`/scim-tokens?account=${other}`)).text).toContain(tokenIn(shown).slice(-4))
})
