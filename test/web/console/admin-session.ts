import type { Keywright } from '../../support/keywright.ts'
import { formsOf, type Page } from '../../support/scriptless-browser.ts'
import { createTestUser } from '../../support/test-users.ts'
import { enter } from './console-visits.ts'

/** An admin of an account who has signed in to the console. */
export type Admin = Awaited<ReturnType<typeof openAdmin>>

export async function openAdmin(server: Keywright, account = server.firstStart.accountId) {
  const person = await createTestUser(server.knex, account, 'admin')
  const browser = await enter(server, person)

  /** Posts to an address what a page's form would, in the order of the fields; nothing but these is sent. */
  async function post(page: Page, path: string, fields: Record<string, string>): Promise<Page> {
    const csrf = formsOf(page).find((form) => form.fields.csrf)!.fields.csrf!
    const body = new URLSearchParams({ csrf, ...fields })
    return await browser.visit(path, { method: 'POST', body, headers: { origin: server.url } })
  }

  return { ...browser, person, post }
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
const unescapeHtml = (text: string) => text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => ENTITIES[name]!)

/** The commands of a page as they can be copied. */
export const commandsOf = ({ text }: Page): string[] =>
  [...text.matchAll(/<pre\b[^>]*><code>([\s\S]*?)<\/code><\/pre>/g)].map(([, code]) => unescapeHtml(code!))

/** The value of a field that is shown to be copied, by its label. */
export function copyableOf({ text }: Page, label: string): string {
  const id = new RegExp(`<label for="([^"]+)">${label}</label>`).exec(text)?.[1]
  return new RegExp(`<input id="${id}"[^>]* value="([^"]*)"`).exec(text)![1]!
}
