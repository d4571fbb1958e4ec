import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { KeywrightError } from '../shared/errors.ts'
import { type ClientCertificateConfig, clientCertificateConfigOf } from './client-certificate-settings.ts'
import { withTlsEnvironment } from './database-url.ts'
import { type MailConfig, mailConfigOf } from './mail-config.ts'
import { type Setting, SettingError, type ValueOf } from './setting.ts'
import { SETTINGS } from './settings.ts'
import { type TelemetryConfig, telemetryConfigOf } from './telemetry-config.ts'

export interface Config {
  /** Absent: the embedded PostgreSQL in `dataDir`. */
  readonly databaseUrl?: string
  readonly dataDir: string
  readonly port: number
  readonly host: string
  /** Absent: the address that is listened on. */
  readonly issuer?: string
  /** 32 bytes each, newest first; empty: made and kept in `dataDir`. */
  readonly encryptionKeys: readonly Buffer[]
  readonly workers: number
  readonly logLevel: string
  readonly trustProxy: boolean
  /** Absent: no client authenticates by a certificate in TLS. */
  readonly clientCertificates?: ClientCertificateConfig
  /** What may be called beside public addresses, in the forms of `parseHostRule`. */
  readonly outgoingAllow: readonly string[]
  /** The URL of GitHub's public keys for secret scanning; absent: GitHub cannot report leaks. */
  readonly githubSecretScanningKeys?: string
  /** Absent: Keywright sends no e-mail. */
  readonly mail?: MailConfig
  /** Absent: nothing is exported to an OpenTelemetry collector. */
  readonly telemetry?: TelemetryConfig
  readonly metricsToken?: string
  readonly databasePoolMax: number
  /** Milliseconds. */
  readonly databaseStatementTimeout: number
  readonly databasePreparedStatements: boolean
  readonly clientCacheSize: number
  /** Seconds. */
  readonly statusListTtl: number
  readonly statusFeedMax: number
  /** Days. */
  readonly signingKeyMaxAge: number
  /** Days. */
  readonly auditRetention: number
  /** Seconds. */
  readonly shutdownDelay: number
  /** Seconds. */
  readonly shutdownTimeout: number
}

type Environment = Record<string, string | undefined>
type Values = { [Name in keyof typeof SETTINGS]: ValueOf<(typeof SETTINGS)[Name]> }

/** The text of a setting: from the variable, or from the file that `NAME_FILE` names (Docker and Kubernetes secrets). */
function textOf(env: Environment, name: string, fieldErrors: string[]): string | undefined {
  const file = env[`${name}_FILE`]
  if (env[name] && file) fieldErrors.push(`${name} and ${name}_FILE are both set; keep one`)
  if (env[name] || !file) return env[name] || undefined
  try {
    return readFileSync(file, 'utf8').trim() || undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    fieldErrors.push(`${name}_FILE: cannot read ${file} (${code}); create the file, or correct its path and rights`)
    return undefined
  }
}

/** The value of a setting; undefined if it has none, or if its text has errors. */
function readSetting(name: string, setting: Setting, env: Environment, fieldErrors: string[]): unknown {
  const value = textOf(env, name, fieldErrors) ?? setting.default
  if (value === undefined) return undefined
  try {
    return setting.parse(value)
  } catch (error) {
    if (!(error instanceof SettingError)) throw error
    fieldErrors.push(...error.problems.map((problem) => `${name}: ${problem}`))
    return undefined
  }
}

function readSettings(env: Environment, fieldErrors: string[]): Values {
  const settings = Object.entries<Setting>(SETTINGS)
  return Object.fromEntries(
    settings.map(([name, setting]) => [name, readSetting(name, setting, env, fieldErrors)]),
  ) as Values
}

function misconfigured(errors: readonly string[]): KeywrightError {
  const message = errors.length === 1 ? errors[0]! : `the configuration has errors:\n  ${errors.join('\n  ')}`
  return new KeywrightError('misconfigured', message)
}

/** Variables that are settings of the instance now. A node that ignored one would let sessions last longer than it says. */
const IN_INSTANCE = { SESSION_IDLE_LIFETIME: '--session-idle-lifetime', SESSION_LIFETIME: '--session-lifetime' }

function refuseInstanceSettings(env: Environment, fieldErrors: string[]): void {
  for (const [name, option] of Object.entries(IN_INSTANCE))
    if (env[name] || env[`${name}_FILE`])
      fieldErrors.push(
        `${name}: is a setting of the instance; unset it, and use: keywright instance update ${option} SECONDS`,
      )
}

/**
 * Reads the configuration from the environment. Rejects a wrong value instead of clamping it, and reports every error at once.
 * @throws KeywrightError `misconfigured`, one error a line
 */
export function loadConfig(env: Environment): Config {
  const fieldErrors: string[] = []
  const values = readSettings(env, fieldErrors)
  refuseInstanceSettings(env, fieldErrors)
  if (
    values.DATABASE_URL &&
    !values.ENCRYPTION_KEY &&
    !fieldErrors.some((fieldError) => fieldError.startsWith('ENCRYPTION_KEY'))
  ) {
    fieldErrors.push('ENCRYPTION_KEY: required with DATABASE_URL; make one with: openssl rand -base64 32')
  }
  const mail = mailConfigOf(values, fieldErrors)
  const clientCertificates = clientCertificateConfigOf(values, fieldErrors)
  if (fieldErrors.length > 0) throw misconfigured(fieldErrors)
  return {
    databaseUrl: values.DATABASE_URL && withTlsEnvironment(values.DATABASE_URL, env),
    dataDir: values.DATA_DIR,
    port: values.PORT,
    host: values.HOST,
    issuer: values.ISSUER,
    encryptionKeys: values.ENCRYPTION_KEY ?? [],
    workers: values.WORKERS === 'auto' ? availableParallelism() : values.WORKERS,
    logLevel: values.LOG_LEVEL,
    trustProxy: values.TRUST_PROXY,
    clientCertificates,
    outgoingAllow: values.OUTGOING_ALLOW ?? [],
    githubSecretScanningKeys: values.GITHUB_SECRET_SCANNING_KEYS,
    mail,
    telemetry: telemetryConfigOf(values),
    metricsToken: values.METRICS_TOKEN,
    databasePoolMax: values.DATABASE_POOL_MAX,
    databaseStatementTimeout: values.DATABASE_STATEMENT_TIMEOUT,
    databasePreparedStatements: values.DATABASE_PREPARED_STATEMENTS,
    clientCacheSize: values.CLIENT_CACHE_SIZE,
    statusListTtl: values.STATUS_LIST_TTL,
    statusFeedMax: values.STATUS_FEED_MAX,
    signingKeyMaxAge: values.SIGNING_KEY_MAX_AGE,
    auditRetention: values.AUDIT_RETENTION,
    shutdownDelay: values.SHUTDOWN_DELAY ?? (values.DATABASE_URL ? 5 : 0),
    shutdownTimeout: values.SHUTDOWN_TIMEOUT,
  }
}
