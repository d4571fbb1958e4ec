/** A link in a message works once, whichever nodes it is sent to. */
import { beforeAll, expect, test } from 'vitest'
import { createUserWithoutPassword } from '../../src/accounts/users.ts'
import { createLinkTokens } from '../../src/mail/link-tokens.ts'
import { createLink } from '../../src/mail/mail-links.ts'
import { keysOf } from '../support/encryption-key.ts'
import { together } from '../support/load.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import { openBrowser, type Page, signIn } from '../support/scriptless-browser.ts'

let on: SharedNodes

beforeAll(async () => {
  on = await shareNodes()
})

type Recipient = Parameters<typeof createLink>[1]

/** The page of a new link, as browsers at both nodes see it. */
async function openLink(link: Recipient, path: string) {
  const token = createLinkTokens(keysOf(on.env.ENCRYPTION_KEY!)).tokenOf(await createLink(on.knex, link))
  return await Promise.all(
    [0, 1, 2, 3].map(async (n) => {
      const browser = openBrowser(on.nodes[n % 2]!.url)
      return { browser, page: await browser.visit(`${path}?token=${token}`) }
    }),
  )
}

const statusesOf = (pages: readonly Page[]): number[] => pages.map(({ status }) => status).sort()

const ONE_OF_FOUR = [200, 400, 400, 400]

const canSignIn = async (email: string, password: string): Promise<boolean> => {
  const browser = openBrowser(on.nodes[0]!.url)
  return (await signIn(browser, await browser.visit('/signin'), email, password)).status === 200
}

test.each(['invitation', 'password_reset'] as const)(
  'of four browsers at two nodes that choose a password by one link (%s), one succeeds, and signs in with it',
  async (purpose) => {
    const invited = { email: `${purpose}@example.com`, role: 'member', accountId: await on.make.account() } as const
    const user = purpose === 'invitation' ? await createUserWithoutPassword(on.knex, invited) : await on.make.person()
    const browsers = await openLink({ purpose, userId: user.id, email: user.email }, '/password/new')
    const passwordOf = (n: number) => `plum orbit canvas ${n}x`
    const pages = await together(4, (n) => {
      const { browser, page } = browsers[n]!
      return browser.submit(page, /\/password\/new$/, { password: passwordOf(n), repeat: passwordOf(n) })
    })
    expect(statusesOf(pages)).toEqual(ONE_OF_FOUR)
    for (const [n, { status }] of pages.entries())
      expect(await canSignIn(user.email, passwordOf(n))).toBe(status === 200)
    const changes = { action: 'user.password_changed', target_id: user.id }
    expect(await on.knex('audit_log').where(changes)).toHaveLength(1)
  },
)

test('of four browsers at two nodes that verify an address by one link, one succeeds', async () => {
  const { id: userId, email, password } = await on.make.person()
  const browsers = await openLink({ purpose: 'email_verification', userId, email }, '/email/verify')
  const asked = await Promise.all(
    browsers.map(async ({ browser, page }) =>
      signIn(browser, await browser.submit(page, /\/email\/verify$/), email, password),
    ),
  )
  const pages = await together(4, (n) =>
    browsers[n]!.browser.submit(asked[n]!, /\/email\/verify$/, { earlier: 'keep' }),
  )
  // 409: another browser signed in after this one had listed what signs the user in.
  expect(pages.filter(({ status }) => status === 200)).toHaveLength(1)
  for (const { status } of pages) expect([200, 400, 409]).toContain(status)
  expect(await on.knex('users').where({ id: userId }).first()).toMatchObject({ email_verified: true })
  const events = { action: 'user.email_verified', target_id: userId }
  expect(await on.knex('audit_log').where(events)).toHaveLength(1)
})

test('of four browsers at two nodes that confirm a new address by one link, one succeeds, and stays signed in', async () => {
  const person = await on.make.person()
  const email = `moved-${person.email}`
  const browsers = await openLink({ purpose: 'email_change', userId: person.id, email }, '/account/email/confirm')
  const asked = await Promise.all(
    browsers.map(({ browser, page }) => signIn(browser, page, person.email, person.password)),
  )
  const pages = await together(4, (n) => browsers[n]!.browser.submit(asked[n]!, /\/email\/confirm$/))
  expect(pages.filter(({ text }) => text.includes('Email address changed'))).toHaveLength(1)
  expect(await on.knex('users').where({ id: person.id }).first()).toMatchObject({ email, email_verified: true })
  const isSignedIn = async (n: number) =>
    !(await browsers[n]!.browser.visit('/account/security')).url.includes('/signin')
  expect((await together(4, isSignedIn)).filter(Boolean)).toHaveLength(1)
  expect(await on.knex('audit_log').where({ action: 'user.updated', target_id: person.id })).toHaveLength(1)
})
