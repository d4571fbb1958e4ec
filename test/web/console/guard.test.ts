import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { KeywrightError, notFound, RateLimitedError, stale } from '../../../src/shared/errors.ts'
import type { ConsoleCall, ConsoleRoute } from '../../../src/web/console/kit/console-route.ts'
import { type Browser, formsOf, openBrowser } from '../../support/scriptless-browser.ts'
import { ADA, BOB, createWorld, openFakeManagement } from '../fake-management.ts'

let fake: Awaited<ReturnType<typeof openFakeManagement>>
let browser: Browser
let calls: ConsoleCall[] = []

const ERRORS: Record<string, () => Error> = {
  not_found: () => notFound('application', 'kwc_secret'),
  forbidden: () => new KeywrightError('forbidden', 'this is an operator’s to decide'),
  conflict: () => new KeywrightError('conflict', 'the application is archived'),
  stale: () => stale('the application'),
  invalid_input: () => new KeywrightError('invalid_input', 'this is no place in this list'),
  rate_limited: () => new RateLimitedError(7),
}

async function handle(call: ConsoleCall): Promise<void> {
  calls.push(call)
  const error = ERRORS[call.query.get('error') ?? '']
  if (error) throw error()
  const notices = { saved: 'It is saved.' }
  call.show({ view: 'console/blocks', title: 'A page', data: { blocks: [] }, notices })
}

const ADMIN = { role: 'admin', scope: 'applications:read' } as const

const ROUTES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/things', permission: ADMIN, handle },
  { method: 'get', path: '/things/:id', permission: ADMIN, handle },
  { method: 'post', path: '/things/:id', permission: ADMIN, handle },
  { method: 'post', path: '/things/:id/end', permission: ADMIN, handle },
  { method: 'post', path: '/things/:id/logo', permission: ADMIN, takesFiles: true, handle },
  { method: 'get', path: '/all', permission: { role: 'operator', scope: 'instance:read' }, handle },
]

const GRACE = { ...ADA, id: 'grace', role: 'admin' } as const

beforeAll(async () => {
  fake = await openFakeManagement({ routes: ROUTES })
})
afterAll(() => fake.close())
beforeEach(() => {
  calls = []
  browser = openBrowser(fake.origin)
  Object.assign(fake.world, createWorld(), { signedInAs: GRACE.id, people: [ADA, BOB, GRACE] })
})

