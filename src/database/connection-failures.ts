import type { DatabaseHost, DatabaseUrl } from '../config/database-url.ts'

interface Details {
  readonly code?: unknown
  readonly message: string
}

/** How a server is named in a message. */
export function nameOf({ host = 'localhost', port = 5432 }: DatabaseHost): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

const UNTRUSTED = new Set([
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_UNTRUSTED', 'INVALID_CA'],
])

const TLS_SENTENCES: Record<string, string> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; compare the clocks',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name than the one in DATABASE_URL',
}

/** What node-postgres says when the server answers no to TLS. */
export const NO_TLS = 'The server does not support SSL connections'

function tlsSentence({ code, message }: Details): string | undefined {
  if (message === NO_TLS) {
    return 'it offers no TLS; enable ssl there, or set sslmode=prefer or disable'
  }
  if (typeof code !== 'string') return undefined
  if (UNTRUSTED.has(code)) return 'its certificate is from no trusted authority; name the authority with sslrootcert'
  if (TLS_SENTENCES[code]) return TLS_SENTENCES[code]
  return /^(ERR_SSL|ERR_TLS|ERR_OSSL|EPROTO|CERT_)/.test(code) ? `the TLS handshake failed (${message})` : undefined
}

/** Failures to connect by SQLSTATE or system code; PostgreSQL's own message follows where it says more. */
const SENTENCES: Record<string, string> = {
  '28P01': 'it rejects the password',
  '28000': 'it does not admit this user from here; see pg_hba.conf',
  '3D000': 'the database does not exist',
  '42501': 'the user may not connect to the database; run GRANT CONNECT',
  '55000': 'the database accepts no connections',
  '53300': 'it has no connection left',
  '57P03': 'it is starting up or shutting down',
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name cannot be resolved now',
  ENOENT: 'there is no such Unix socket',
  EACCES: 'the Unix socket may not be opened',
}

function sentenceOf(error: Details): string {
  const tls = tlsSentence(error)
  if (tls) return tls
  const known = typeof error.code === 'string' ? SENTENCES[error.code] : undefined
  if (known) return /^\d/.test(String(error.code)) ? `${known} (${error.message})` : known
  if (error.message.startsWith('SASL:') && error.message.includes('password')) return 'it asks for a password'
  return error.message === 'timeout expired' ? 'it does not answer in time' : error.message
}

/** Why one host cannot be used, as one sentence without secrets. */
export function describeFailure(host: DatabaseHost, error: unknown): string {
  // Several addresses of one host: Node gathers an error of each.
  const first = error instanceof AggregateError ? error.errors[0] : error
  return `${nameOf(host)}: ${sentenceOf(first as Details)}`
}

/** Which database is meant, without the password. */
export const describeTarget = ({ database, user }: DatabaseUrl): string =>
  `database ${database ?? user ?? 'of the user'}${user ? ` as ${user}` : ''}`
