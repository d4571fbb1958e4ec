import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { expectRevision, type FieldError, invalidFields, invalidInput, KeywrightError } from '../shared/errors.ts'
import { accessTokenTtlError, refreshTokenTtlError } from '../shared/lifetimes.ts'
import { nameError } from '../shared/names.ts'
import { type RateLimit, rateLimitError } from '../shared/rate-limit-format.ts'
import { redirectSchemeError } from '../shared/redirect-schemes.ts'
import { type LogoType, logoError, logoType } from './logos.ts'

export interface Logo {
  readonly type: LogoType
  readonly bytes: Buffer
  /** Changes with the bytes; without the quotes of the header. */
  readonly etag: string
}

/** What a new application begins with. */
export interface ApplicationDefaults {
  /** Seconds; null: the API's. */
  readonly accessTokenTtl: number | null
  /** Seconds; null: 30 days. */
  readonly refreshTokenTtl: number | null
  readonly consent: 'show' | 'skip_own_account'
  readonly rateLimit: RateLimit | null
}

/** What the operator decides for the whole instance. */
export interface InstanceSettings {
  /** 1 to 60 characters. */
  readonly name: string
  /** `#rrggbb`, in small letters. */
  readonly accent: string
  readonly logo: Logo | null
  readonly apiEnabled: boolean
  /** URI schemes without a dot that redirect URIs may have. */
  readonly redirectSchemes: readonly string[]
  readonly defaults: ApplicationDefaults
  /** Another one after each change. */
  readonly revision: number
}

/** What is left out stays as it is; a logo of null is taken away. Its type is found in its bytes, whatever it is called. */
export interface InstanceChanges {
  readonly name?: string
  readonly accent?: string
  readonly logo?: { readonly type?: string; readonly bytes: Buffer } | null
  readonly redirectSchemes?: readonly string[]
  readonly defaults?: Partial<ApplicationDefaults>
}

interface InstanceRow {
  name: string
  accent: string
  logo: Buffer | null
  logo_type: LogoType | null
  api_enabled: boolean
  redirect_schemes: string[]
  default_access_token_ttl: number | null
  default_refresh_token_ttl: number | null
  default_consent: ApplicationDefaults['consent']
  default_rate_limit_count: number | null
  default_rate_limit_period: number | null
  revision: number
}

const etagOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64url')

function toDefaults(row: InstanceRow): ApplicationDefaults {
  const { default_rate_limit_count: count, default_rate_limit_period: period } = row
  return {
    accessTokenTtl: row.default_access_token_ttl,
    refreshTokenTtl: row.default_refresh_token_ttl,
    consent: row.default_consent,
    rateLimit: count === null ? null : { count, period: period! },
  }
}

const toSettings = (row: InstanceRow): InstanceSettings => ({
  name: row.name,
  accent: row.accent,
  logo: row.logo && { type: row.logo_type!, bytes: row.logo, etag: etagOf(row.logo) },
  apiEnabled: row.api_enabled,
  redirectSchemes: row.redirect_schemes,
  defaults: toDefaults(row),
  revision: row.revision,
})

export async function getInstanceSettings(db: Knex): Promise<InstanceSettings> {
  const row = await db<InstanceRow>('instance_settings').first()
  return toSettings(row!)
}

const MOST_SCHEMES = 50

/** Of many schemes that are wrong, so many are named. */
const MOST_NAMED = 3

const schemesError = (schemes: readonly string[]): string | undefined =>
  schemes.length > MOST_SCHEMES
    ? `there are at most ${MOST_SCHEMES} schemes`
    : schemes
        .flatMap((scheme) => redirectSchemeError(scheme) ?? [])
        .slice(0, MOST_NAMED)
        .join('; ') || undefined

const accentError = (accent: string) =>
  /^#[0-9a-f]{6}$/.test(accent) ? undefined : 'an accent is a colour such as #1f5fbf'

const consentError = (consent: string) =>
  ['show', 'skip_own_account'].includes(consent) ? undefined : 'it is show or skip_own_account'

/** Of a value that was named and is not null. */
const judged = <Value>(value: Value | null | undefined, judge: (value: Value) => string | undefined) =>
  value === undefined || value === null ? undefined : judge(value)

/**
 * Checks a change and makes none.
 * @throws KeywrightError `invalid_input`, with every fault at its field; of defaults, by the names of the settings
 */
