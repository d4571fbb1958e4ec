import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { send } from '../support/requests.ts'
import { type Browser, openBrowser } from '../support/scriptless-browser.ts'
import { ADA, CONNECTION, CONSENT, createWorld, LOGIN, openFakeManagement, SYNC } from './fake-management.ts'

let fake: Awaited<ReturnType<typeof openFakeManagement>>
let browser: Browser

beforeAll(async () => {
  fake = await openFakeManagement({ proxy: true })
})
afterAll(() => fake.close())
beforeEach(() => {
  browser = openBrowser(fake.origin)
  Object.assign(fake.world, createWorld(), { signedInAs: undefined })
})

const SHOWN = ['error', 'forward', 'confirm-sign-out', 'signed-out', 'device-code', 'confirm-device', 'device-done']
const PERSONAL = ['/account/applications', '/account/applications/kwc_sync/withdraw', '/account/password']
const OPEN = ['/', '/nothing', '/signin', '/interaction/login1', '/interaction/consent1', '/interaction/gone']

const policyOf = (headers: Headers) => headers.get('content-security-policy')!

describe('every page', () => {
  it.each([...OPEN, ...SHOWN.map((name) => `/show/${name}`), ...PERSONAL])(
    'is framed by nobody, kept by no cache: %s',
    async (path) => {
      if (PERSONAL.includes(path)) fake.world.signedInAs = ADA.id
      const { headers, text } = await browser.visit(path)
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('referrer-policy')).toBe('same-origin')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      for (const part of [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
      ]) {
        expect(policyOf(headers)).toContain(part)
      }
      expect(text).not.toMatch(/<script>|<style|\son\w+=|\sstyle=/)
      expect(text.match(/<h1/g)).toHaveLength(1)
      expect(text).not.toContain('undefined')
    },
  )

  it('asks for TLS only, and hardens its cookies, when it came over TLS', async () => {
    const plain = await send(`${fake.origin}/signin`, { headers: { accept: 'text/html' } })
    expect(plain.headers.get('strict-transport-security')).toBeNull()
    expect(plain.headers.get('set-cookie')).toMatch(/^kw_csrf=[\w-]{43}; path=\/; samesite=lax; httponly$/i)
    const headers = { accept: 'text/html', 'x-forwarded-proto': 'https' }
    const secure = await send(`${fake.origin}/signin`, { headers })
    expect(secure.headers.get('strict-transport-security')).toMatch(/^max-age=\d+$/)
    expect(secure.headers.get('set-cookie')).toMatch(
      /^__Host-kw_csrf=[\w-]{43}; path=\/; samesite=lax; secure; httponly$/i,
    )
  })

  it('lets its forms lead only where the answer may go', async () => {
    const redirects = [
      ['https://sync.example.com/callback', "form-action 'self' https: https://sync.example.com;"],
      ['http://127.0.0.1:4711/callback', "form-action 'self' https: http://127.0.0.1:*;"],
      ['http://[::1]:4711/callback', "form-action 'self' https: http:;"],
      ['http://intranet.example:8080/callback', "form-action 'self' https: http://intranet.example:8080;"],
      ['com.example.app:/callback', "form-action 'self' https: com.example.app:;"],
      [undefined, "form-action 'self' https:;"],
    ] as const
    for (const [redirectUri, expected] of redirects) {
      fake.world.interactions = [{ ...CONSENT, redirectUri }]
      expect(policyOf((await browser.visit('/interaction/consent1')).headers)).toContain(expected)
    }
    expect(policyOf((await browser.visit('/signin')).headers)).toContain("form-action 'self';")
    const forward = await browser.visit('/show/forward?to=com.example.app:/callback')
    expect(policyOf(forward.headers)).toContain("form-action 'self' https: com.example.app:;")
  })
})

const EVIL = '"><script>alert(1)</script>\'&'

const noScript = (text: string) => {
  expect(text).not.toContain('<script>alert')
  expect(text).toContain('&lt;script&gt;alert(1)')
}

