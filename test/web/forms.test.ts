import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Browser, formsOf, openBrowser } from '../support/scriptless-browser.ts'
import { ADA, BOB, CONSENT, createWorld, ONE_TIME, openFakeManagement, PASSWORD, WEAK } from './fake-management.ts'

let fake: Awaited<ReturnType<typeof openFakeManagement>>
let browser: Browser

beforeAll(async () => {
  fake = await openFakeManagement()
})
afterAll(() => fake.close())
beforeEach(() => {
  browser = openBrowser(fake.origin)
  Object.assign(fake.world, createWorld(), { signedInAs: undefined })
})

const changes = () => fake.world.done.filter(([what]) => what !== 'attempt').map(([what]) => what)

/** A browser without any cookie sends a form, with these headers. */
async function post(path: string, body: string | URLSearchParams, headers: Record<string, string> = {}) {
  const init = { method: 'POST', body, headers: { accept: 'text/html', ...headers }, redirect: 'manual' } as const
  const response = await fetch(fake.origin + path, init)
  return { status: response.status, headers: response.headers, text: await response.text() }
}

const csrfCookie = () => `kw_csrf=${new Map(browser.cookies).get('kw_csrf /')!.value}`

async function csrfPair() {
  const page = await browser.visit('/signin')
  return { csrf: formsOf(page)[0]!.fields.csrf!, cookie: csrfCookie() }
}

describe('a form that this browser was not given', () => {
  it('is refused without the cookie, with words on how to go on', async () => {
    const { csrf } = await csrfPair()
    const answer = await post('/interaction/consent1/allow', new URLSearchParams({ csrf, user: ADA.id }))
    expect(answer.status).toBe(403)
    expect(answer.text).toContain('blocks cookies')
    expect(answer.text).toContain('href="/interaction/consent1"')
    expect(changes()).toEqual([])
  })

  it('is refused without the field, and with that of another browser', async () => {
    const { cookie } = await csrfPair()
    for (const csrf of ['', 'A'.repeat(43)]) {
      const answer = await post('/interaction/consent1/allow', new URLSearchParams({ csrf, user: ADA.id }), { cookie })
      expect(answer.status).toBe(403)
      expect(answer.text).toContain('has expired')
    }
    expect(changes()).toEqual([])
  })

  it.each([
    ['sec-fetch-site', 'cross-site'],
    ['sec-fetch-site', 'same-site'],
    ['origin', 'https://evil.example'],
    ['origin', 'not an origin'],
  ])('is refused when the browser says that it comes from elsewhere: %s %s', async (name, value) => {
    const { csrf, cookie } = await csrfPair()
    const body = new URLSearchParams({ csrf, user: ADA.id })
    const answer = await post('/interaction/consent1/allow', body, { cookie, [name]: value })
    expect(answer.status).toBe(403)
    expect(answer.text).toContain('Request blocked')
    expect(changes()).toEqual([])
  })

  it.each([
    ['sec-fetch-site', 'none'],
    ['origin', 'null'],
  ])('is taken with %s %s, which browsers send of themselves', async (name, value) => {
    const { csrf, cookie } = await csrfPair()
    const body = new URLSearchParams({ csrf, user: ADA.id })
    expect((await post('/interaction/consent1/allow', body, { cookie, [name]: value })).status).toBe(303)
  })

  it('guards every address that takes one', async () => {
    const paths = ['sign-in', 'password', 'allow', 'deny', 'switch'].map((step) => `/interaction/consent1/${step}`)
    const others = ['/signin', '/signin/password', '/signout', '/account/password', '/account/applications/x/withdraw']
    for (const path of [...paths, ...others]) expect([path, (await post(path, '')).status]).toEqual([path, 403])
  })
})

