import type { Fetch } from './bounded-fetch.ts'
import type { Report } from './errors.ts'
import type { RememberProof } from './proof-memory.ts'
import type { FeedCredentials } from './status-feed.ts'

export interface StatusListOptions {
  /** With it, revocations arrive within a second or so; without, within a list's `ttl`. */
  readonly feed?: FeedCredentials
  /**
   * What happens to a token whose list cannot be had, or is older than `maxAge`: refused with 503, or accepted. One that is
   * known to be revoked is refused in any case. Default: `refuse`.
   */
  readonly onUnknown?: 'refuse' | 'accept'
  /** The same for a token that names no list, as those from before the server had lists. Default: `refuse`. */
  readonly onMissing?: 'refuse' | 'accept'
  /** Seconds for which what was known last is relied on while nothing newer can be had. Default: 2 × `ttl` + 30. */
  readonly maxAge?: number
  /** Seconds for one request. Default: 5. */
  readonly timeout?: number
  /** Of one list when it is inflated. Default: 1 MiB, which speaks of eight million tokens. */
  readonly maxListBytes?: number
  /** How many lists are held at once. Default: 4096, of 8 to 128 kB each as Keywright makes them. */
  readonly maxLists?: number
}

export interface DpopOptions {
  /** Seconds a proof may be old. Default: 60. */
  readonly maxAge?: number
  /** How many proofs are remembered at once; further ones are refused. Default: 100,000. */
  readonly maxProofs?: number
  /** Remembers them for several processes at once. */
  readonly remember?: RememberProof
}

export interface VerifierOptions {
  /** The server's `issuer`, letter by letter. */
  readonly issuer: string
  /** What the API is called in a token's `aud`; of several, any. */
  readonly audience: string | readonly string[]
  /** Default: `/oauth2/jwks` at the issuer. */
  readonly jwksUri?: string
  /** Default: ES256, RS256, PS256 and EdDSA. */
  readonly algorithms?: readonly string[]
  /** False: tokens are honoured until they expire, revoked or not. */
  readonly statusList?: StatusListOptions | false
  /** Seconds by which this machine's clock may differ from the server's. Default: 30. */
  readonly clockTolerance?: number
  /** Needed by every request. */
  readonly requiredScopes?: readonly string[]
  readonly dpop?: DpopOptions
  /** What the API's documents call it (RFC 9728). Default: the audience where that is a URL. */
  readonly resource?: string
  readonly realm?: string
  /** Told what the operator of the API wants to know. Default: nobody. */
  readonly onProblem?: Report
  /** Takes `http:` issuers elsewhere than on this machine. */
  readonly allowHttp?: boolean
  /** Used for all requests in place of the global one. */
  readonly fetch?: Fetch
}

/** Every option with its default. Times in seconds. */
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
  readonly dpop: Required<Omit<DpopOptions, 'remember'>> & DpopOptions
  readonly resource: string | undefined
  readonly realm: string | undefined
  readonly onProblem: Report
  readonly fetch: Fetch
}

/** All that is wrong at once: a process that does not start should not have to be started once for each fault. */
export class VerifierOptionsError extends Error {
  override readonly name = 'VerifierOptionsError'
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(faults.join('; '))
    this.faults = faults
  }
}

const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA']
/** An algorithm whose keys are no secret: with HS256 whoever verifies could issue. */
const ASYMMETRIC = /^(ES(256|384|512)|[RP]S(256|384|512)|EdDSA|Ed25519|ML-DSA-(44|65|87))$/

const isLoopback = (host: string) => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host)

function urlFault(name: string, value: string, allowHttp: boolean): string | undefined {
  if (!URL.canParse(value)) return `${name} is not a URL`
  const { protocol, hostname, username, password } = new URL(value)
  if (username || password) return `${name} holds credentials`
  if (protocol === 'https:' || (protocol === 'http:' && (allowHttp || isLoopback(hostname)))) return undefined
  return `${name} is not an https: URL (allowHttp: true takes http: too)`
}

