/** A session that its user ends at one node is invalid at every node, in the console and for applications. */
import { beforeAll, expect, test } from 'vitest'
import { together, until } from '../support/load.ts'
import { countWaiting } from '../support/lock-waits.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import { type Browser, openBrowser, type Page, signIn } from '../support/scriptless-browser.ts'
import type { Person } from '../support/test-users.ts'

const SECURITY = '/account/security'

let on: SharedNodes

beforeAll(async () => {
  on = await shareNodes()
})

async function enter({ email, password }: Person, n: number): Promise<Browser> {
  const browser = openBrowser(on.nodes[n]!.url)
  await signIn(browser, await browser.visit('/signin'), email, password)
  return browser
}

/** The same browser, sent to the other node. */
function at(n: number, browser: Browser): Browser {
  const moved = openBrowser(on.nodes[n]!.url)
  for (const [key, cookie] of browser.cookies) moved.cookies.set(key, cookie)
  return moved
}

const isSignedIn = async (browser: Browser): Promise<boolean> =>
  !(await browser.visit(SECURITY)).url.includes('/signin')

const endPathsOn = ({ text }: Page): string[] => [...text.matchAll(/href="([^"]*\/end)"/g)].map(([, path]) => path!)

test('a session that is ended at one node is refused by the next request to each node', async () => {
  const person = await on.make.person()
  const [here, there] = [await enter(person, 0), await enter(person, 1)]
  const [path] = endPathsOn(await here.visit(SECURITY))
  await here.submit(await here.visit(path!), /end$/)
  expect(await Promise.all([0, 1].map((n) => isSignedIn(at(n, there))))).toEqual([false, false])
  expect(await isSignedIn(at(1, here))).toBe(true)
})

test('signing out everywhere else at one node ends a session that is in use at the other', async () => {
  const person = await on.make.person()
  const [here, there] = [await enter(person, 0), await enter(person, 1)]
  const asked = await here.visit(`${SECURITY}/sessions/others`)
  const busy = together(20, () => at(1, there).visit(SECURITY))
  await here.submit(asked, /others$/)
  await busy
  expect(await Promise.all([0, 1].map((n) => isSignedIn(at(n, there))))).toEqual([false, false])
  expect(await Promise.all([0, 1].map((n) => isSignedIn(at(n, here))))).toEqual([true, true])
})

test('of two browsers that sign each other out at once at two nodes, one stays signed in', async () => {
  const person = await on.make.person()
  const browsers = [await enter(person, 0), await enter(person, 1)]
  const asked = await Promise.all(browsers.map((browser) => browser.visit(`${SECURITY}/sessions/others`)))
  let submitting: Promise<Page[]> | undefined
  await on.knex.transaction(async (trx) => {
    await trx('users').where({ id: person.id }).forUpdate().first('id')
    submitting = together(2, (n) => browsers[n]!.submit(asked[n]!, /others$/))
    await until(async () => (await countWaiting(on.knex)) >= 2)
  })
  const pages = (await submitting)!
  for (const { status } of pages) expect(status).toBeLessThan(500)
  const signedIn = await Promise.all(browsers.map(isSignedIn))
  expect(signedIn.filter(Boolean)).toHaveLength(1)
  // A session that was ended meanwhile ends no other.
  const act = { action: 'user.other_sessions_ended', target_id: person.id }
  expect(await on.knex('audit_log').where(act)).toHaveLength(1)
})
