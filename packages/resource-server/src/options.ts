import type { Fetch } from './bounded-fetch.ts'
import type { RecordProof } from './dpop-replay-cache.ts'
import type { Report } from './errors.ts'
import type { FeedCredentials } from './feed-connection.ts'

export interface StatusListOptions {
  /** With the revocation feed, revocations arrive within about a second; without it, within a list's `ttl`. */
  readonly feed?: FeedCredentials
  /**
   * Whether to refuse (503) or accept a token whose list is unavailable or older than `maxAge`. A token that is known to be
   * revoked is always refused. Default: `refuse`.
   */
  readonly onUnknown?: 'refuse' | 'accept'
  /** Whether to refuse (401) or accept a token without a status list reference. Default: `refuse`. */
  readonly onMissing?: 'refuse' | 'accept'
  /** Maximum age of a list in seconds, while no newer copy is available. Default: 2 × `ttl` + 30. */
  readonly maxAge?: number
  /** Seconds for the request of a list. Default: 5. */
  readonly timeout?: number
  /** Maximum size of an inflated list. Default: 1 MiB, for eight million tokens. */
  readonly maxListBytes?: number
  /** Maximum number of lists in memory. Default: 4096. Keywright's lists have 8 to 128 kB each. */
  readonly maxLists?: number
}

export interface DpopOptions {
  /** Maximum age of a proof in seconds. Default: 60. */
  readonly maxAge?: number
  /** Maximum number of unexpired proofs in memory; further ones are refused (503). Default: 100,000. */
  readonly maxProofs?: number
  /** Records used proofs in a store that several processes share. Default: in the memory of this process. */
  readonly recordProof?: RecordProof
}

export interface VerifierOptions {
  /** Must equal the server's `issuer` exactly. */
  readonly issuer: string
  /** The API's identifier, the `aud` of its tokens. With several, a token for any of them is accepted. */
  readonly audience: string | readonly string[]
  /** Default: `/oauth2/jwks` at the issuer's origin. */
  readonly jwksUri?: string
  /** Default: ES256, RS256, PS256 and EdDSA. */
  readonly algorithms?: readonly string[]
  /** False: revoked tokens are accepted until they expire. */
  readonly statusList?: StatusListOptions | false
  /** Seconds by which this machine's clock may differ from the server's. Default: 30. */
  readonly clockTolerance?: number
  /** Scopes that every request needs. */
  readonly requiredScopes?: readonly string[]
  /** Which scopes a broader one contains, such as `{ write: ['read'] }`, also over several steps. Default: none. */
  readonly impliedScopes?: Readonly<Record<string, readonly string[]>>
  readonly dpop?: DpopOptions
  /**
   * The header in which your proxy names the client certificate, for tokens that are bound to one (RFC 8705): in the form of nginx, HAProxy,
   * Caddy, Envoy or RFC 9440. The proxy must set or remove it in every request: a certificate is public. Default: the `certificate` of the
   * request.
   */
  readonly certificateHeader?: string
  /** The resource identifier in the metadata (RFC 9728). Default: the audience, if it is a URL. */
  readonly resource?: string
  readonly realm?: string
  /** Called with what the operator of the API should know. */
  readonly onProblem?: Report
  /** Accepts `http:` URLs of other machines. */
  readonly allowHttp?: boolean
  /** Replaces the global `fetch` for all requests. */
  readonly fetch?: Fetch
}

/** The options with their defaults. Times in seconds. */
export interface Settings {
  readonly issuer: string
  readonly origin: string
  readonly audience: string | readonly string[]
  readonly jwksUri: string
  readonly feedUri: string
  readonly algorithms: string[]
  readonly statusList: (Required<Omit<StatusListOptions, 'feed' | 'maxAge'>> & StatusListOptions) | false
  readonly clockTolerance: number
  readonly requiredScopes: readonly string[]
  readonly impliedScopes: Readonly<Record<string, readonly string[]>>
  readonly dpop: Required<Omit<DpopOptions, 'recordProof'>> & DpopOptions
  readonly certificateHeader: string | undefined
  readonly resource: string | undefined
  readonly realm: string | undefined
  readonly onProblem: Report
  readonly fetch: Fetch
}

/** Holds all validation errors at once, so that one failed start shows everything that must be corrected. */
export class VerifierOptionsError extends Error {
  override readonly name = 'VerifierOptionsError'
  readonly errors: readonly string[]

  constructor(errors: readonly string[]) {
    super(errors.join('; '))
    this.errors = errors
  }
}

const DEFAULT_ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA']
/** With a symmetric algorithm such as HS256 every resource server could sign tokens. */
const ASYMMETRIC = /^(ES(256|384|512)|[RP]S(256|384|512)|EdDSA|Ed25519|ML-DSA-(44|65|87))$/

const isLoopback = (host: string) => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host)