describe('what others wrote', () => {
  it('is escaped on the allow page: application, account, person, scope', async () => {
    fake.world.applications = [{ ...SYNC, name: EVIL, accountName: EVIL }]
    fake.world.people = [{ ...ADA, name: EVIL, email: EVIL, accountName: EVIL }]
    fake.world.texts['calendar.read'] = { title: EVIL, description: EVIL }
    const wanted = { identityScopes: [EVIL], claims: [EVIL], apis: { [EVIL]: ['calendar.read'] } }
    fake.world.interactions = [{ ...CONSENT, wanted }]
    const { text } = await browser.visit('/interaction/consent1')
    noScript(text)
    expect(text.match(/&lt;script&gt;/g)!.length).toBeGreaterThan(9)
  })

  it('is escaped on the sign-in page: login hint, application', async () => {
    fake.world.applications = [{ ...SYNC, name: EVIL }]
    fake.world.interactions = [{ ...LOGIN, loginHint: EVIL }]
    const { text } = await browser.visit('/interaction/login1')
    noScript(text)
    expect(text).toContain('value="&quot;&gt;&lt;script')
  })

  it('is escaped among the connected applications', async () => {
    fake.world.signedInAs = ADA.id
    fake.world.connections = [{ ...CONNECTION, name: EVIL, accountName: EVIL }]
    noScript((await browser.visit('/account/applications')).text)
    noScript((await browser.visit('/account/applications/kwc_sync/withdraw')).text)
  })

  it('is escaped on the pages of the protocol', async () => {
    fake.world.applications = [{ ...SYNC, name: EVIL }]
    for (const name of ['confirm-sign-out', 'signed-out', 'confirm-device']) {
      noScript((await browser.visit(`/show/${name}`)).text)
    }
    noScript(
      (await browser.visit(`/show/error?error=${encodeURIComponent(EVIL)}&description=${encodeURIComponent(EVIL)}`))
        .text,
    )
    noScript((await browser.visit(`/show/forward?to=${encodeURIComponent(`/x${EVIL}`)}`)).text)
  })
})

describe('the sign-in page', () => {
  it('has the logo of an application that an operator answers for, and of no other; the instance is always named', async () => {
    const src = `src="${SYNC.logo}"`
    for (const isTrusted of [false, true]) {
      fake.world.applications = [{ ...SYNC, isTrusted }]
      const { text } = await browser.visit('/interaction/login1')
      expect([isTrusted, text.includes(src)]).toEqual([isTrusted, isTrusted])
      const consent = (await browser.visit('/interaction/consent1')).text
      for (const shown of [src, 'site-name', 'Keywright', 'Example Industries', 'sync.example.com'])
        expect(consent).toContain(shown)
    }
    fake.world.applications = [{ ...SYNC, isTrusted: true, logo: null }]
    for (const path of ['/interaction/login1', '/interaction/consent1'])
      expect((await browser.visit(path)).text).not.toContain('application-logo')
  })

  it('has the accent of the application at each step, which its other pages do not have', async () => {
    const styleOf = async (path: string) => {
      const { text } = await browser.visit(path)
      return /<link rel="stylesheet" href="([^"]*\/(?:brand|accent)[^"]*)"/.exec(text)![1]!
    }
    expect(await styleOf('/interaction/login1')).toMatch(/brand\.css$/)
    fake.world.applications = [{ ...SYNC, accent: '#ffee00' }]
    const style = await styleOf('/interaction/login1')
    expect(style).toMatch(/\/accent-ffee00\.css$/)
    const { text, headers } = await send(fake.origin + style)
    expect(text).toContain('--kw-accent:#ffee00')
    expect([headers.get('content-type'), headers.get('cache-control')]).toEqual([
      'text/css; charset=utf-8',
      'public, max-age=31536000, immutable',
    ])
    const login = await browser.visit('/interaction/login1')
    const refused = await browser.submit(login, /sign-in$/, { email: 'ada@example.com', password: 'wrong' })
    expect(refused.status).toBe(400)
    expect(refused.text).toContain(style)
    expect(await styleOf('/interaction/consent1')).toBe(style)
    expect(await styleOf('/signin')).toMatch(/brand\.css$/)
    for (const name of ['accent-fff.css', 'accent-FFEE00.css', 'accent-ffee00ff.css', 'accent-zzzzzz.css'])
      expect([name, (await send(`${fake.origin}/assets/x/${name}`)).status]).toEqual([name, 404])
  })

  it("has the operator's text, as text", async () => {
    const signInText = 'Need help? <a href="https://example.com">Ask us</a>'
    fake.world.brand = { ...fake.world.brand, signInText }
    fake.brandChanged()
    for (const path of ['/signin', '/interaction/login1']) {
      const { text } = await browser.visit(path)
      expect(text).toContain('Need help? &lt;a href=&quot;https://example.com&quot;&gt;Ask us&lt;/a&gt;')
    }
    expect((await browser.visit('/interaction/consent1')).text).not.toContain('Need help?')
    fake.brandChanged()
  })
})

