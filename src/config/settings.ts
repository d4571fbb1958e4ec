import { isIPv6 } from 'node:net'
import { parseHostRule } from '../shared/host-rules.ts'
import { CLIENT_CERTIFICATE_SETTINGS } from './client-certificate-settings.ts'
import { DatabaseUrlError, parseDatabaseUrl } from './database-url.ts'
import { MAIL_SETTINGS } from './mail-settings.ts'
import { oneOf, onOff, SettingError, setting, text, wholeNumber } from './setting.ts'
import { TELEMETRY_SETTINGS } from './telemetry-settings.ts'

const countOfWorkers = (value: string): number | 'auto' => (value === 'auto' ? value : wholeNumber(1, 256)(value))

function encryptionKeys(value: string): Buffer[] {
  const parts = value.split(',').map((part) => part.trim())
  const keys = parts.map((part) => Buffer.from(part, 'base64'))
  // Node ignores characters that are not base64: a mistyped key must not become another key.
  const wrong = keys.findIndex((key, n) => key.length !== 32 || key.toString('base64') !== parts[n])
  if (wrong >= 0) throw new SettingError(`key ${wrong + 1} is not 32 bytes in base64`)
  return keys
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

function issuerError(url: URL | null, value: string): string | undefined {
  if (!url || !/^https?:$/.test(url.protocol)) return 'must be an https URL, such as https://auth.example.com'
  if (url.pathname !== '/' || value.endsWith('/') || url.search || url.hash || url.username) {
    return 'must be an origin: no path, query, fragment or trailing slash'
  }
  if (url.protocol === 'https:' || LOOPBACK.has(url.hostname)) return undefined
  return 'must begin with https://, because tokens and passwords would travel in clear; http:// is for localhost, 127.0.0.1 and [::1]'
}

/** As browsers and clients write an origin: small letters, no default port, an international name in its ASCII form. */
function issuer(value: string): string {
  const url = URL.parse(value)
  const message = issuerError(url, value)
  if (message) throw new SettingError(message)
  return url!.origin
}

/** `http` only for this machine: on a network, others could change the answer. */
function httpUrl(value: string): string {
  const url = URL.parse(value)
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.has(url.hostname))
  if (!isSafe || url.username || url.password) throw new SettingError('must be an https URL without a user name')
  return url.href
}

function databaseUrl(value: string): string {
  try {
    parseDatabaseUrl(value)
    return value
  } catch (error) {
    throw error instanceof DatabaseUrlError ? new SettingError(error.message) : error
  }
}

/** An IPv6 address may be written as in a URL. */
const host = (value: string): string =>
  /^\[.*\]$/.test(value) && isIPv6(value.slice(1, -1)) ? value.slice(1, -1) : value

function hostRules(value: string): string[] {
  const entries = value.split(',').map((part) => part.trim())
  const wrong = entries.filter((entry) => !parseHostRule(entry))
  if (wrong.length === 0) return entries
  throw new SettingError(
    ...wrong.map((entry) => `"${entry}" is not a host, host:port, address or network (10.0.0.0/8)`),
  )
}

