import { expect } from 'vitest'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import type { Keywright } from '../support/keywright.ts'
import type { Answer, FormData, RequestOptions } from '../support/requests.ts'
import { type Browser, createPkce, formsOf, openBrowser, type Page, signIn } from '../support/scriptless-browser.ts'
import type { Person } from '../support/test-users.ts'

export const CALLBACK = 'https://app.example.com/callback'
export const STATE = 'state-1'

/** Undefined takes a parameter away that would be there. */
export type Params = Record<string, string | undefined>

export type Application = Awaited<ReturnType<typeof createApplication>>

interface Made {
  /** The first is the default one; none: the instance's default API. */
  readonly apis?: string[]
  readonly scopes?: string[]
}

const given = (params: Params): [string, string][] =>
  Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== undefined)

/** An application that is registered with a server, and what it would send. */
export async function createApplication(server: Keywright, settings: Partial<ClientSettings> = {}, made: Made = {}) {
  const pkce = createPkce()
  const all = { grants: ['authorization_code', 'refresh_token'], redirectUris: [CALLBACK], ...settings }
  const { clientId, clientSecret } = await server.make.client(all, made.apis, made.scopes ?? null)
  const [redirectUri] = all.redirectUris
  const asItself: RequestOptions = settings.isPublic ? {} : { basic: { clientId, clientSecret } }
  const named: FormData = settings.isPublic ? { client_id: clientId } : {}

  const requested = (params: Params): [string, string][] =>
    given({
      client_id: clientId,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid',
      state: STATE,
      code_challenge: pkce.challenge,
      code_challenge_method: 'S256',
      ...params,
    })

  return {
    clientId,
    clientSecret,
    pkce,
    basic: { clientId, clientSecret },
    requested,
    /** A request for a code, as a link. */
    link: (params: Params = {}) => `/oauth2/authorize?${new URLSearchParams(requested(params))}`,
    redeem: (code: string, params: Params = {}, options: RequestOptions = {}): Promise<Answer> =>
      server.token(
        Object.fromEntries(
          given({
            grant_type: 'authorization_code',
            code,
            redirect_uri: redirectUri,
            code_verifier: pkce.verifier,
            ...named,
            ...params,
          }),
        ),
        { ...asItself, ...options },
      ),
    refresh: (refreshToken: string, params: Params = {}, options: RequestOptions = {}): Promise<Answer> =>
      server.token(
        Object.fromEntries(given({ grant_type: 'refresh_token', refresh_token: refreshToken, ...named, ...params })),
        { ...asItself, ...options },
      ),
  }
}

/** Goes on as somebody who signs in where that is asked and allows what is asked for, until the application is reached. */
export async function goOn(browser: Browser, page: Page, person: Person): Promise<URL> {
  let now = page
  for (let steps = 0; !now.left && steps < 6; steps++) {
    if (isSignIn(now)) now = await signIn(browser, now, person.email, person.password)
    else if (isAllow(now)) now = await browser.submit(now, /allow$/)
    else if (isForward(now)) now = await browser.submit(now, /./)
    else break
  }
  if (!now.left) throw new Error(`no way on from ${now.url}: ${inShort(now)}`)
  return now.left
}

export const openBrowserOn = ({ url }: Keywright): Browser => openBrowser(url)

export const isSignIn = (page: Page): boolean => formsOf(page).some(({ action }) => /sign-in$/.test(action))
export const isAllow = (page: Page): boolean => formsOf(page).some(({ action }) => /allow$/.test(action))
export const isForward = ({ text }: Page): boolean => text.includes('data-forward')

/** What came back in the query of a redirect, or in its fragment. */
export function answerOf(left: URL | undefined): Record<string, string> {
  const inFragment = new URLSearchParams(left?.hash.slice(1))
  return Object.fromEntries([...(left?.searchParams ?? []), ...inFragment])
}

/** The code that a person's way through the pages led to. */
export async function getCode(
  browser: Browser,
  application: Application,
  person: Person,
  params: Params = {},
): Promise<string> {
  const left = await goOn(browser, await browser.visit(application.link(params)), person)
  const { code, ...rest } = answerOf(left)
  if (!code) throw new Error(`no code came back: ${JSON.stringify(rest)}`)
  return code
}

/** The tokens that a person's way through the pages led to, in a browser of their own unless one is given. */
export async function getTokens(
  server: Keywright,
  application: Application,
  person: Person,
  { browser = openBrowser(server.url), params = {} }: { browser?: Browser; params?: Params } = {},
): Promise<Answer['body']> {
  const answer = await application.redeem(await getCode(browser, application, person, params))
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)])
  return answer.body
}

/** A page in one line, for a test that fails. */
export const inShort = ({ status, text, left }: Page): string =>
  left?.href ?? `${status} ${text.replace(/^[\s\S]*<main/, '<main').replace(/<[^>]*>|\s+/g, ' ')}`

/** An error went back to the application, as RFC 6749, section 4.1.2.1, and RFC 9207 want it. */
export function expectSentBack(server: Keywright, page: Page, error: string): void {
  expect(inShort(page)).toContain('error=')
  expect(answerOf(page.left)).toMatchObject({ error, state: STATE, iss: server.issuer })
  expect(answerOf(page.left).code).toBeUndefined()
}

/** The response is a page, and redirects nobody. */
export function expectPage(page: Page, status = 400): void {
  expect(page.left?.href).toBeUndefined()
  expect(page.status).toBe(status)
  expect(page.headers.get('content-type')).toMatch(/^text\/html/)
  expect(page.text).toContain('<h1>')
}

/** Nothing of what the tests sent was the server's fault. */
export function expectNoFieldErrors(server: Keywright): void {
  const fieldErrors = server.logLines().filter((line) => (line.level as number) >= 50 || (line.status as number) >= 500)
  expect(fieldErrors).toEqual([])
}
