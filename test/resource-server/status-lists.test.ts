import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StatusListOptions } from '../../packages/resource-server/src/options.ts'
import { createVerifier } from '../../packages/resource-server/src/verifier.ts'
import { together, until } from '../support/load.ts'
import { AUDIENCE, encodeBitmap, type FakeIssuer, handClock, shifted, startFakeIssuer } from './fake-issuer.ts'

const PATH = '/oauth2/status/a'

let clock: ReturnType<typeof handClock>
let issuer: FakeIssuer
let problems: string[]

beforeEach(async () => {
  clock = handClock()
  issuer = await startFakeIssuer(clock)
  problems = []
})
afterEach(() => issuer.close())

function verifier(statusList: StatusListOptions = {}, at = clock as { wall(): number; monotonic(): number }) {
  const onProblem = ({ code, message }: { code: string; message: string }) => problems.push(`${code}: ${message}`)
  const made = createVerifier({ issuer: issuer.url, audience: AUDIENCE, statusList, onProblem }, at)
  return (token: string) =>
    made.verify({ headers: { authorization: `Bearer ${token}` } }).then(
      ({ status }) => status,
      (error) => error.code as string,
    )
}

const tokenAt = (idx: unknown, uri: unknown = issuer.url + PATH, claims = {}) =>
  issuer.token({ status: { status_list: { idx, uri } }, ...claims })

describe('a token whose list is available', () => {
  it('is valid until a copy of the list has its bit set', async () => {
    const list = issuer.addList()
    const verify = verifier()
    const [good, bad] = [await tokenAt(7), await tokenAt(8)]
    expect([await verify(good), await verify(bad)]).toEqual(['valid', 'valid'])
    list.revoke(8)
    clock.advance(60_000)
    expect([await verify(bad), await verify(good)]).toEqual(['token_revoked', 'valid'])
  })

  it('causes one request for a thousand concurrent verifications', async () => {
    issuer.addList()
    const verify = verifier()
    const tokens = await together(20, (n) => tokenAt(n))
    const outcomes = await together(1000, (n) => verify(tokens[n % 20]!))
    expect(new Set(outcomes)).toEqual(new Set(['valid']))
    expect(issuer.count(PATH)).toBe(1)
    expect(issuer.count('/oauth2/jwks')).toBe(1)
  })

  it('causes no request before the list is due, and then one in the background', async () => {
    const list = issuer.addList()
    const verify = verifier()
    const token = await tokenAt(1)
    await verify(token)
    clock.advance(35_000)
    await verify(token)
    expect(issuer.count(PATH)).toBe(1)
    let release = () => {}
    list.respond = (_req, res) => {
      release = () => res.writeHead(503).end()
    }
    clock.advance(15_000)
    expect(await together(50, () => verify(token))).toEqual(Array(50).fill('valid'))
    expect(problems, 'the verifications do not wait for the request').toEqual([])
    await until(() => issuer.count(PATH) === 2)
    release()
    await until(() => problems.length === 1)
    expect(issuer.count(PATH)).toBe(2)
  })

  it('keeps its status after a conditional request and a 304', async () => {
    const list = issuer.addList()
    list.claims = { iat: Math.floor(clock.wall() / 1000) }
    list.revoke(3)
    const verify = verifier()
    await verify(await tokenAt(1))
    clock.advance(60_000)
    expect(await verify(await tokenAt(1))).toBe('valid')
    expect(await verify(await tokenAt(3))).toBe('token_revoked')
    expect(issuer.count(PATH)).toBe(2)
    expect(problems).toEqual([])
  })
})

