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

describe('a token whose list can be had', () => {
  it('is honoured while its bit is not set, and refused from the next copy on when it is', async () => {
    const list = issuer.addList()
    const verify = verifier()
    const [good, bad] = [await tokenAt(7), await tokenAt(8)]
    expect([await verify(good), await verify(bad)]).toEqual(['valid', 'valid'])
    list.revoke(8)
    clock.advance(60_000)
    expect([await verify(bad), await verify(good)]).toEqual(['token_revoked', 'valid'])
  })

  it('costs one request for a thousand who wait', async () => {
    issuer.addList()
    const verify = verifier()
    const tokens = await together(20, (n) => tokenAt(n))
    const outcomes = await together(1000, (n) => verify(tokens[n % 20]!))
    expect(new Set(outcomes)).toEqual(new Set(['valid']))
    expect(issuer.count(PATH)).toBe(1)
    expect(issuer.count('/oauth2/jwks')).toBe(1)
  })

  it('costs no request before the list is due, and then one that nobody waits for', async () => {
    const list = issuer.addList()
    const verify = verifier()
    const token = await tokenAt(1)
    await verify(token)
    clock.advance(35_000)
    await verify(token)
    expect(issuer.count(PATH)).toBe(1)
    let release = () => {}
    list.answer = (_req, res) => {
      release = () => res.writeHead(503).end()
    }
    clock.advance(15_000)
    expect(await together(50, () => verify(token))).toEqual(Array(50).fill('valid'))
    expect(problems, 'they were answered while the request hung').toEqual([])
    await until(() => issuer.count(PATH) === 2)
    release()
    await until(() => problems.length === 1)
    expect(issuer.count(PATH)).toBe(2)
  })

  it('is asked for again by its ETag, and keeps its answer when that is the newest', async () => {
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

describe('a list that cannot be had', () => {
  const outcomes = async (statusList: StatusListOptions = {}) => verifier(statusList)(await tokenAt(1))

  it.each<[string, (list: ReturnType<FakeIssuer['addList']>) => void]>([
    ['is not there', () => issuer.lists.clear()],
    [
      'answers 500',
      (list) => {
        list.answer = (_req, res) => void res.writeHead(500).end()
      },
    ],
    [
      'answers nothing in time',
      (list) => {
        list.answer = () => {}
      },
    ],
    [
      'breaks off',
      (list) => {
        list.answer = (_req, res) => {
          res.writeHead(200, { 'content-length': 999 }).write('ey')
          res.destroy()
        }
      },
    ],
    [
      'is elsewhere by now',
      (list) => {
        list.answer = (_req, res) => void res.writeHead(302, { location: '/oauth2/status/b' }).end()
      },
    ],
    [
      'is of another type',
      (list) => {
        list.answer = async (_req, res) =>
          void res.writeHead(200, { 'content-type': 'application/jwt' }).end(await issuer.listToken(PATH, list))
      },
    ],
    [
      'is no token',
      (list) => {
        list.answer = (_req, res) => void res.writeHead(200, { 'content-type': 'application/statuslist+jwt' }).end('{}')
      },
    ],
    [
      'is signed by somebody else',
      (list) => {
        list.answer = async (_req, res) =>
          void res
            .writeHead(200, { 'content-type': 'application/statuslist+jwt' })
            .end(await issuer.listToken(PATH, list, issuer.stranger))
      },
    ],
    [
      'is an access token',
      (list) => {
        list.header = { typ: 'at+jwt' }
      },
    ],
    [
      'is of another issuer',
      (list) => {
        list.claims = { iss: 'https://other.example' }
      },
    ],
    [
      'is of no issuer',
      (list) => {
        list.claims = { iss: undefined }
      },
    ],
    [
      'is another list',
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
      'is older than may be',
      (list) => {
        list.claims = { iat: Math.floor(clock.wall() / 1000) - 151 }
      },
    ],
    [
      'is of the future',
      (list) => {
        list.claims = { iat: Math.floor(clock.wall() / 1000) + 40 }
      },
    ],
    [
      'was issued at no time',
      (list) => {
        list.claims = { iat: undefined }
      },
    ],
    [
      'has a ttl that is none',
      (list) => {
        list.claims = { ttl: -1 }
      },
    ],
    [
      'holds nothing',
      (list) => {
        list.claims = { status_list: undefined }
      },
    ],
    [
      'is longer than may be',
      (list) => {
        list.answer = (_req, res) => {
          res.writeHead(200, { 'content-type': 'application/statuslist+jwt' })
          res.end('e'.repeat(100_000))
        }
      },
    ],
    [
      'inflates beyond bounds',
      (list) => {
        list.claims = { status_list: { bits: 1, lst: encodeBitmap(new Uint8Array(100_000)) } }
      },
    ],
  ])('because it %s: the token is refused, or accepted where that was chosen', async (_name, spoil) => {
    spoil(issuer.addList())
    issuer.addList('/oauth2/status/b')
    const bounds = { timeout: 0.2, maxListBytes: 16_384 }
    expect(await outcomes(bounds)).toBe('status_unknown')
    expect(await outcomes({ ...bounds, onUnknown: 'accept' })).toBe('unknown')
    expect(issuer.count('/oauth2/status/b'), 'no redirect is followed').toBe(0)
  })

  it('is not asked for at once again: nobody waits, and the pauses grow', async () => {
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

  it('is done without for maxAge, two ttl and 30 s unless said otherwise, and not a second longer', async () => {
    const list = issuer.addList()
    const [standard, strict] = [verifier(), verifier({ maxAge: 70 })]
    const token = await tokenAt(1)
    await Promise.all([standard(token), strict(token)])
    list.answer = (_req, res) => void res.writeHead(500).end()
    clock.advance(69_000)
    expect([await standard(token), await strict(token)]).toEqual(['valid', 'valid'])
    clock.advance(2000)
    expect([await standard(token), await strict(token)]).toEqual(['valid', 'status_unknown'])
    clock.advance(78_000)
    expect(await standard(token)).toBe('valid')
    clock.advance(2000)
    expect(await standard(token)).toBe('status_unknown')
  })

  it('is asked for when what is at hand is older than maxAge, also before its ttl is over', async () => {
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

  it('is not asked for all the time where what there is is older than maxAge', async () => {
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

it('a fetch that fails with nothing to say is one that failed', async () => {
  const onProblem = ({ code, message }: { code: string; message: string }) => problems.push(`${code}: ${message}`)
  const lists = { issuer: issuer.url, audience: AUDIENCE, onProblem }
  const deaf = (path: string) => (url: string, init: RequestInit) =>
    url.endsWith(path) ? Promise.reject() : fetch(url, init)
  issuer.addList()
  const headers = { authorization: `Bearer ${await tokenAt(1)}` }
  const verify = (path: string) => createVerifier({ ...lists, fetch: deaf(path) }, clock).verify({ headers })
  await expect(verify(PATH)).rejects.toMatchObject({ code: 'status_unknown' })
  await expect(verify('/oauth2/jwks')).rejects.toMatchObject({ code: 'keys_unavailable' })
  expect(problems).toEqual([
    `list_unavailable: ${issuer.url}${PATH}: undefined`,
    `keys_unavailable: ${issuer.url}/oauth2/jwks: undefined`,
  ])
})

it('a logger that fails changes nothing', async () => {
  const onProblem = () => {
    throw new Error('the disk is full')
  }
  const made = createVerifier({ issuer: issuer.url, audience: AUDIENCE, onProblem }, clock)
  const headers = { authorization: `Bearer ${await tokenAt(1)}` }
  await expect(made.verify({ headers })).rejects.toMatchObject({ code: 'status_unknown' })
})

describe('a token that names its list wrongly', () => {
  it.each([
    ['with an index beyond the list', 65_536, undefined, 'status_out_of_range'],
    ['with the last index', 65_535, undefined, 'valid'],
    ['with an index below', -1, undefined, 'status_malformed'],
    ['with half an index', 0.5, undefined, 'status_malformed'],
    ['with an index of text', '1', undefined, 'status_malformed'],
    ['with an index that no number holds', 1e300, undefined, 'status_malformed'],
    ['at another server', 1, 'http://169.254.169.254/latest/meta-data', 'status_foreign'],
    ['at another port', 1, 'http://127.0.0.1:1/oauth2/status/a', 'status_foreign'],
    ['with credentials', 1, 'http://user:pass@HOST/oauth2/status/a', 'status_foreign'],
    ['with a fragment', 1, 'http://HOST/oauth2/status/a#b', 'status_foreign'],
    ['in a file', 1, 'file:///etc/passwd', 'status_foreign'],
    ['at no address', 1, 'status/a', 'status_foreign'],
    ['at a number', 1, 5, 'status_malformed'],
  ])('%s is refused whatever was chosen for the unknown', async (_name, idx, uri, outcome) => {
    issuer.addList()
    const host = new URL(issuer.url).host
    const token = await tokenAt(idx, typeof uri === 'string' ? uri.replace('HOST', host) : uri)
    expect(await verifier({ onUnknown: 'accept' })(token)).toBe(outcome)
  })

  it('or not at all is refused, or accepted where that was chosen', async () => {
    const token = await issuer.token()
    expect(await verifier()(token)).toBe('status_missing')
    expect(await verifier({ onMissing: 'accept' })(token)).toBe('unknown')
    expect(await verifier({ onMissing: 'accept' })(await issuer.token({ status: null }))).toBe('status_malformed')
    expect(await verifier({ onMissing: 'accept' })(await issuer.token({ status: {} }))).toBe('status_malformed')
  })

  it('fetches no list for a token that is refused without', async () => {
    issuer.addList()
    const verify = verifier()
    expect(await verify(await tokenAt(1, undefined, { aud: 'other' }))).toBe('token_invalid')
    expect(await verify(await tokenAt(1, undefined, { exp: 1 }))).toBe('token_expired')
    expect(issuer.count(PATH)).toBe(0)
  })
})

describe('what was known to be revoked never passes again', () => {
  it('when an older copy comes out of a cache', async () => {
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
    await until(() => problems.some((problem) => problem.includes('older than what is known')))
  })

  it('when a newer copy says otherwise', async () => {
    const list = issuer.addList()
    list.revoke(5)
    const verify = verifier()
    expect(await verify(await tokenAt(5))).toBe('token_revoked')
    list.bitmap = new Uint8Array(8192)
    clock.advance(60_000)
    expect(await verify(await tokenAt(6))).toBe('valid')
    expect(await verify(await tokenAt(5))).toBe('token_revoked')
  })

  it('when the server cannot be reached, for as long as the token lives', async () => {
    const list = issuer.addList()
    list.revoke(5)
    const verify = verifier({ onUnknown: 'accept' })
    const token = await tokenAt(5)
    expect(await verify(token)).toBe('token_revoked')
    list.answer = (_req, res) => void res.writeHead(500).end()
    clock.advance(3_000_000)
    expect(await verify(token)).toBe('token_revoked')
  })

  it('and is refused at once while its list is asked for in vain', async () => {
    const list = issuer.addList()
    list.revoke(5)
    const verify = verifier()
    expect(await verify(await tokenAt(5))).toBe('token_revoked')
    list.answer = () => {}
    clock.advance(61_000)
    expect(await verify(await tokenAt(5))).toBe('token_revoked')
    expect(problems).toEqual([])
  })

  it('when its list had to make room for others meanwhile', async () => {
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

  /** Has so many other lists asked for that whatever was at hand makes room. */
  async function crowdOut(verify: ReturnType<typeof verifier>): Promise<void> {
    for (let n = 0; n < 11; n++) {
      clock.advance(1)
      const { uri } = issuer.addList(`/oauth2/status/other-${n}`)
      expect(await verify(await tokenAt(1, uri))).toBe('valid')
    }
  }

  it('when its list made room and cannot be had again, also where what is unknown is accepted', async () => {
    const list = issuer.addList()
    list.revoke(5)
    const verify = verifier({ maxLists: 10, onUnknown: 'accept' })
    const token = await tokenAt(5)
    expect(await verify(token)).toBe('token_revoked')
    await crowdOut(verify)
    list.answer = (_req, res) => void res.writeHead(500).end()
    expect(await verify(token)).toBe('status_unknown')
  })

  it('when its list was not asked for in hours and cannot be had again', async () => {
    const list = issuer.addList()
    list.revoke(5)
    const verify = verifier({ onUnknown: 'accept' })
    const token = await tokenAt(5, undefined, { exp: Math.floor(clock.wall() / 1000) + 36_000 })
    expect(await verify(token)).toBe('token_revoked')
    clock.advance(7_200_000)
    expect(await verify(await tokenAt(1, issuer.addList('/oauth2/status/b').uri))).toBe('valid')
    list.answer = (_req, res) => void res.writeHead(500).end()
    expect(await verify(token)).toBe('token_revoked')
  })

  it('when its list made room, and an older copy of the same second comes out of a cache', async () => {
    const list = issuer.addList()
    list.claims = { iat: Math.floor(clock.wall() / 1000) }
    list.revoke(5)
    const verify = verifier({ maxLists: 10 })
    const token = await tokenAt(5)
    expect(await verify(token)).toBe('token_revoked')
    await crowdOut(verify)
    list.bitmap = new Uint8Array(8192)
    expect(await verify(token)).toBe('status_unknown')
    clock.advance(15_000)
    list.revoke(5)
    list.revoke(6)
    expect(await verify(token)).toBe('token_revoked')
    expect(await verify(await tokenAt(7))).toBe('valid')
  })
})

describe('a clock that is off', () => {
  /** What a machine whose clock differs by so many seconds says to a token and a list of this very moment. */
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

  it('by minutes behind takes no list of its future, and says why', async () => {
    issuer.addList()
    const verify = verifier({}, shifted(clock, -300_000))
    const token = await tokenAt(1, undefined, { iat: Math.floor(clock.wall() / 1000) - 600 })
    expect(await verify(token)).toBe('status_unknown')
    expect(problems[0]).toMatch(/^list_invalid: .*300 s in the future: this machine's clock is behind/)
  })

  it('and stood still while the machine slept makes no list young again', async () => {
    const list = issuer.addList()
    const verify = verifier()
    const token = await tokenAt(5)
    await verify(token)
    list.revoke(5)
    clock.set(61_000)
    expect(await verify(token)).toBe('token_revoked')
  })

  it('and is set back makes no list young again', async () => {
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
    ['its expiry', { maxAge: 86_400 }, 571_000],
  ])(
    'and is set back makes no list that cannot be had anew live beyond %s',
    async (_name, statusList, milliseconds) => {
      const list = issuer.addList()
      const verify = verifier(statusList)
      const issued = { iat: Math.floor(clock.wall() / 1000) - 3600 }
      const token = await tokenAt(5, undefined, issued)
      await verify(token)
      list.answer = (_req, res) => void res.writeHead(500).end()
      clock.advance(59_000)
      clock.set(-600_000)
      expect(await verify(token)).toBe('valid')
      clock.advance(milliseconds)
      expect(await verify(token)).toBe('status_unknown')
    },
  )
})
