import { CALLBACK } from './factory.ts'
import type { Credentials, FormData } from './requests.ts'
import { type Browser, createPkce, openBrowser, type Page, signIn } from './scriptless-browser.ts'
import type { Person } from './test-users.ts'

/** A code as its application receives it. */
export interface ReceivedCode {
  readonly code: string
  readonly verifier: string
}

/** What an application sends for it. */
export const redemptionOf = ({ code, verifier }: ReceivedCode): FormData => ({
  grant_type: 'authorization_code',
  redirect_uri: CALLBACK,
  code,
  code_verifier: verifier,
})

export function authorizationOf({ clientId }: Credentials, more: FormData = {}) {
  const { verifier, challenge } = createPkce()
  const request = { client_id: clientId, response_type: 'code', redirect_uri: CALLBACK, scope: 'read', ...more }
  return { verifier, form: { ...request, code_challenge: challenge, code_challenge_method: 'S256' } }
}

export const linkOf = (form: FormData): string => `/oauth2/authorize?${new URLSearchParams(form)}`

/** The code that a page led to; fails with what the page was instead. */
export function codeOf({ left, status, text }: Page): string {
  const code = left?.searchParams.get('code')
  if (!code) throw new Error(`no code, but ${status} ${left ?? ''} ${text.slice(0, 500)}`)
  return code
}

/** Somebody who has signed in in a browser of their own, at one node. */
export type SignedInBrowser = Awaited<ReturnType<typeof openSignedInBrowser>>

export async function openSignedInBrowser(node: { url: string }, person: Person) {
  const browser: Browser = openBrowser(node.url)
  const { status } = await signIn(browser, await browser.visit('/signin'), person.email, person.password)
  if (status >= 500) throw new Error(`not signed in, but ${status}`)

  /** Follows an application's link to wherever it leads. */
  async function follow(client: Credentials, more: FormData = {}) {
    const { verifier, form } = authorizationOf(client, more)
    return { verifier, page: await browser.visit(linkOf(form)) }
  }

  return {
    ...browser,
    person,
    follow,
    /** A code for an application that shows them no page. */
    async code(client: Credentials, more: FormData = {}): Promise<ReceivedCode> {
      const { verifier, page } = await follow(client, more)
      return { code: codeOf(page), verifier }
    },
  }
}