describe('a list that is unavailable', () => {
  const outcomes = async (statusList: StatusListOptions = {}) => verifier(statusList)(await tokenAt(1))

  it.each<[string, (list: ReturnType<FakeIssuer['addList']>) => void]>([
    ['does not exist', () => issuer.lists.clear()],
    [
      'is answered with 500',
      (list) => {
        list.respond = (_req, res) => void res.writeHead(500).end()
      },
    ],
    [
      'is not answered in time',
      (list) => {
        list.respond = () => {}
      },
    ],
    [
      'is truncated',
      (list) => {
        list.respond = (_req, res) => {
          res.writeHead(200, { 'content-length': 999 }).write('ey')
          res.destroy()
        }
      },
    ],
    [
      'is redirected',
      (list) => {
        list.respond = (_req, res) => void res.writeHead(302, { location: '/oauth2/status/b' }).end()
      },
    ],
    [
      'has another media type',
      (list) => {
        list.respond = async (_req, res) =>
          void res.writeHead(200, { 'content-type': 'application/jwt' }).end(await issuer.listToken(PATH, list))
      },
    ],
    [
      'is not a JWT',
      (list) => {
        list.respond = (_req, res) =>
          void res.writeHead(200, { 'content-type': 'application/statuslist+jwt' }).end('{}')
      },
    ],
    [
      'has the signature of another key',
      (list) => {
        list.respond = async (_req, res) =>
          void res
            .writeHead(200, { 'content-type': 'application/statuslist+jwt' })
            .end(await issuer.listToken(PATH, list, issuer.otherKey))
      },
    ],
    [
      'is an access token',
      (list) => {
        list.header = { typ: 'at+jwt' }
      },
    ],
    [
      'has another issuer',
      (list) => {
        list.claims = { iss: 'https://other.example' }
      },
    ],
    [
      'has no issuer',
      (list) => {
        list.claims = { iss: undefined }
      },
    ],
    [
      'has the subject of another list',
      (list) => {
        list.claims = { sub: `${issuer.url}/oauth2/status/b` }
      },
    ],
    [
      'has expired',
      (list) => {
        list.claims = { exp: Math.floor(clock.wall() / 1000) - 31 }
      },
    ],
    [
      'is older than maxAge',
      (list) => {
        list.claims = { iat: Math.floor(clock.wall() / 1000) - 151 }
      },
    ],
    [
      'was issued in the future',
      (list) => {
        list.claims = { iat: Math.floor(clock.wall() / 1000) + 40 }
      },
    ],
    [
      'has no iat',
      (list) => {
        list.claims = { iat: undefined }
      },
    ],
    [
      'has a negative ttl',
      (list) => {
        list.claims = { ttl: -1 }
      },
    ],
    [
      'has no status_list',
      (list) => {
        list.claims = { status_list: undefined }
      },
    ],
    [
      'is longer than the limit',
      (list) => {
        list.respond = (_req, res) => {
          res.writeHead(200, { 'content-type': 'application/statuslist+jwt' })
          res.end('e'.repeat(100_000))
        }
      },
    ],
    [
      'inflates beyond the limit',
      (list) => {
        list.claims = { status_list: { bits: 1, lst: encodeBitmap(new Uint8Array(100_000)) } }
      },
    ],
  ])('because it %s makes the status unknown, which onUnknown may accept', async (_name, breakList) => {
    breakList(issuer.addList())
    issuer.addList('/oauth2/status/b')
    const bounds = { timeout: 0.2, maxListBytes: 16_384 }
    expect(await outcomes(bounds)).toBe('status_unknown')
    expect(await outcomes({ ...bounds, onUnknown: 'accept' })).toBe('unknown')
    expect(issuer.count('/oauth2/status/b'), 'redirects are not followed').toBe(0)
  })

  it('is requested again after growing pauses, and no verification waits meanwhile', async () => {
    const verify = verifier()
    const token = await tokenAt(1)
    expect(await verify(token)).toBe('status_unknown')
    expect(await together(100, () => verify(token))).toEqual(Array(100).fill('status_unknown'))
    expect(issuer.count(PATH)).toBe(1)
    for (let second = 0; second < 120; second++) {
      clock.advance(1000)
      await verify(token)
    }
    expect(issuer.count(PATH)).toBeGreaterThan(8)
    expect(issuer.count(PATH)).toBeLessThan(30)
    issuer.addList()
    clock.advance(15_000)
    expect(await verify(token)).toBe('valid')
  })

  it('stays in use until maxAge, by default two ttl and 30 s, and not a second longer', async () => {
    const list = issuer.addList()
    const [standard, strict] = [verifier(), verifier({ maxAge: 70 })]
    const token = await tokenAt(1)
    await Promise.all([standard(token), strict(token)])
    list.respond = (_req, res) => void res.writeHead(500).end()
    clock.advance(69_000)
    expect([await standard(token), await strict(token)]).toEqual(['valid', 'valid'])
    clock.advance(2000)
    expect([await standard(token), await strict(token)]).toEqual(['valid', 'status_unknown'])
    clock.advance(78_000)
    expect(await standard(token)).toBe('valid')
    clock.advance(2000)
    expect(await standard(token)).toBe('status_unknown')
  })

  it('is requested once the copy in memory is older than maxAge, also before its ttl', async () => {
    const list = issuer.addList()
    const verify = verifier({ maxAge: 20 })
    const token = await tokenAt(1)
    for (let n = 0; n < 5; n++) {
      list.claims = { iat: Math.floor(clock.wall() / 1000) }
      expect(await verify(token)).toBe('valid')
      clock.advance(21_000)
    }
    expect(issuer.count(PATH)).toBe(5)
  })

  it('is not requested by each verification while the server only has a copy older than maxAge', async () => {
    const list = issuer.addList()
    list.claims = { iat: Math.floor(clock.wall() / 1000) - 21 }
    const verify = verifier({ maxAge: 20 })
    const token = await tokenAt(1)
    for (let n = 0; n < 12; n++) {
      expect(await verify(token)).toBe('status_unknown')
      clock.advance(1000)
    }
    expect(issuer.count(PATH)).toBe(2)
  })
})