describe('what a form may hold', () => {
  it('is at most 64 KiB, of one type, without NUL, and names nothing twice', async () => {
    const { csrf, cookie } = await csrfPair()
    const type = { 'content-type': 'application/x-www-form-urlencoded', cookie }
    const big = new URLSearchParams({ csrf, email: 'x'.repeat(70_000) })
    expect((await post('/signin', big, { cookie })).status).toBe(413)
    expect((await post('/signin', '{}', { cookie, 'content-type': 'application/json' })).status).toBe(415)
    expect((await post('/signin', `csrf=${csrf}&email=a%00b&password=x`, type)).status).toBe(400)
    expect((await post('/signin', `csrf=${csrf}&email=a&email=b&password=x`, type)).status).toBe(400)
    expect((await browser.visit('/interaction/a%00b')).status).toBe(400)
    expect(fake.failures.filter((failure) => !(failure instanceof Error))).toEqual([])
  })

  it('is kept when it was not taken, but for the password', async () => {
    const page = await browser.visit('/interaction/login1')
    const again = await browser.submit(page, /sign-in$/, { email: 'ada@example.com', password: 'a wrong password' })
    expect(again.status).toBe(400)
    expect(formsOf(again)[0]!.fields).toMatchObject({ email: 'ada@example.com', password: '' })
    expect(again.text).not.toContain('a wrong password')
    expect(again.text).toMatch(/<title>Error: Sign in/)
  })

  it('is answered with the same sentence for an unknown address and a wrong password', async () => {
    const page = await browser.visit('/signin')
    const fieldErrorOf = (text: string) => /role="alert">([^<]+)/.exec(text)![1]
    const unknown = await browser.submit(page, /signin$/, { email: 'nobody@example.com', password: 'x' })
    const wrong = await browser.submit(page, /signin$/, { email: 'ada@example.com', password: 'x' })
    expect(fieldErrorOf(unknown.text)).toBe(fieldErrorOf(wrong.text))
    expect(unknown.status).toBe(wrong.status)
  })

  it('is answered at the field when something is missing', async () => {
    const page = await browser.visit('/signin')
    const again = await browser.submit(page, /signin$/, { email: ' ', password: '' })
    expect(again.text).toMatch(/id="email"[^>]*aria-describedby="email-error"[^>]*aria-invalid="true"/)
    expect(fake.world.done).toEqual([])
  })
})

describe('signing in', () => {
  it('finishes the login, and remembers the browser for its next attempt', async () => {
    const page = await browser.visit('/interaction/login1')
    const form = { email: ' ada@example.com ', password: PASSWORD }
    const left = await browser.submit(page, /sign-in$/, form)
    expect(left.left?.host).toBe('sync.example.com')
    expect(fake.world.done).toEqual([
      ['attempt', 'ada@example.com', undefined],
      ['finishLogin', 'login1', { userId: ADA.id, since: ADA.sessionsValidFrom, amr: ['pwd'] }],
    ])
    await browser.submit(await browser.visit('/signin'), /signin$/, form)
    expect(fake.world.done[2]).toEqual(['attempt', 'ada@example.com', 'b1'])
  })

  it('says when to try again after too many tries', async () => {
    const page = await browser.submit(await browser.visit('/signin'), /signin$/, {
      email: 'slow@example.com',
      password: 'x',
    })
    expect(page.status).toBe(429)
    expect(page.headers.get('retry-after')).toBe('90')
    expect(page.text).toContain('in 2 minutes')
  })

  it('has a password of one time replaced, and says at the field what is wrong with the new one', async () => {
    const login = { email: 'ada@example.com', password: ONE_TIME }
    const page = await browser.submit(await browser.visit('/interaction/login1'), /sign-in$/, login)
    const short = await browser.submit(page, /password$/, { password: 'short', repeat: 'short' })
    expect(short.text).toMatch(/id="password-error" role="alert">Use at least 12/)
    const unlike = await browser.submit(short, /password$/, { password: 'long enough one', repeat: 'long enough two' })
    expect(unlike.text).toMatch(/id="repeat"[^>]*aria-invalid="true"/)
    const weak = await browser.submit(unlike, /password$/, { password: 'password1234', repeat: 'password1234' })
    expect(weak.text.toLowerCase()).toContain(WEAK)
    const done = await browser.submit(weak, /password$/, { password: 'long enough one', repeat: 'long enough one' })
    expect(done.left?.host).toBe('sync.example.com')
    expect(changes()).toEqual(['choosePassword', 'finishLogin'])
  })

  it('begins again when the ticket for a new password is over', async () => {
    const login = { email: 'ada@example.com', password: ONE_TIME }
    const page = await browser.submit(await browser.visit('/signin'), /signin$/, login)
    const form = { ticket: 'another', password: 'long enough one', repeat: 'long enough one' }
    const again = await browser.submit(page, /password$/, form)
    expect(again.status).toBe(400)
    expect(again.text).toContain('Sign in again')
    expect(formsOf(again)[0]!.fields.email).toBe('ada@example.com')
  })

  it.each([
    ['/account/applications?a=1', '/account/applications?a=1'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['/a\\b', '/'],
    ['https://evil.example/', '/'],
    ['/..//evil.example', '/'],
    ['/.//evil.example', '/'],
    ['/\t/evil.example', '/'],
    ['javascript:alert(1)', '/'],
    ['', '/'],
  ])('without an application leads only to a path of this site: %j', async (wanted, expected) => {
    const page = await browser.visit(`/signin?return_to=${encodeURIComponent(wanted)}`)
    const form = formsOf(page)[0]!
    expect(form.fields.return_to).toBe(expected)
    const cookie = csrfCookie()
    // The field is checked as the query was: it may have been changed meanwhile.
    const sent = { ...form.fields, return_to: wanted, email: 'ada@example.com', password: PASSWORD }
    const answer = await post('/signin', new URLSearchParams(sent), { cookie })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, expected])
  })
})

