import { formsOf, type Page } from './scriptless-browser.ts'

/** Whether a page of the console is shown to somebody who has signed in: all others see the form for it. */
export const isSignedIn = (page: Page): boolean =>
  page.status === 200 && !formsOf(page).some(({ action }) => /sign-?in$/.test(action))
