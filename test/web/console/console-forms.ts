import type { Keywright } from '../../support/keywright.ts'
import type { Page } from '../../support/scriptless-browser.ts'
import { createOperator, enter } from './console-visits.ts'
import { type Changes, filledForm, sendForm } from './filled-forms.ts'

const exactly = (action: string): RegExp => new RegExp(`${action.replaceAll('/', '\\/')}$`)

/** What a browser would send of the form with this path as its action. */
export const formAt = (page: Page, action: string): Record<string, string> =>
  Object.fromEntries(filledForm(page, exactly(action)).fields)

/** An operator who has signed in to the console. */
export async function openOperator(server: Keywright) {
  const person = await createOperator(server.knex)
  const browser = await enter(server, person)
  const send = (page: Page, action: string, changes: Changes = {}) => sendForm(browser, page, exactly(action), changes)
  return { ...browser, person, send }
}

export type Operator = Awaited<ReturnType<typeof openOperator>>