export function checkInstanceChanges({ name, accent, logo, redirectSchemes, defaults = {} }: InstanceChanges): void {
  const messages = {
    name: judged(name, (one) => nameError("an instance's name", one, 60)),
    accent: judged(accent, accentError),
    logo: judged(logo, ({ bytes }) => logoError(bytes)),
    redirectSchemes: judged(redirectSchemes, schemesError),
    accessTokenTtl: judged(defaults.accessTokenTtl, accessTokenTtlError),
    refreshTokenTtl: judged(defaults.refreshTokenTtl, refreshTokenTtlError),
    consent: judged(defaults.consent, consentError),
    rateLimit: judged(defaults.rateLimit, rateLimitError),
  }
  const fieldErrors = Object.entries(messages).flatMap(([field, message]): FieldError[] =>
    message ? [{ field, message }] : [],
  )
  if (fieldErrors.length > 0) throw invalidFields(fieldErrors)
}

function logoColumns(logo: InstanceChanges['logo']): Pick<InstanceRow, 'logo' | 'logo_type'> {
  return logo ? { logo: logo.bytes, logo_type: logoType(logo.bytes)! } : { logo: null, logo_type: null }
}

function defaultColumns({ accessTokenTtl, refreshTokenTtl, consent, rateLimit }: Partial<ApplicationDefaults>) {
  const limit = {
    default_rate_limit_count: rateLimit?.count ?? null,
    default_rate_limit_period: rateLimit?.period ?? null,
  }
  return {
    ...(accessTokenTtl !== undefined && { default_access_token_ttl: accessTokenTtl }),
    ...(refreshTokenTtl !== undefined && { default_refresh_token_ttl: refreshTokenTtl }),
    ...(consent !== undefined && { default_consent: consent }),
    ...(rateLimit !== undefined && limit),
  }
}

function columnsOf(changes: InstanceChanges): Partial<InstanceRow> {
  const tidy = { ...changes, name: changes.name?.trim(), accent: changes.accent?.toLowerCase() }
  checkInstanceChanges(tidy)
  const { name, accent, logo, redirectSchemes, defaults } = tidy
  return {
    ...(name !== undefined && { name }),
    ...(accent !== undefined && { accent }),
    ...(logo !== undefined && logoColumns(logo)),
    ...(redirectSchemes && { redirect_schemes: [...new Set(redirectSchemes)] }),
    ...(defaults && defaultColumns(defaults)),
  }
}

const TARGET = { type: 'instance', id: 'instance' }

/** A picture is no reading for an audit log: its kind and its size in bytes are. */
function detailOf({ logo, logo_type, ...rest }: Partial<InstanceRow>): Record<string, unknown> {
  if (logo === undefined) return rest
  return { ...rest, logo: logo && { type: logo_type, size: logo.length } }
}

/** @throws KeywrightError `invalid_input`, also when nothing is to be changed; `stale` */
export async function updateInstanceSettings(
  trx: Knex,
  changes: InstanceChanges,
  actor: Actor,
  expected?: number,
): Promise<InstanceSettings> {
  const columns = columnsOf(changes)
  if (Object.keys(columns).length === 0) throw invalidInput('nothing was named to change')
  const before = await trx<InstanceRow>('instance_settings').forUpdate().first('revision')
  expectRevision('the instance', before!.revision, expected)
  const change = { ...columns, updated_at: trx.fn.now(), revision: trx.raw('revision + 1') }
  const [row] = await trx('instance_settings').update(change).returning<InstanceRow[]>('*')
  await recordAudit(trx, actor, { action: 'instance.updated', target: TARGET, detail: detailOf(columns) })
  return toSettings(row!)
}

/** The URI schemes without a dot that redirect URIs may have. */
export async function allowedSchemes(db: Knex): Promise<readonly string[]> {
  const row = await db<InstanceRow>('instance_settings').first('redirect_schemes')
  return row!.redirect_schemes
}

/**
 * Keeps the API enabled until the transaction ends. A transaction that issues something takes this lock: otherwise
 * disabling the API would miss what it issues.
 * @throws KeywrightError `conflict` (it is switched off)
 */
export async function lockInstanceShared(trx: Knex): Promise<void> {
  const row = await trx<InstanceRow>('instance_settings').forShare().first('api_enabled')
  if (!row!.api_enabled) throw new KeywrightError('conflict', 'the API of this instance is switched off')
}

/** Waits for all who hold the instance; what they issued is for the caller to end. Answers whether anything changed. */
export async function setApiEnabled(trx: Knex, enabled: boolean): Promise<boolean> {
  const row = await trx<InstanceRow>('instance_settings').forUpdate().first('api_enabled')
  if (row!.api_enabled === enabled) return false
  const change = { api_enabled: enabled, updated_at: trx.fn.now(), revision: trx.raw('revision + 1') }
  await trx('instance_settings').update(change)
  return true
}