describe('the allow page', () => {
  it('says who asks, what for in words, as whom, and where the answer goes', async () => {
    const { text } = await browser.visit('/interaction/consent1')
    const words = ['Calendar Sync', 'Example Industries', 'sync.example.com', 'Ada Lovelace', 'ada@example.com']
    const permissions = [
      'See your name',
      'See your email address',
      'Keep access while you are signed out',
      'Read your calendar',
    ]
    for (const expected of [...words, ...permissions, 'api.example.com']) expect(text).toContain(expected)
    expect(text).not.toContain('Identify you')
  })

  it('links to the pages of the application, which learn nothing of this one', async () => {
    const { text } = await browser.visit('/interaction/consent1')
    const links = [...text.matchAll(/<a href="(https:[^"]*)" ([^>]*)>([^<]*)/g)].map(([, ...parts]) => parts)
    const attributes = 'target="_blank" rel="noopener noreferrer"'
    expect(links).toEqual([
      ['https://sync.example.com/', attributes, 'Home page'],
      ['https://sync.example.com/privacy', attributes, 'Privacy policy'],
      ['https://sync.example.com/terms', attributes, 'Terms of service'],
    ])
    const pages = { clientUri: null, policyUri: 'https://sync.example.com/?a="><script>alert(1)', tosUri: null }
    fake.world.applications = [{ ...SYNC, pages }]
    const other = (await browser.visit('/interaction/consent1')).text
    expect(other).toContain('Privacy policy')
    expect(other).not.toContain('Terms of service')
    noScript(other)
    fake.world.applications = [{ ...SYNC, pages: { clientUri: null, policyUri: null, tosUri: null } }]
    expect((await browser.visit('/interaction/consent1')).text).not.toContain('application-links')
  })

  it('says so when nothing new is asked for', async () => {
    fake.world.interactions = [{ ...CONSENT, wanted: { identityScopes: [], claims: [], apis: {} } }]
    expect((await browser.visit('/interaction/consent1')).text).toContain('already has access')
  })

  it('calls a native application and a device what they are', async () => {
    fake.world.interactions = [{ ...CONSENT, redirectUri: 'com.example.app:/callback' }]
    expect((await browser.visit('/interaction/consent1')).text).toContain('an application on this device')
    fake.world.interactions = [{ ...CONSENT, redirectUri: undefined }]
    expect((await browser.visit('/interaction/consent1')).text).toContain('a device that shows a code')
  })

  it('calls what people sign in with what it is: their address', async () => {
    fake.world.interactions = [
      { ...CONSENT, wanted: { identityScopes: ['openid'], claims: ['preferred_username'], apis: {} } },
    ]
    const { text } = await browser.visit('/interaction/consent1')
    expect(text).toContain('See your email address')
    expect(text).not.toContain('See your name')
  })

  it('names each thing once, however it was asked for', async () => {
    const wanted = { identityScopes: ['openid', 'email'], claims: ['email', 'sub', 'zoneinfo'], apis: {} }
    fake.world.interactions = [{ ...CONSENT, wanted }]
    const { text } = await browser.visit('/interaction/consent1')
    expect(text.match(/See your email address/g)).toHaveLength(1)
    expect(text).toContain('See your zoneinfo')
    expect(text).not.toContain('See your sub')
  })
})

describe('the connected applications', () => {
  it('say all that was allowed, single claims too, as the allow page did', async () => {
    fake.world.signedInAs = ADA.id
    fake.world.connections = [{ ...CONNECTION, claims: ['email', 'zoneinfo'] }]
    const { text } = await browser.visit('/account/applications')
    for (const permission of ['See your name', 'See your email address', 'See your zoneinfo', 'Read your calendar']) {
      expect(text).toContain(permission)
    }
    fake.world.connections = [{ ...CONNECTION, identityScopes: [], claims: ['zoneinfo'], apis: [] }]
    expect((await browser.visit('/account/applications')).text).toContain('See your zoneinfo')
  })
})

