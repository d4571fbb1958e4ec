import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { invalidInput, KeywrightError } from '../shared/errors.ts'
import { judgeLogo, type LogoType } from './logos.ts'

export interface Logo {
  readonly type: LogoType
  readonly bytes: Buffer
  /** Changes with the bytes; without the quotes of the header. */
  readonly etag: string
}

/** What the operator decides for the whole instance. */
export interface InstanceSettings {
  /** 1 to 60 characters. */
  readonly name: string
  /** `#rrggbb`, in small letters. */
  readonly accent: string
  readonly logo: Logo | null
  readonly apiEnabled: boolean
}

/** What is left out stays as it is; a logo of null is taken away. Its type is found in its bytes, whatever it is called. */
export interface InstanceChanges {
  readonly name?: string
  readonly accent?: string
  readonly logo?: { readonly type?: string; readonly bytes: Buffer } | null
}

interface InstanceRow {
  name: string
  accent: string
  logo: Buffer | null
  logo_type: LogoType | null
  api_enabled: boolean
}

const etagOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64url')

const toSettings = ({ name, accent, logo, logo_type, api_enabled }: InstanceRow): InstanceSettings => ({
  name,
  accent,
  logo: logo && { type: logo_type!, bytes: logo, etag: etagOf(logo) },
  apiEnabled: api_enabled,
})

export async function getInstanceSettings(db: Knex): Promise<InstanceSettings> {
  const row = await db<InstanceRow>('instance_settings').first()
  return toSettings(row!)
}

function checkName(text: string): string {
  const name = text.trim()
  if (name.length < 1 || [...name].length > 60) throw invalidInput("an instance's name has 1 to 60 characters")
  if (/\p{Cc}/u.test(name)) throw invalidInput("an instance's name holds no control characters")
  return name
}

function checkAccent(text: string): string {
  const accent = text.toLowerCase()
  if (!/^#[0-9a-f]{6}$/.test(accent)) throw invalidInput('an accent is a colour such as #1f5fbf')
  return accent
}

function logoColumns(logo: InstanceChanges['logo']): Pick<InstanceRow, 'logo' | 'logo_type'> {
  return logo ? { logo: logo.bytes, logo_type: judgeLogo(logo.bytes) } : { logo: null, logo_type: null }
}

function columnsOf({ name, accent, logo }: InstanceChanges): Partial<InstanceRow> {
  return {
    ...(name !== undefined && { name: checkName(name) }),
    ...(accent !== undefined && { accent: checkAccent(accent) }),
    ...(logo !== undefined && logoColumns(logo)),
  }
}

const TARGET = { type: 'instance', id: 'instance' }

/** A picture is no reading for an audit log: its kind and its size in bytes are. */
function detailOf({ logo, logo_type, ...rest }: Partial<InstanceRow>): Record<string, unknown> {
  if (logo === undefined) return rest
  return { ...rest, logo: logo && { type: logo_type, size: logo.length } }
}

/** @throws KeywrightError `invalid_input`, also when nothing is to be changed */
export async function updateInstanceSettings(
  trx: Knex,
  changes: InstanceChanges,
  actor: Actor,
): Promise<InstanceSettings> {
  const columns = columnsOf(changes)
  if (Object.keys(columns).length === 0) throw invalidInput('nothing was named to change')
  const change = { ...columns, updated_at: trx.fn.now() }
  const [row] = await trx('instance_settings').update(change).returning<InstanceRow[]>('*')
  await recordAudit(trx, actor, { action: 'instance.updated', target: TARGET, detail: detailOf(columns) })
  return toSettings(row!)
}

/**
 * Keeps the API from being switched off until the transaction ends. Whoever issues something holds this, or what they
 * issue would be missed by the one who ends all that was issued.
 * @throws KeywrightError `conflict` (it is switched off)
 */
export async function holdInstance(trx: Knex): Promise<void> {
  const row = await trx<InstanceRow>('instance_settings').forShare().first('api_enabled')
  if (!row!.api_enabled) throw new KeywrightError('conflict', 'the API of this instance is switched off')
}

/** Waits for all who hold the instance; what they issued is for the caller to end. Answers whether anything changed. */
export async function setApiEnabled(trx: Knex, enabled: boolean): Promise<boolean> {
  const row = await trx<InstanceRow>('instance_settings').forUpdate().first('api_enabled')
  if (row!.api_enabled === enabled) return false
  await trx('instance_settings').update({ api_enabled: enabled, updated_at: trx.fn.now() })
  return true
}