/** Posts as a page's own form would. */
async function post(path: string, body: URLSearchParams | FormData = new URLSearchParams()) {
  const csrf = formsOf(await browser.visit('/account/password'))[0]?.fields.csrf ?? (await signInCsrf())
  body.set('csrf', csrf)
  const headers = { accept: 'text/html', cookie: `kw_csrf=${new Map(browser.cookies).get('kw_csrf /')!.value}` }
  const response = await fetch(fake.origin + path, { method: 'POST', body, headers, redirect: 'manual' })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

const signInCsrf = async () => formsOf(await browser.visit('/signin'))[0]!.fields.csrf!

const returnTo = (location: string | null) => new URL(location!, fake.origin).searchParams.get('return_to')

describe('a page of the console', () => {
  it('sends nobody to sign in, and back to the address with its query', async () => {
    fake.world.signedInAs = undefined
    const page = await browser.visit('/things?status=active&search=a%26b')
    expect(new URL(page.url).pathname).toBe('/signin')
    expect(returnTo(page.url)).toBe('/things?status=active&search=a%26b')
    expect(calls).toEqual([])
  })

  it('sends nobody who posts to sign in too, and back to what can be shown', async () => {
    fake.world.signedInAs = undefined
    const wanted: [string, string][] = [
      ['/things/a%20b', '/things/a%20b'],
      ['/things/7/end', '/things/7'],
      ['/things/7/logo', '/things/7'],
    ]
    for (const [path, back] of wanted) {
      const { status, headers } = await post(path)
      expect([path, status, returnTo(headers.get('location'))]).toEqual([path, 303, back])
    }
    expect(calls).toEqual([])
  })

  it('tells those whose role is too low, and does nothing for them', async () => {
    fake.world.signedInAs = ADA.id
    const page = await browser.visit('/things')
    expect(page.status).toBe(403)
    expect(page.text).toContain('This page is for the admins of an account, and you are signed in as a member.')
    expect((await post('/things/7/end')).status).toBe(403)
    fake.world.signedInAs = GRACE.id
    expect((await browser.visit('/all')).status).toBe(403)
    expect(calls).toEqual([])
    fake.world.signedInAs = BOB.id
    expect([(await browser.visit('/all')).status, (await browser.visit('/things')).status]).toEqual([200, 200])
  })

  it('tells its handle who acts, through which request, and for which account', async () => {
    await browser.visit('/things/7?search=x')
    const [{ who, params, query, form }] = calls as [ConsoleCall]
    expect(who).toMatchObject({ role: 'admin', accountId: 'engines', userId: 'grace', scopes: null })
    expect(who.actor).toMatchObject({ type: 'user', id: 'grace', requestId: 'request-1' })
    expect([params.id, query.get('search'), form.size]).toEqual(['7', 'x', 0])
  })

  it.each([
    ['not_found', 404, 'Page not found'],
    ['forbidden', 403, 'This is an operator’s to decide.'],
    ['conflict', 409, 'The application is archived.'],
    ['stale', 412, 'This was changed by another user'],
    ['invalid_input', 400, 'This is no place in this list.'],
    ['rate_limited', 429, 'Too many requests'],
  ])('says why in the console when it fails: %s', async (error, status, words) => {
    const page = await browser.visit(`/things?error=${error}`)
    expect([page.status, page.text.includes(words)]).toEqual([status, true])
    expect(page.text).toContain('aria-label="Console"')
    expect(page.text).not.toContain('kwc_secret')
    expect(page.headers.get('retry-after')).toBe(error === 'rate_limited' ? '7' : null)
  })

  it('says what was done only in its own words', async () => {
    expect((await browser.visit('/things?notice=saved')).text).toContain('It is saved.')
    for (const notice of ['evil', 'constructor', '__proto__'])
      expect((await browser.visit(`/things?notice=${notice}`)).text).not.toContain('class="notice"')
  })

  it('refuses an address that names a field twice, and one that holds a NUL', async () => {
    for (const path of ['/things?a=1&a=2', '/things?a=%00', '/things/%00'])
      expect([path, (await browser.visit(path)).status]).toEqual([path, 400])
    expect(calls).toEqual([])
  })

  it('takes a form only from its own pages', async () => {
    const response = await fetch(`${fake.origin}/things/7`, { method: 'POST', headers: { accept: 'text/html' } })
    expect(response.status).toBe(403)
    expect(await response.text()).toContain('href="/things/7"')
    expect(calls).toEqual([])
  })
})

describe('a form with a file', () => {
  const upload = (bytes: number, name = 'logo') => {
    const body = new FormData()
    body.set('name', 'Acme')
    body.set(name, new File([new Uint8Array(bytes).fill(7)], 'a.png'))
    return body
  }

  it('is read with its bytes where it is awaited', async () => {
    expect((await post('/things/7/logo', upload(200_000))).status).toBe(200)
    const [{ form, files }] = calls as [ConsoleCall]
    expect([form.get('name'), files.get('logo')?.length, files.get('logo')?.[0]]).toEqual(['Acme', 200_000, 7])
  })

  it('has no file where none was chosen', async () => {
    await post('/things/7/logo', upload(0))
    expect(calls[0]!.files.size).toBe(0)
  })

  it('is refused elsewhere, when it is too large, damaged, names a field twice, or holds a NUL', async () => {
    expect((await post('/things/7', upload(10))).status).toBe(415)
    expect((await post('/things/7/logo', upload(400_000))).status).toBe(413)
    const twice = upload(10)
    twice.append('name', 'again')
    expect((await post('/things/7/logo', twice)).status).toBe(400)
    const withNul = upload(10)
    withNul.set('name', 'Ac\0me')
    expect((await post('/things/7/logo', withNul)).status).toBe(400)
    const headers = { accept: 'text/html', 'content-type': 'multipart/form-data; boundary=x' }
    const damaged = await fetch(`${fake.origin}/things/7/logo`, { method: 'POST', headers, body: '--x\r\nnothing' })
    expect(damaged.status).toBe(400)
    expect(calls).toEqual([])
  })
})

describe('the way around', () => {
  const setIndexesOf = (text: string) =>
    [...text.matchAll(/<li><a href="([^"]+)"(?! hreflang)/g)].map(([, href]) => href!)

  it('shows each role its own pages and no others', async () => {
    const seen: Record<string, string[]> = {}
    for (const { id, role } of [ADA, GRACE, BOB]) {
      fake.world.signedInAs = id
      seen[role] = [...new Set(setIndexesOf((await browser.visit('/account/password')).text))]
    }
    const own = ['/account/applications', '/account/password', '/account/security']
    const docs = '/api/v1/docs'
    expect(seen).toEqual({
      member: ['/', ...own],
      admin: [
        '/',
        '/settings/api',
        '/applications',
        '/users',
        '/identity-providers',
        '/inspect',
        '/leaks',
        '/usage',
        '/activity',
        '/webhooks',
        ...own,
        docs,
      ],
      operator: [
        '/',
        '/accounts',
        '/applications',
        '/users',
        '/identity-providers',
        '/apis',
        '/signing-keys',
        '/inspect',
        '/leaks',
        '/settings/instance',
        '/usage',
        '/activity',
        '/webhooks',
        ...own,
        docs,
      ],
    })
  })

  it('says where one is, once in each menu', async () => {
    const { text } = await browser.visit('/account/applications/kwc_sync/withdraw')
    const current = [...text.matchAll(/<a href="([^"]+)" aria-current="page"/g)].map(([, href]) => href)
    expect(current).toEqual(['/account/applications', '/account/applications'])
  })
})
