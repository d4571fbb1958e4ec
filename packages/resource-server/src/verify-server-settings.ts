import { readFile } from 'node:fs/promises'
import type { Report } from './errors.ts'
import type { FeedCredentials } from './feed-connection.ts'
import { normalizeOptions, type VerifierOptions, VerifierOptionsError } from './options.ts'

/** The environment variables of `keywright-verify`, as its help prints them. */
export const VARIABLES = {
  ISSUER: "the server's issuer, exactly (required)",
  AUDIENCE:
    "the API's identifier, the aud of its tokens; several are separated by spaces, and any of them matches (required)",
  API_ID: "the API's client ID, for the revocation feed; without it revocations arrive within the ttl of the lists",
  API_SECRET: "the API's client secret",
  API_SECRET_FILE: 'a file with the client secret instead; read for each connection, so the secret can be rotated',
  REQUIRED_SCOPES: 'scopes that every request needs, separated by spaces',
  ORIGIN: "the API's origin as clients see it, for DPoP, such as https://api.example.com (the gateway's headers)",
  CERTIFICATE_HEADER:
    'the header in which the gateway names the client certificate, for tokens bound to one; the gateway sets it in every request',
  ON_UNKNOWN: 'refuse or accept tokens whose revocation status is unavailable (refuse)',
  ON_MISSING: 'refuse or accept tokens without a status list reference (refuse)',
  MAX_AGE: 'maximum age of a status list in seconds while no newer copy is available (2 × ttl + 30)',
  CLOCK_TOLERANCE: "seconds by which this machine's clock may differ from the server's (30)",
  ALLOW_HTTP: 'on: accepts an http: issuer on another machine (off)',
  HOST: 'the address to listen on (127.0.0.1)',
  PORT: 'the port; 0 chooses a free one (8180)',
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

/** The variable that sets an option, for validation errors. */
const VARIABLE_OF: Record<string, Variable> = {
  issuer: 'ISSUER',
  audience: 'AUDIENCE',
  certificateHeader: 'CERTIFICATE_HEADER',
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
    certificateHeader: read('CERTIFICATE_HEADER'),
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

function serverErrors(read: Read): string[] {
  const [origin, port, allowHttp] = [read('ORIGIN'), read('PORT'), read('ALLOW_HTTP')]
  const secrets = [read('API_SECRET'), read('API_SECRET_FILE')].filter((given) => given !== undefined)
  const checks: [isInvalid: boolean, error: string][] = [
    [
      secrets.length !== (read('API_ID') ? 1 : 0),
      'API_ID needs exactly one of API_SECRET and API_SECRET_FILE, and each of them needs API_ID',
    ],
    [origin !== undefined && !isOrigin(origin), 'ORIGIN is not an origin: scheme and host, without a path'],
    [port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) < 65_536), 'PORT is not a number from 0 to 65535'],
    [allowHttp !== undefined && allowHttp !== 'on' && allowHttp !== 'off', 'ALLOW_HTTP is not on or off'],
  ]
  return checks.filter(([isInvalid]) => isInvalid).map(([, error]) => error)
}

function verifierErrors(options: VerifierOptions): string[] {
  try {
    normalizeOptions(options)
    return []
  } catch (error) {
    if (!(error instanceof VerifierOptionsError)) throw error
    return error.errors.map((text) => text.replace(/^\S+/, (option) => VARIABLE_OF[option] ?? option))
  }
}

/**
 * Reads the settings. An empty variable counts as unset.
 * @throws VerifierOptionsError with all errors at once
 */
export function readVerifyServerSettings(env: Environment, onProblem: Report): VerifyServerSettings {
  const read: Read = (name) => env[name] || undefined
  const verifier = verifierOptions(read, onProblem)
  const errors = [...verifierErrors(verifier), ...serverErrors(read)]
  if (errors.length > 0) throw new VerifierOptionsError(errors)
  return { verifier, origin: read('ORIGIN'), host: read('HOST') ?? '127.0.0.1', port: Number(read('PORT') ?? 8180) }
}
