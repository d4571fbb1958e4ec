import { hashPassword } from '../src/accounts/passwords.ts'
import { createUser } from '../src/accounts/users.ts'
import { openBrowser, signIn } from '../test/support/scriptless-browser.ts'
import type { Population } from './keywright.ts'
import { type Load, measure } from './load.ts'
import type { Measured } from './processes.ts'

const PASSWORD = 'an operator who only measures'

/** What an operator looks at most, and what grows with the clients: the first page, the last, and what is searched for. */
const LISTS = ['/applications', '/applications?status=archived', '/applications?search=bench', '/users', '/accounts']

/** The cookies of an operator who has signed in. */
async function signInAsOperator({ database }: Population, server: Measured): Promise<string> {
  const email = 'bench@keywright.example'
  const { user } = await createUser(database.knex, { email, role: 'operator', accountId: null })
  const chosen = { password_hash: await hashPassword(PASSWORD), password_change_required: false }
  await database.knex('users').where({ id: user.id }).update(chosen)
  const browser = openBrowser(server.url)
  await signIn(browser, await browser.visit('/signin'), email, PASSWORD)
  return [...browser.cookies].map(([key, { value }]) => `${key.split(' ')[0]}=${value}`).join('; ')
}

/** Milliseconds until half of the answers of each list are there, for one who looks at a time. */
export async function measureLists(
  population: Population,
  server: Measured,
  seconds: number,
): Promise<Record<string, number>> {
  const cookie = await signInAsOperator(population, server)
  const times: Record<string, number> = {}
  for (const path of LISTS) {
    const load: Load = { path, method: 'GET', headers: { cookie, accept: 'text/html' }, connections: 1 }
    times[path] = (await measure(server, load, seconds)).mean
  }
  return times
}