describe('what is asked in another way', () => {
  const ask = (path: string, init: RequestInit = {}) =>
    send(fake.origin + path, { ...init, headers: { accept: 'text/html', ...(init.headers as object) } })

  it('keeps its plain answers for programs', async () => {
    const root = await send(`${fake.origin}/`)
    expect(root.headers.get('content-type')).toContain('text/plain')
    const nothing = await send(`${fake.origin}/nothing`, { headers: { accept: 'application/json' } })
    expect([nothing.status, nothing.body.error]).toEqual([404, 'not_found'])
    const error = await send(`${fake.origin}/show/error?error=invalid_request`)
    expect([error.status, error.body.error]).toEqual([400, 'invalid_request'])
  })

  it('answers HEAD as GET, to browsers and programs', async () => {
    const head = await ask('/signin', { method: 'HEAD' })
    expect([head.status, head.text]).toEqual([200, ''])
    expect((await send(`${fake.origin}/`, { method: 'HEAD' })).status).toBe(200)
  })

  it.each([
    ['DELETE', '/signin', 'HEAD, GET, POST'],
    ['PUT', '/signin', 'HEAD, GET, POST'],
    ['PROPFIND', '/signin', 'HEAD, GET, POST'],
    ['QUERY', '/account/password', 'HEAD, GET, POST'],
    ['GET', '/interaction/consent1/allow', 'POST'],
    ['POST', '/', 'HEAD, GET'],
    ['PROPFIND', '/assets/x/brand.css', 'HEAD, GET'],
    ['POST', '/demo', 'HEAD, GET'],
  ])(
    'is refused with 405, as a page or as JSON, by a method that is not its own: %s %s',
    async (method, path, allow) => {
      const page = await ask(path, { method })
      expect([page.status, page.headers.get('allow')]).toEqual([405, allow])
      expect(page.text).toContain('Method not allowed')
      const json = await send(fake.origin + path, { method, headers: { accept: 'application/json' } })
      expect([json.status, json.headers.get('allow'), json.body.error]).toEqual([405, allow, 'method_not_allowed'])
    },
  )

  it('is nothing where there is nothing, by whichever method', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PROPFIND', 'OPTIONS']) {
      const page = await ask('/nothing', { method })
      expect([method, page.status]).toEqual([method, 404])
      expect(page.text).toContain('Page not found')
      const json = await send(`${fake.origin}/nothing`, { method })
      expect([method, json.status, json.body.error]).toEqual([method, 404, 'not_found'])
    }
  })

  it('gets the allowed methods with OPTIONS, and nothing else happens', async () => {
    const options = await ask('/signin', { method: 'OPTIONS' })
    expect([options.status, options.headers.get('allow'), options.text]).toEqual([204, 'HEAD, GET, POST', ''])
  })

  it('answers what it did not expect with a page that names the request, and nothing private', async () => {
    const { find } = fake.flow
    fake.flow.find = async () => {
      throw new Error('a private detail')
    }
    const page = await ask('/interaction/login1')
    fake.flow.find = find
    expect(page.status).toBe(500)
    expect(page.text).toContain('request-1')
    expect(page.text).not.toContain('private')
    expect(fake.failures.at(-1)).toMatchObject({ message: 'a private detail' })
  })

  it('says that it is away when the database is', async () => {
    const { find } = fake.flow
    fake.flow.find = async () => {
      throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })
    }
    const page = await ask('/interaction/login1')
    fake.flow.find = find
    expect([page.status, page.headers.get('retry-after')]).toEqual([503, '2'])
  })
})

describe('the files that pages load', () => {
  const filesOf = (text: string) => [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => path!)

  it('have the right type, and are kept for ever at an address of their content', async () => {
    const { text } = await browser.visit('/signin')
    const types = ['image/svg+xml', 'text/css', 'text/css', ...Array(3).fill('text/javascript')]
    expect(filesOf(text)).toHaveLength(types.length)
    for (const [n, path] of filesOf(text).entries()) {
      const file = await send(fake.origin + path)
      expect(file.headers.get('content-type')).toContain(types[n])
      expect(file.headers.get('x-content-type-options')).toBe('nosniff')
      expect(file.headers.get('cache-control')).toContain('immutable')
      const again = await send(fake.origin + path, {
        headers: { 'if-none-match': file.headers.get('etag')!, 'cache-control': 'max-age=0' },
      })
      expect(again.status).toBe(304)
    }
  })

  it('are not kept under the address of another version', async () => {
    const file = await send(`${fake.origin}/assets/another/brand.css`)
    expect([file.status, file.headers.get('cache-control')]).toEqual([200, 'no-cache'])
  })

  it('are only these', async () => {
    for (const path of [
      '/assets/x/styles/base.css',
      '/assets/x/..%2flayout.eta',
      '/assets/x/logo',
      '/assets/x/constructor',
    ]) {
      expect((await send(fake.origin + path)).status).toBe(404)
    }
  })
})