function urlError(name: string, value: string, allowHttp: boolean): string | undefined {
  if (!URL.canParse(value)) return `${name} is not a URL`
  const { protocol, hostname, username, password } = new URL(value)
  if (username || password) return `${name} contains credentials`
  if (protocol === 'https:' || (protocol === 'http:' && (allowHttp || isLoopback(hostname)))) return undefined
  return `${name} is not an https: URL (allowHttp: true also accepts http:)`
}

function numberError(name: string, value: number | undefined, min: number, max: number): string | undefined {
  if (value === undefined || (Number.isFinite(value) && value >= min && value <= max)) return undefined
  return `${name} is not a number from ${min} to ${max}`
}

function choiceError(name: string, value: string | undefined): string | undefined {
  return value === undefined || value === 'refuse' || value === 'accept' ? undefined : `${name} is not refuse or accept`
}

function statusListErrors(lists: StatusListOptions | false | undefined): (string | undefined)[] {
  if (!lists) return []
  const { feed } = lists
  return [
    choiceError('statusList.onUnknown', lists.onUnknown),
    choiceError('statusList.onMissing', lists.onMissing),
    numberError('statusList.maxAge', lists.maxAge, 1, 31 * 86_400),
    numberError('statusList.timeout', lists.timeout, 0.1, 60),
    numberError('statusList.maxListBytes', lists.maxListBytes, 8192, 64 * 1024 * 1024),
    numberError('statusList.maxLists', lists.maxLists, 10, 1_000_000),
    feed && !(feed.clientId && feed.clientSecret) ? 'statusList.feed lacks clientId or clientSecret' : undefined,
  ]
}

function errorsIn(options: VerifierOptions): string[] {
  const { issuer, audience, jwksUri, allowHttp = false, algorithms = DEFAULT_ALGORITHMS } = options
  const audiences = typeof audience === 'string' ? [audience] : (audience ?? [])
  const errors = [
    urlError('issuer', issuer, allowHttp),
    jwksUri === undefined ? undefined : urlError('jwksUri', jwksUri, allowHttp),
    // jose accepts every audience if this is empty.
    audiences.length === 0 || audiences.some((name) => !name) ? 'audience is empty' : undefined,
    algorithms.length > 0 && algorithms.every((alg) => ASYMMETRIC.test(alg))
      ? undefined
      : 'algorithms are not asymmetric signature algorithms',
    options.resource === undefined ? undefined : urlError('resource', options.resource, true),
    numberError('clockTolerance', options.clockTolerance, 0, 600),
    numberError('dpop.maxAge', options.dpop?.maxAge, 1, 600),
    numberError('dpop.maxProofs', options.dpop?.maxProofs, 1, 100_000_000),
    options.certificateHeader === undefined || /^[a-z][a-z0-9-]*$/i.test(options.certificateHeader)
      ? undefined
      : 'certificateHeader is not the name of a header',
    ...statusListErrors(options.statusList),
  ]
  return errors.filter((error) => error !== undefined)
}

/** Undefined if the audience is not a URL, such as `urn:…`: RFC 9728 has no metadata for those. */
function resourceOf({ resource, audience }: VerifierOptions): string | undefined {
  const name = resource ?? (typeof audience === 'string' ? audience : audience[0]!)
  return /^https?:/.test(name) && URL.canParse(name) ? name : undefined
}

/** Ignores errors of the callback: they must neither end the feed nor reject a request. */
function ignoringErrors(report: Report | undefined): Report {
  return (problem) => {
    try {
      report?.(problem)
    } catch {
      // There is no other place to report this.
    }
  }
}

/** @throws VerifierOptionsError */
export function normalizeOptions(options: VerifierOptions): Settings {
  const errors = errorsIn(options)
  if (errors.length > 0) throw new VerifierOptionsError(errors)
  const { issuer, audience, statusList = {} } = options
  return {
    issuer,
    origin: new URL(issuer).origin,
    audience,
    jwksUri: options.jwksUri ?? new URL('/oauth2/jwks', issuer).href,
    feedUri: new URL('/oauth2/status/feed', issuer).href,
    algorithms: [...(options.algorithms ?? DEFAULT_ALGORITHMS)],
    statusList: statusList && {
      ...statusList,
      onUnknown: statusList.onUnknown ?? 'refuse',
      onMissing: statusList.onMissing ?? 'refuse',
      timeout: statusList.timeout ?? 5,
      maxListBytes: statusList.maxListBytes ?? 1024 * 1024,
      maxLists: statusList.maxLists ?? 4096,
    },
    clockTolerance: options.clockTolerance ?? 30,
    requiredScopes: options.requiredScopes ?? [],
    impliedScopes: options.impliedScopes ?? {},
    dpop: { ...options.dpop, maxAge: options.dpop?.maxAge ?? 60, maxProofs: options.dpop?.maxProofs ?? 100_000 },
    certificateHeader: options.certificateHeader?.toLowerCase(),
    resource: resourceOf(options),
    realm: options.realm,
    onProblem: ignoringErrors(options.onProblem),
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
  }
}