function numberFault(name: string, value: number | undefined, least: number, most: number): string | undefined {
  if (value === undefined || (Number.isFinite(value) && value >= least && value <= most)) return undefined
  return `${name} is not a number from ${least} to ${most}`
}

function choiceFault(name: string, value: string | undefined): string | undefined {
  return value === undefined || value === 'refuse' || value === 'accept' ? undefined : `${name} is not refuse or accept`
}

function statusFaults(lists: StatusListOptions | false | undefined): (string | undefined)[] {
  if (!lists) return []
  const { feed } = lists
  return [
    choiceFault('statusList.onUnknown', lists.onUnknown),
    choiceFault('statusList.onMissing', lists.onMissing),
    numberFault('statusList.maxAge', lists.maxAge, 1, 31 * 86_400),
    numberFault('statusList.timeout', lists.timeout, 0.1, 60),
    numberFault('statusList.maxListBytes', lists.maxListBytes, 8192, 64 * 1024 * 1024),
    numberFault('statusList.maxLists', lists.maxLists, 10, 1_000_000),
    feed && !(feed.clientId && feed.clientSecret) ? 'statusList.feed lacks clientId or clientSecret' : undefined,
  ]
}

function faultsOf(options: VerifierOptions): string[] {
  const { issuer, audience, jwksUri, allowHttp = false, algorithms = ALGORITHMS } = options
  const audiences = typeof audience === 'string' ? [audience] : (audience ?? [])
  const faults = [
    urlFault('issuer', issuer, allowHttp),
    jwksUri === undefined ? undefined : urlFault('jwksUri', jwksUri, allowHttp),
    // jose takes an empty audience for any.
    audiences.length === 0 || audiences.some((name) => !name) ? 'audience is empty' : undefined,
    algorithms.length > 0 && algorithms.every((alg) => ASYMMETRIC.test(alg))
      ? undefined
      : 'algorithms are not signatures',
    options.resource === undefined ? undefined : urlFault('resource', options.resource, true),
    numberFault('clockTolerance', options.clockTolerance, 0, 600),
    numberFault('dpop.maxAge', options.dpop?.maxAge, 1, 600),
    numberFault('dpop.maxProofs', options.dpop?.maxProofs, 1, 100_000_000),
    ...statusFaults(options.statusList),
  ]
  return faults.filter((fault) => fault !== undefined)
}

/** Undefined where the audience is no URL, as `urn:…`: RFC 9728 has no place for those. */
function resourceOf({ resource, audience }: VerifierOptions): string | undefined {
  const name = resource ?? (typeof audience === 'string' ? audience : audience[0]!)
  return /^https?:/.test(name) && URL.canParse(name) ? name : undefined
}

/** A logger that fails must neither end the feed nor refuse a request. */
function guarded(report: Report | undefined): Report {
  return (problem) => {
    try {
      report?.(problem)
    } catch {
      // There is nobody left to tell.
    }
  }
}

/** @throws VerifierOptionsError */
export function settle(options: VerifierOptions): Settings {
  const faults = faultsOf(options)
  if (faults.length > 0) throw new VerifierOptionsError(faults)
  const { issuer, audience, statusList = {} } = options
  return {
    issuer,
    origin: new URL(issuer).origin,
    audience,
    jwksUri: options.jwksUri ?? new URL('/oauth2/jwks', issuer).href,
    feedUri: new URL('/oauth2/status/feed', issuer).href,
    algorithms: [...(options.algorithms ?? ALGORITHMS)],
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
    dpop: { ...options.dpop, maxAge: options.dpop?.maxAge ?? 60, maxProofs: options.dpop?.maxProofs ?? 100_000 },
    resource: resourceOf(options),
    realm: options.realm,
    onProblem: guarded(options.onProblem),
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
  }
}
