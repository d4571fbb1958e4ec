/** The query of a registered redirect or post-logout URI is retained (RFC 6749, section 3.1.2). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Browser, formsOf, openBrowser } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { type Application, createApplication, expectNoFieldErrors, getCode, isForward } from './application-fixtures.ts'

/** What follows the path of a registered URI, and what it is followed by before the response's parameters. */
const QUERIES: [query: string, separator: string][] = [
  ['', '?'],
  ['?', ''],
  ['?/auth/callback', '&'],
  ['?close', '&'],
  ['?close=', '&'],
  ['?a=b%20c', '&'],
  ['?a=b+c', '&'],
  ['?a=%FC', '&'],
  ['?a=%fc%2f', '&'],
  ['?off=100%', '&'],
  ['?a=1;b=2', '&'],
  ['?id[]=1', '&'],
  ['?a=1&a=2', '&'],
  ['?a=1&', ''],
  ["?it's=(a)!~,:@$", '&'],
  ['?next=https://app.example.com/a?b=c', '&'],
  ['?empty=&=1&&x', '&'],
]

const BASES = ['https://app.example.com/Cb', 'com.example.app:/cb', 'https://APP.example.com:443/a/../%7Eb']

const URIS = BASES.flatMap((base) => QUERIES.map(([query, separator]) => [base + query, separator] as const))

let server: Keywright
let person: Person
let application: Application
let browser: Browser

beforeAll(async () => {
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
  const uris = URIS.map(([uri]) => uri)
  const redirectUris = [...uris, 'https://app.example.com/ü?ä=ß', 'http://127.0.0.1/cb?/x']
  application = await createApplication(server, { redirectUris, postLogoutRedirectUris: redirectUris, consent: 'skip' })
  browser = openBrowser(server.url)
  await getCode(browser, application, person, { redirect_uri: BASES[0] })
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

const NOBODY = { prompt: 'none' }

/** Where a request of nobody in particular is sent back to: an error, by the header as it came. */
const refusal = async (params: Record<string, string>): Promise<string | null> =>
  (await openBrowser(server.url).visit(application.link({ ...NOBODY, ...params }))).headers.get('location')

describe.each(URIS)('%s', (uri, separator) => {
  test('is followed by a code', async () => {
    const { headers } = await browser.visit(application.link({ ...NOBODY, redirect_uri: uri }))
    expect(headers.get('location')).toMatch(/[?&]code=[\w-]+&state=state-1&iss=http[\w%.]+$/)
    expect(headers.get('location')!.replace(/code=.*$/, '')).toBe(uri + separator)
  })

  test('is followed by an error', async () => {
    const sent = await refusal({ redirect_uri: uri })
    expect(sent!.replace(/error=login_required&.*$/, '')).toBe(uri + separator)
  })

  test('is followed by a fragment', async () => {
    const { headers } = await browser.visit(
      application.link({ ...NOBODY, redirect_uri: uri, response_mode: 'fragment' }),
    )
    expect(headers.get('location')!.replace(/#code=.*$/, '')).toBe(uri)
    const sent = await refusal({ redirect_uri: uri, response_mode: 'fragment' })
    expect(sent!.replace(/#error=login_required&.*$/, '')).toBe(uri)
  })

  test('is the action of a form', async () => {
    const page = await browser.visit(application.link({ ...NOBODY, redirect_uri: uri, response_mode: 'form_post' }))
    expect(isForward(page)).toBe(true)
    expect(page.text).toContain(`action="${escapeHtml(uri)}"`)
    expect(formsOf(page)[0]!.fields.code).toBeTruthy()
  })

  test('is followed by the state after a sign-out', async () => {
    const left = openBrowser(server.url)
    const query = { client_id: application.clientId, post_logout_redirect_uri: uri }
    for (const [state, added] of [
      ['s & 1', `${separator}state=s+%26+1`],
      ['', ''],
    ]) {
      const link = `/oauth2/logout?${new URLSearchParams({ ...query, ...(state && { state }) })}`
      const { headers } = await left.submit(await left.visit(link), /confirm$/)
      expect(headers.get('location')).toBe(uri + added)
    }
  })
})

const escapeHtml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll("'", '&#39;')

test('characters outside ASCII are sent percent-encoded', async () => {
  const sent = await refusal({ redirect_uri: 'https://app.example.com/ü?ä=ß' })
  expect(sent).toMatch(/^https:\/\/app\.example\.com\/%C3%BC\?%C3%A4=%C3%9F&error=/)
})

test('a loopback URI keeps the port of the request and the query', async () => {
  expect(await refusal({ redirect_uri: 'http://127.0.0.1:5000/cb?/x' })).toMatch(
    /^http:\/\/127\.0\.0\.1:5000\/cb\?\/x&error=/,
  )
})

test('a user who signs in and out is redirected to the exact URIs', async () => {
  const own = openBrowser(server.url)
  const redirect_uri = `${BASES[0]}?/auth/callback`
  await getCode(own, application, person, { redirect_uri })
  const query = { client_id: application.clientId, post_logout_redirect_uri: redirect_uri, state: 'x' }
  const asked = await own.visit(`/oauth2/logout?${new URLSearchParams(query)}`)
  for (const yes of [{}, { logout: 'yes' }] as Record<string, string>[]) {
    const page = await own.submit(yes.logout ? await own.visit(asked.url) : asked, /confirm$/, yes)
    expect(page.headers.get('location')).toBe(`${redirect_uri}&state=x`)
  }
})