it('a fetch function that rejects without an error is reported', async () => {
  const onProblem = ({ code, message }: { code: string; message: string }) => problems.push(`${code}: ${message}`)
  const lists = { issuer: issuer.url, audience: AUDIENCE, onProblem }
  const failing = (path: string) => (url: string, init: RequestInit) =>
    url.endsWith(path) ? Promise.reject() : fetch(url, init)
  issuer.addList()
  const headers = { authorization: `Bearer ${await tokenAt(1)}` }
  const verify = (path: string) => createVerifier({ ...lists, fetch: failing(path) }, clock).verify({ headers })
  await expect(verify(PATH)).rejects.toMatchObject({ code: 'status_unknown' })
  await expect(verify('/oauth2/jwks')).rejects.toMatchObject({ code: 'keys_unavailable' })
  expect(problems).toEqual([
    `list_unavailable: ${issuer.url}${PATH}: undefined`,
    `keys_unavailable: ${issuer.url}/oauth2/jwks: undefined`,
  ])
})

it('an onProblem callback that throws changes nothing', async () => {
  const onProblem = () => {
    throw new Error('the disk is full')
  }
  const made = createVerifier({ issuer: issuer.url, audience: AUDIENCE, onProblem }, clock)
  const headers = { authorization: `Bearer ${await tokenAt(1)}` }
  await expect(made.verify({ headers })).rejects.toMatchObject({ code: 'status_unknown' })
})

describe('the status list reference of a token', () => {
  it.each<[string, string, unknown, unknown]>([
    ['with an index beyond the list', 'status_out_of_range', 65_536, undefined],
    ['with the last index', 'valid', 65_535, undefined],
    ['with a negative index', 'status_malformed', -1, undefined],
    ['with a fractional index', 'status_malformed', 0.5, undefined],
    ['with an index that is a string', 'status_malformed', '1', undefined],
    ['with an index above the safe integers', 'status_malformed', 1e300, undefined],
    ['at another host', 'status_foreign', 1, 'http://169.254.169.254/latest/meta-data'],
    ['at another port', 'status_foreign', 1, 'http://127.0.0.1:1/oauth2/status/a'],
    ['with credentials in the URL', 'status_foreign', 1, 'http://user:pass@HOST/oauth2/status/a'],
    ['with a fragment', 'status_foreign', 1, 'http://HOST/oauth2/status/a#b'],
    ['with a file URL', 'status_foreign', 1, 'file:///etc/passwd'],
    ['with a relative URL', 'status_foreign', 1, 'status/a'],
    ['with a number as uri', 'status_malformed', 1, 5],
  ])('%s, with onUnknown accept: %s', async (_name, outcome, idx, uri) => {
    issuer.addList()
    const host = new URL(issuer.url).host
    const token = await tokenAt(idx, typeof uri === 'string' ? uri.replace('HOST', host) : uri)
    expect(await verifier({ onUnknown: 'accept' })(token)).toBe(outcome)
  })

  it('may be missing with onMissing accept only, and is never accepted if it is malformed', async () => {
    const token = await issuer.token()
    expect(await verifier()(token)).toBe('status_missing')
    expect(await verifier({ onMissing: 'accept' })(token)).toBe('unknown')
    expect(await verifier({ onMissing: 'accept' })(await issuer.token({ status: null }))).toBe('status_malformed')
    expect(await verifier({ onMissing: 'accept' })(await issuer.token({ status: {} }))).toBe('status_malformed')
  })

  it('causes no request if the token is invalid for another reason', async () => {
    issuer.addList()
    const verify = verifier()
    expect(await verify(await tokenAt(1, undefined, { aud: 'other' }))).toBe('wrong_audience')
    expect(await verify(await tokenAt(1, undefined, { exp: 1 }))).toBe('token_expired')
    expect(issuer.count(PATH)).toBe(0)
  })
})