/** Every setting, declared once. `load-config.ts` reads the environment; `docs/configuration.md` is generated from this. */
export const SETTINGS = {
  DATABASE_URL: setting({
    parse: databaseUrl,
    secret: true,
    doc: 'The PostgreSQL (14 to 18) to keep everything in, as a libpq connection URI; several hosts are tried for the primary (docs/operating/database-connections.md). Unset or empty: an embedded PostgreSQL in `DATA_DIR`, for trying, developing and testing.',
  }),
  DATA_DIR: setting({
    parse: text,
    default: './data',
    doc: 'Where the embedded PostgreSQL and the generated encryption key live.',
  }),
  PORT: setting({ parse: wholeNumber(0, 65535), default: '3000', doc: 'The port to listen on; 0 takes a free one.' }),
  HOST: setting({ parse: host, default: '127.0.0.1', doc: 'The address to listen on.' }),
  ISSUER: setting({
    parse: issuer,
    doc: 'The public origin of this server, the `iss` of every token; `https`, except on this machine. Written in its normal form: small letters, no default port, punycode. Unset: the address it listens on.',
  }),
  ENCRYPTION_KEY: setting({
    parse: encryptionKeys,
    secret: true,
    doc: '32 bytes in base64 that seal private signing keys, sessions and other secrets in the database, or a comma-separated list with the newest first ([how to rotate it](operating/encryption-key.md)). Required with `DATABASE_URL`; otherwise made and kept in `DATA_DIR`. Make one with `openssl rand -base64 32`.',
  }),
  WORKERS: setting({
    parse: countOfWorkers,
    default: '1',
    doc: 'Server processes on this machine that share the port; `auto` takes one per core.',
  }),
  LOG_LEVEL: setting({
    parse: oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent'),
    default: 'info',
    doc: 'The least severe log line written (JSON lines on standard error).',
  }),
  TRUST_PROXY: setting({
    parse: onOff,
    default: 'off',
    doc: 'Whether `X-Forwarded-For` (or, without it, `Forwarded`) and `X-Forwarded-Proto` come from a proxy of yours and are to be believed. Of a list, the last address counts; a port behind it is ignored. Requests for which the proxy names no address share one set of limits.',
  }),
  ...CLIENT_CERTIFICATE_SETTINGS,
  OUTGOING_ALLOW: setting({
    parse: hostRules,
    doc: 'What Keywright may call for clients (back-channel logout) and webhooks beside public addresses: a comma-separated list of host names, `host:port`, addresses, and networks such as `10.0.0.0/8`. Unset: nothing inside your network.',
  }),
  GITHUB_SECRET_SCANNING_KEYS: setting({
    parse: httpUrl,
    doc: "The URL of GitHub's public keys, `https://api.github.com/meta/public_keys/secret_scanning`: GitHub's secret scanning may report leaked credentials ([how to register](secret-scanning.md)). Unset: only callers of the management API may.",
  }),
  ...MAIL_SETTINGS,
  ...TELEMETRY_SETTINGS,
  METRICS_TOKEN: setting({
    parse: text,
    secret: true,
    doc: 'The bearer token that a request for `/metrics` must carry. Unset: `/metrics` answers only requests from this machine, and only while `ISSUER` is a loopback address.',
  }),
  DATABASE_POOL_MAX: setting({
    parse: wholeNumber(4, 500),
    default: '10',
    unit: 'connections',
    doc: 'The most connections that each server process opens to PostgreSQL.',
  }),
  DATABASE_STATEMENT_TIMEOUT: setting({
    parse: wholeNumber(100, 600_000),
    default: '10000',
    unit: 'ms',
    doc: 'PostgreSQL cancels a statement after this time, and the client gets an error that asks it to retry.',
  }),
  DATABASE_PREPARED_STATEMENTS: setting({
    parse: onOff,
    default: 'on',
    doc: 'Off behind a PgBouncer before 1.21 in transaction mode, which cannot keep named statements.',
  }),
  CLIENT_CACHE_SIZE: setting({
    parse: wholeNumber(0, 10_000_000),
    default: '200000',
    unit: 'clients',
    doc: 'How many client registrations each server process remembers. A remembered one is checked for freshness whenever a token is recorded.',
  }),
  STATUS_LIST_TTL: setting({
    parse: wholeNumber(5, 3600),
    default: '60',
    unit: 's',
    doc: 'How long resource servers, and what stands between, may keep a status list: without the feed, so long a revoked token may still be accepted, and twice as long behind a cache.',
  }),
  STATUS_FEED_MAX: setting({
    parse: wholeNumber(1, 100_000),
    default: '2000',
    unit: 'streams',
    doc: 'How many resource servers each server process tells of revocations as they happen; more are asked to come again.',
  }),
  SIGNING_KEY_MAX_AGE: setting({
    parse: wholeNumber(1, 3650),
    default: '90',
    unit: 'days',
    doc: 'A signing key that has signed for this long is rotated.',
  }),
  AUDIT_RETENTION: setting({
    parse: wholeNumber(1, 36_500),
    default: '400',
    unit: 'days',
    doc: 'How long the audit log is kept.',
  }),
  SHUTDOWN_DELAY: setting({
    parse: wholeNumber(0, 600),
    unit: 's',
    doc: 'After SIGTERM, how long `/readyz` answers 503 while requests are still served, so that load balancers stop sending new ones first. Unset: 5 with `DATABASE_URL`, otherwise 0.',
  }),
  SHUTDOWN_TIMEOUT: setting({
    parse: wholeNumber(1, 600),
    default: '30',
    unit: 's',
    doc: 'How long requests in flight may take to finish before the process ends all the same.',
  }),
}
