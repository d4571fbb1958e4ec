import type { Knex } from 'knex'
import { createUser } from '../../../src/accounts/users.ts'
import type { Keywright } from '../../support/keywright.ts'
import { type Browser, openBrowser, type Page, signIn } from '../../support/scriptless-browser.ts'
import { statementsDuring } from '../../support/statements.ts'
import { choosePassword, PASSWORD, type Person } from '../../support/test-users.ts'

let made = 0

/** Somebody of no account, who has chosen a password. */
export async function createOperator(knex: Knex): Promise<Person> {
  const email = `operator-${++made}-${process.pid}@example.com`
  const { user } = await createUser(knex, { email, role: 'operator', accountId: null, name: `Operator ${made}` })
  await choosePassword(knex, user.id)
  return { ...user, password: PASSWORD }
}

/** A browser in which somebody has signed in. */
export async function enter({ url }: Pick<Keywright, 'url'>, { email, password }: Person): Promise<Browser> {
  const browser = openBrowser(url)
  await signIn(browser, await browser.visit('/signin'), email, password)
  return browser
}

/** What a page says, without its markup. */
export const wordsOf = ({ text }: Page): string =>
  text
    .replace(/^[\s\S]*<main\b[^>]*>/, '')
    .replace(/<\/main>[\s\S]*$/, '')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ')

/**
 * What a page asks the database. Jobs ask at the same time, and a new connection is set up: so the page is visited
 * several times, and the visit with the fewest statements counts.
 * @param most expected: the page is visited more often until no more are seen
 */
export async function statementsOf(browser: Browser, path: string, most = 3): Promise<string[]> {
  const visits: string[][] = []
  for (let visit = 0; visit < 5 || (visit < 30 && visits.every(({ length }) => length > most)); visit++) {
    visits.push(await statementsDuring(() => browser.visit(path)))
  }
  const fewest = visits.sort((one, other) => one.length - other.length)[0]!
  if (fewest.length === 0) throw new Error(`${path} is drawn without a statement: a page reads the session at least`)
  return fewest
}
