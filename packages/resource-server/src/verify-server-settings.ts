import { readFile } from 'node:fs/promises'
import type { Report } from './errors.ts'
import { settle, type VerifierOptions, VerifierOptionsError } from './options.ts'
import type { FeedCredentials } from './status-feed.ts'

/** What `keywright-verify` is told, and by which variable. */
export const VARIABLES = {
  ISSUER: "the server's issuer, letter by letter (required)",
  AUDIENCE: "what the API is called in a token's aud; of several, separated by spaces, any (required)",
  API_ID: "the API's own client id, for the feed of revocations; without, they arrive within the lists' ttl",
  API_SECRET: 'its secret',
  API_SECRET_FILE: 'a file that holds it instead; read at each connection, so that it may be replaced',
  REQUIRED_SCOPES: 'scopes that every request needs, separated by spaces',
  ORIGIN: 'where clients see the API, such as https://api.example.com, for DPoP; without, as the gateway says',
  ON_UNKNOWN: 'refuse (default) or accept tokens of which it cannot be told whether they were revoked',
  ON_MISSING: 'the same for tokens that name no status list',
  MAX_AGE: 'seconds for which what was known last is relied on (2 × ttl + 30)',
  CLOCK_TOLERANCE: "seconds by which this machine's clock may be off (30)",
  ALLOW_HTTP: 'on: takes an http: issuer elsewhere than on this machine (off)',
  HOST: 'the address to listen on (127.0.0.1)',
  PORT: 'the port; 0 takes a free one (8180)',
} as const

type Variable = keyof typeof VARIABLES
type Environment = Readonly<Record<string, string | undefined>>
type Read = (name: Variable) => string | undefined

export interface VerifyServerSettings {
  readonly verifier: VerifierOptions
  readonly origin: string | undefined
  readonly host: string
  readonly port: number
}

/** The options that hold what a variable said, for faults that are told of them. */
const VARIABLE_OF: Record<string, Variable> = {
  issuer: 'ISSUER',
  audience: 'AUDIENCE',
  'statusList.onUnknown': 'ON_UNKNOWN',
  'statusList.onMissing': 'ON_MISSING',
  'statusList.maxAge': 'MAX_AGE',
  clockTolerance: 'CLOCK_TOLERANCE',
}

const words = (text = ''): string[] => text.split(/\s+/).filter((word) => word !== '')
const numeric = (text: string | undefined) => (text === undefined ? undefined : Number(text))

function feedOf(read: Read): FeedCredentials | undefined {
  const [clientId, secret, file] = [read('API_ID'), read('API_SECRET'), read('API_SECRET_FILE')]
  if (clientId === undefined) return undefined
  return { clientId, clientSecret: secret ?? (async () => (await readFile(file!, 'utf8')).trim()) }
}

function verifierOptions(read: Read, onProblem: Report): VerifierOptions {
  return {
    issuer: read('ISSUER') ?? '',
    audience: words(read('AUDIENCE')),
    requiredScopes: words(read('REQUIRED_SCOPES')),
    clockTolerance: numeric(read('CLOCK_TOLERANCE')),
    allowHttp: read('ALLOW_HTTP') === 'on',
    statusList: {
      feed: feedOf(read),
      onUnknown: read('ON_UNKNOWN') as 'refuse' | 'accept' | undefined,
      onMissing: read('ON_MISSING') as 'refuse' | 'accept' | undefined,
      maxAge: numeric(read('MAX_AGE')),
    },
    onProblem,
  }
}

const isOrigin = (text: string): boolean =>
  /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text.toLowerCase()

function ownFaults(read: Read): string[] {
  const [origin, port, allowHttp] = [read('ORIGIN'), read('PORT'), read('ALLOW_HTTP')]
  const secrets = [read('API_SECRET'), read('API_SECRET_FILE')].filter((given) => given !== undefined)
  const faults: [boolean, string][] = [
    [
      secrets.length !== (read('API_ID') ? 1 : 0),
      'API_ID takes one of API_SECRET and API_SECRET_FILE, and they take it',
    ],
    [origin !== undefined && !isOrigin(origin), 'ORIGIN is not an origin: scheme and host, without a path'],
    [port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) < 65_536), 'PORT is not a number from 0 to 65535'],
    [allowHttp !== undefined && allowHttp !== 'on' && allowHttp !== 'off', 'ALLOW_HTTP is not on or off'],
  ]
  return faults.filter(([wrong]) => wrong).map(([, fault]) => fault)
}

function verifierFaults(options: VerifierOptions): string[] {
  try {
    settle(options)
    return []
  } catch (error) {
    if (!(error instanceof VerifierOptionsError)) throw error
    return error.faults.map((fault) => fault.replace(/^\S+/, (option) => VARIABLE_OF[option] ?? option))
  }
}

/**
 * An empty variable counts as none, as where a template had nothing to put in.
 * @throws VerifierOptionsError with all faults at once
 */
export function readVerifyServerSettings(env: Environment, onProblem: Report): VerifyServerSettings {
  const read: Read = (name) => env[name] || undefined
  const verifier = verifierOptions(read, onProblem)
  const faults = [...verifierFaults(verifier), ...ownFaults(read)]
  if (faults.length > 0) throw new VerifierOptionsError(faults)
  return { verifier, origin: read('ORIGIN'), host: read('HOST') ?? '127.0.0.1', port: Number(read('PORT') ?? 8180) }
}