describe('a token that is known to be revoked stays invalid', () => {
  it('when an HTTP cache returns an older copy', async () => {
    const list = issuer.addList()
    const verify = verifier({ onUnknown: 'accept' })
    const token = await tokenAt(5)
    const older = Math.floor(clock.wall() / 1000)
    clock.advance(10_000)
    list.revoke(5)
    expect(await verify(token)).toBe('token_revoked')
    list.bitmap = new Uint8Array(8192)
    list.claims = { iat: older }
    clock.advance(60_000)
    expect(await verify(token)).toBe('token_revoked')
    await verify(await tokenAt(6))
    await until(() => problems.some((problem) => problem.includes('older than what is already known')))
  })

  it('when a newer copy says that it is valid', async () => {
    const list = issuer.addList()
    list.revoke(5)
    const verify = verifier()
    expect(await verify(await tokenAt(5))).toBe('token_revoked')
    list.bitmap = new Uint8Array(8192)
    clock.advance(60_000)
    expect(await verify(await tokenAt(6))).toBe('valid')
    expect(await verify(await tokenAt(5))).toBe('token_revoked')
  })

  it('when the server is unreachable, for the lifetime of the token', async () => {
    const list = issuer.addList()
    list.revoke(5)
    const verify = verifier({ onUnknown: 'accept' })
    const token = await tokenAt(5)
    expect(await verify(token)).toBe('token_revoked')
    list.respond = (_req, res) => void res.writeHead(500).end()
    clock.advance(3_000_000)
    expect(await verify(token)).toBe('token_revoked')
  })

  it('without waiting for a request that gets no response', async () => {
    const list = issuer.addList()
    list.revoke(5)
    const verify = verifier()
    expect(await verify(await tokenAt(5))).toBe('token_revoked')
    list.respond = () => {}
    clock.advance(61_000)
    expect(await verify(await tokenAt(5))).toBe('token_revoked')
    expect(problems).toEqual([])
  })

  it('when its list was evicted and an older copy is fetched', async () => {
    const list = issuer.addList()
    list.claims = { iat: Math.floor(clock.wall() / 1000) }
    const verify = verifier({ maxLists: 10 })
    const token = await tokenAt(5)
    expect(await verify(token)).toBe('valid')
    list.claims = {}
    clock.advance(60_000)
    list.revoke(5)
    expect(await verify(token)).toBe('token_revoked')
    for (let n = 0; n < 11; n++) {
      clock.advance(1000)
      const { uri } = issuer.addList(`/oauth2/status/other-${n}`)
      expect(await verify(await tokenAt(1, uri))).toBe('valid')
    }
    list.bitmap = new Uint8Array(8192)
    list.claims = { iat: Math.floor(clock.wall() / 1000) - 100 }
    const before = issuer.count(PATH)
    expect(await verify(token)).toBe('status_unknown')
    expect(issuer.count(PATH)).toBe(before + 1)
  })

  /** Fetches so many other lists that those in the cache are evicted. */
  async function evictLists(verify: ReturnType<typeof verifier>): Promise<void> {
    for (let n = 0; n < 11; n++) {
      clock.advance(1)
      const { uri } = issuer.addList(`/oauth2/status/other-${n}`)
      expect(await verify(await tokenAt(1, uri))).toBe('valid')
    }
  }

  it('when its list was evicted and is unavailable, even with onUnknown accept', async () => {
    const list = issuer.addList()
    list.revoke(5)
    const verify = verifier({ maxLists: 10, onUnknown: 'accept' })
    const token = await tokenAt(5)
    expect(await verify(token)).toBe('token_revoked')
    await evictLists(verify)
    list.respond = (_req, res) => void res.writeHead(500).end()
    expect(await verify(token)).toBe('status_unknown')
  })

  it('when its list was not used for hours and is unavailable', async () => {
    const list = issuer.addList()
    list.revoke(5)
    const verify = verifier({ onUnknown: 'accept' })
    const token = await tokenAt(5, undefined, { exp: Math.floor(clock.wall() / 1000) + 36_000 })
    expect(await verify(token)).toBe('token_revoked')
    clock.advance(7_200_000)
    expect(await verify(await tokenAt(1, issuer.addList('/oauth2/status/b').uri))).toBe('valid')
    list.respond = (_req, res) => void res.writeHead(500).end()
    expect(await verify(token)).toBe('token_revoked')
  })

  it('when its list was evicted and an HTTP cache returns an older copy of the same second', async () => {
    const list = issuer.addList()
    list.claims = { iat: Math.floor(clock.wall() / 1000) }
    list.revoke(5)
    const verify = verifier({ maxLists: 10 })
    const token = await tokenAt(5)
    expect(await verify(token)).toBe('token_revoked')
    await evictLists(verify)
    list.bitmap = new Uint8Array(8192)
    expect(await verify(token)).toBe('status_unknown')
    clock.advance(15_000)
    list.revoke(5)
    list.revoke(6)
    expect(await verify(token)).toBe('token_revoked')
    expect(await verify(await tokenAt(7))).toBe('valid')
  })
})

