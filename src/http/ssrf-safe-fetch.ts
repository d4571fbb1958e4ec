import type { LookupAddress } from 'node:dns'
import { lookup as lookupByDns } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import type { Agent, buildConnector, RequestInit as UndiciInit, Response as UndiciResponse } from 'undici'
import { invalidInput, KeywrightError } from '../shared/errors.ts'
import { type HostRule, isPublicAddress, namesHost, parseAddress, parseHostRule } from '../shared/host-rules.ts'

/**
 * The one way to what others name: an address that a client registered can point anywhere, also at this machine, its
 * network, and a cloud's metadata.
 */
export interface SsrfSafeFetch {
  /**
   * Fetches as the global `fetch` does, and reads the whole answer. A redirect is answered, not followed; a dispatcher
   * in `init` is passed over.
   * @throws KeywrightError `invalid_input` (no plain http(s) address), `forbidden` (not a public address, and the
   * operator does not allow it), `unavailable` (no whole answer within the limits)
   */
  fetch(url: string | URL, init?: RequestInit, limits?: FetchLimits): Promise<Response>
  close(): Promise<void>
}

type Lookup = (host: string) => Promise<LookupAddress[]>

export interface FetchLimits {
  /** Milliseconds, from the name's resolution to the body's last byte. */
  readonly time: number
  /** Bytes, after decompression. */
  readonly body: number
  /** Whether a longer body is cut, and the connection closed, instead of an error. */
  readonly cutsBody?: boolean
}

const LIMITS: FetchLimits = { time: 5000, body: 64 * 1024 }

/** Milliseconds until a connection is established. */
const CONNECT_LIMIT = 5000

/** These answers have no body, and `Response` refuses to be given one. */
const WITHOUT_BODY = new Set([204, 205, 304])

function readRules(allow: readonly string[]): HostRule[] {
  return allow.map((entry) => {
    const rule = parseHostRule(entry)
    if (!rule) throw new KeywrightError('misconfigured', `${entry} is not a host, host:port, address or network`)
    return rule
  })
}

const refusal = (host: string, addresses: readonly string[]): KeywrightError =>
  new KeywrightError(
    'forbidden',
    `${host} is not at a public address; the operator can allow it with OUTGOING_ALLOW`,
    // Where a name leads inside the network is not for who asked.
    { cause: new Error(`resolved to ${addresses.join(', ')}`) },
  )

/** Judges at the connection, where an address is used: what a name meant a moment earlier proves nothing. */
function createConnector(
  connect: typeof buildConnector,
  rules: readonly HostRule[],
  lookup: Lookup,
): buildConnector.connector {
  function permits(host: string, text: string, port: number): boolean {
    const address = parseAddress(text)
    return isPublicAddress(address) || namesHost(rules, host, address, port)
  }

  async function resolve(host: string, port: number): Promise<LookupAddress[]> {
    const found = await lookup(host)
    const permitted = found.filter(({ address }) => permits(host, address, port))
    const addresses = found.map(({ address }) => address)
    if (permitted.length === 0) throw refusal(host, addresses)
    return permitted
  }

  const lookupOn =
    (port: number): LookupFunction =>
    (host, { all }, done) => {
      resolve(host, port).then(
        (found) => (all ? done(null, found) : done(null, found[0]!.address, found[0]!.family)),
        (error) => done(error, []),
      )
    }

  return (target, done) => {
    const port = Number(target.port) || (target.protocol === 'https:' ? 443 : 80)
    const { hostname } = target
    // A literal address is never looked up.
    if (isIP(hostname) && !permits(hostname, hostname, port)) return done(refusal(hostname, [hostname]), null)
    const options = { lookup: lookupOn(port), timeout: CONNECT_LIMIT, allowH2: false, maxCachedSessions: 0 }
    connect(options as buildConnector.BuildOptions)(target, done)
  }
}

function checkAddress(address: string | URL): URL {
  const url = URL.parse(String(address))
  if (!url || !/^https?:$/.test(url.protocol)) throw invalidInput('what is fetched is an http or https address')
  if (url.username || url.password) throw invalidInput(`an address at ${url.host} holds a user name or password`)
  return url
}

/** Leaving the loop closes the connection. */
async function readBody(
  host: string,
  body: AsyncIterable<Uint8Array> | null,
  { body: most, cutsBody }: FetchLimits,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.length
    chunks.push(chunk)
    if (size <= most) continue
    if (cutsBody) break
    throw new KeywrightError('unavailable', `${host} answered more than ${most} bytes`)
  }
  return Buffer.concat(chunks).subarray(0, most)
}

/** Headers that describe the encoded body, which is returned decoded. */
const TRANSPORT = ['content-encoding', 'content-length', 'transfer-encoding']

function keep(response: UndiciResponse, body: Buffer): Response {
  const headers = [...response.headers].filter(([name]) => !TRANSPORT.includes(name))
  const { status } = response
  return new Response(WITHOUT_BODY.has(status) ? null : new Uint8Array(body), { status, headers })
}

/** Undici wraps what its connector says. */
function toldBy(error: unknown): KeywrightError | undefined {
  if (error instanceof KeywrightError) return error
  return error instanceof Error ? toldBy(error.cause) : undefined
}

function explain(host: string, error: unknown, limit: AbortSignal, { time }: FetchLimits): KeywrightError {
  const message = limit.aborted ? `did not answer within ${time / 1000} s` : 'could not be called'
  return toldBy(error) ?? new KeywrightError('unavailable', `${host} ${message}`, { cause: error })
}

/** `allow`: what else than public addresses may be called, in the forms of `parseHostRule`. */
export function createSsrfSafeFetch(
  { allow }: { allow: readonly string[] },
  { lookup = (host) => lookupByDns(host, { all: true }) }: { lookup?: Lookup } = {},
): SsrfSafeFetch {
  const rules = readRules(allow)
  let loaded: Promise<{ agent: Agent; fetch: typeof import('undici')['fetch'] }> | undefined

  /** Loads undici at the first request: most servers never call another one, and undici takes 5 MiB of memory. */
  function load() {
    loaded ??= import('undici').then(({ Agent, buildConnector, fetch }) => {
      const connect = createConnector(buildConnector, rules, lookup)
      // A connection for each exchange: a kept connection was checked against what its name meant at that time.
      return { agent: new Agent({ connect, pipelining: 0, allowH2: false }), fetch }
    })
    return loaded
  }

  async function exchange(url: URL, init: RequestInit, signal: AbortSignal, limits: FetchLimits): Promise<Response> {
    const headers = new Headers(init.headers)
    headers.set('user-agent', 'Keywright')
    const { agent, fetch } = await load()
    const own = { headers: [...headers], redirect: 'manual', dispatcher: agent, signal }
    const response = await fetch(url, { ...init, ...own } as UndiciInit)
    return keep(response, await readBody(url.host, response.body, limits))
  }

  return {
    async fetch(address, init = {}, limits = LIMITS) {
      const url = checkAddress(address)
      const limit = AbortSignal.timeout(limits.time)
      try {
        return await exchange(url, init, init.signal ? AbortSignal.any([limit, init.signal]) : limit, limits)
      } catch (error) {
        throw explain(url.host, error, limit, limits)
      }
    },
    close: async () => (await loaded)?.agent.close(),
  }
}