describe('the answer to an application', () => {
  it('is allow or deny, by forms that need no script', async () => {
    const page = await browser.visit('/interaction/consent1')
    expect((await browser.submit(page, /deny$/)).left?.host).toBe('sync.example.com')
    fake.world.interactions = [CONSENT]
    expect((await browser.submit(page, /allow$/)).left?.host).toBe('sync.example.com')
    expect(changes()).toEqual(['deny', 'allow'])
  })

  it('is asked for again when somebody else has signed in since the page was shown', async () => {
    const page = await browser.visit('/interaction/consent1')
    fake.world.interactions = [{ ...CONSENT, userId: 'bob' }]
    const again = await browser.submit(page, /allow$/)
    expect(again.text).toContain('Another user has signed in')
    expect(again.text).toContain('bob@example.com')
    expect(changes()).toEqual([])
  })

  it('cannot be given before somebody has signed in', async () => {
    const page = await browser.visit('/interaction/login1')
    const { csrf } = formsOf(page)[0]!.fields
    const answer = await post('/interaction/login1/allow', new URLSearchParams({ csrf: csrf!, user: '' }), {
      cookie: csrfCookie(),
    })
    expect(answer.headers.get('location')).toBe('/interaction/login1')
    expect(changes()).toEqual([])
  })

  it('may be given by another account, which signs in within the same interaction', async () => {
    const page = await browser.submit(await browser.visit('/interaction/consent1'), /switch$/)
    expect(page.text).toContain('to continue to')
    await browser.submit(page, /sign-in$/, { email: 'bob@example.com', password: PASSWORD })
    const login = { userId: BOB.id, since: BOB.sessionsValidFrom, amr: ['pwd'] }
    expect(fake.world.done.at(-1)).toEqual(['finishLogin', 'consent1', login])
  })

  it('sent twice, from an old page or from another browser, leads to a page that says so', async () => {
    const page = await browser.visit('/interaction/consent1')
    await browser.submit(page, /allow$/)
    for (const step of [/allow$/, /deny$/, /switch$/]) {
      const again = await browser.submit(page, step)
      expect(again.status).toBe(400)
      expect(again.text).toContain('Go back to the application and try again.')
    }
    expect((await browser.visit('/interaction/consent1')).status).toBe(400)
    expect(changes()).toEqual(['allow'])
  })
})

describe('what belongs to somebody', () => {
  it('asks who it is first, and comes back', async () => {
    const page = await browser.visit('/account/applications')
    expect(page.url).toContain('/signin?return_to=%2Faccount%2Fapplications')
    const list = await browser.submit(page, /signin$/, { email: 'ada@example.com', password: PASSWORD })
    expect(list.url).toBe(`${fake.origin}/account/applications`)
  })

  it('is not shown to somebody who may no longer act', async () => {
    fake.world.signedInAs = 'nobody'
    expect((await browser.visit('/account/password')).url).toContain('/signin')
  })

  it('withdraws what was allowed, after saying what that stops', async () => {
    fake.world.signedInAs = ADA.id
    const ask = await browser.visit('/account/applications/kwc_sync/withdraw')
    expect(ask.text).toContain('revoke all tokens that the application has for you')
    const list = await browser.submit(ask, /withdraw$/)
    expect(list.text).toContain('Access revoked.')
    expect(list.text).toContain('No connected applications')
    expect((await browser.submit(ask, /withdraw$/)).text).toContain('Access revoked.')
    expect((await browser.visit('/account/applications/kwc_sync/withdraw')).status).toBe(404)
  })

  it('changes the password, given the present one', async () => {
    fake.world.signedInAs = ADA.id
    const page = await browser.visit('/account/password')
    const next = { password: 'long enough one', repeat: 'long enough one' }
    const refused = await browser.submit(page, /password$/, { present: 'wrong', ...next })
    expect(refused.text).toMatch(/id="present-error" role="alert"/)
    expect((await browser.submit(page, /password$/, { present: 'too often', ...next })).status).toBe(429)
    const weak = { present: PASSWORD, password: 'password1234', repeat: 'password1234' }
    expect((await browser.submit(page, /password$/, weak)).text.toLowerCase()).toContain(WEAK)
    const done = await browser.submit(page, /password$/, { present: PASSWORD, ...next })
    expect(done.text).toContain('Password changed.')
    expect(changes()).toEqual(['changePassword', 'signIn'])
  })

  it('signs out', async () => {
    fake.world.signedInAs = ADA.id
    const page = await browser.submit(await browser.visit('/'), /signout$/)
    expect(page.text).toContain('You have been signed out.')
    expect(changes()).toEqual(['signOut'])
  })
})