describe('a verifier whose clock differs', () => {
  /** The outcome for a new token and list on a machine whose clock differs by so many seconds. */
  async function outcome(seconds: number): Promise<string> {
    issuer.addList()
    return verifier({}, shifted(clock, seconds * 1000))(await tokenAt(1))
  }

  it.each([
    [0, 'valid'],
    [29, 'valid'],
    [-29, 'valid'],
    [100, 'valid'],
    [300, 'status_unknown'],
    [-300, 'token_not_yet_valid'],
    [3700, 'token_expired'],
  ])('by %d s: %s', async (seconds, expected) => {
    expect(await outcome(seconds)).toBe(expected)
  })

  it('by minutes behind the issuer rejects lists from its future and reports why', async () => {
    issuer.addList()
    const verify = verifier({}, shifted(clock, -300_000))
    const token = await tokenAt(1, undefined, { iat: Math.floor(clock.wall() / 1000) - 600 })
    expect(await verify(token)).toBe('status_unknown')
    expect(problems[0]).toMatch(/^list_invalid: .*300 s in the future: this machine's clock is behind/)
  })

  it('because the monotonic clock stopped during sleep does not treat a list as newer', async () => {
    const list = issuer.addList()
    const verify = verifier()
    const token = await tokenAt(5)
    await verify(token)
    list.revoke(5)
    clock.set(61_000)
    expect(await verify(token)).toBe('token_revoked')
  })

  it('because it was set back does not treat a list as newer', async () => {
    const list = issuer.addList()
    const verify = verifier()
    const token = await tokenAt(5, undefined, { iat: Math.floor(clock.wall() / 1000) - 900 })
    await verify(token)
    list.revoke(5)
    clock.advance(61_000)
    clock.set(-60_000)
    list.claims = { iat: Math.floor(clock.wall() / 1000) + 20 }
    expect(await verify(token)).toBe('token_revoked')
  })

  it.each([
    ['maxAge', {}, 92_000],
    ['exp', { maxAge: 86_400 }, 571_000],
  ])('because it was set back uses no list beyond %s', async (_name, statusList, milliseconds) => {
    const list = issuer.addList()
    const verify = verifier(statusList)
    const issued = { iat: Math.floor(clock.wall() / 1000) - 3600 }
    const token = await tokenAt(5, undefined, issued)
    await verify(token)
    list.respond = (_req, res) => void res.writeHead(500).end()
    clock.advance(59_000)
    clock.set(-600_000)
    expect(await verify(token)).toBe('valid')
    clock.advance(milliseconds)
    expect(await verify(token)).toBe('status_unknown')
  })
})
