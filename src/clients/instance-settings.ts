import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { type AttributeRow, fromColumns, toColumns } from '../shared/attribute-columns.ts'
import { checkSomeGiven, checkValues, normalizedValues } from '../shared/attribute-values.ts'
import { changesBetween, type ValuesOf } from '../shared/attributes.ts'
import { expectRevision, KeywrightError } from '../shared/errors.ts'
import { AVAILABILITY_ATTRIBUTES, INSTANCE_ATTRIBUTES } from './instance-attributes.ts'
import type { DynamicRegistration } from './registration-attributes.ts'

/** What the operator decides for the whole instance. */
export interface InstanceSettings
  extends ValuesOf<typeof INSTANCE_ATTRIBUTES>,
    ValuesOf<typeof AVAILABILITY_ATTRIBUTES> {
  /** Increases with each change. */
  readonly revision: number
}

/** Settings that are left out stay unchanged. */
export type InstanceChanges = Partial<ValuesOf<typeof INSTANCE_ATTRIBUTES>>

interface InstanceRow extends AttributeRow {
  readonly api_enabled: boolean
  readonly redirect_schemes: readonly string[]
  readonly revision: number
}

const toSettings = (row: InstanceRow): InstanceSettings => ({
  ...fromColumns(INSTANCE_ATTRIBUTES, row),
  ...fromColumns(AVAILABILITY_ATTRIBUTES, row),
  revision: row.revision,
})

export async function getInstanceSettings(db: Knex): Promise<InstanceSettings> {
  const row = await db<InstanceRow>('instance_settings').first()
  return toSettings(row!)
}

/** The changes as they are stored. @throws KeywrightError `invalid_input`, with each error at its field */
function checked(changes: InstanceChanges): InstanceChanges {
  const values = normalizedValues(INSTANCE_ATTRIBUTES, changes)
  checkValues(INSTANCE_ATTRIBUTES, values)
  return values
}

/**
 * Validates a change without making it.
 * @throws KeywrightError `invalid_input`, with each error at its field
 */
export function checkInstanceChanges(changes: InstanceChanges): void {
  checked(changes)
}

const TARGET = { type: 'instance', id: 'instance' }

/** @throws KeywrightError `invalid_input`, also when no setting is given; `stale` */
export async function updateInstanceSettings(
  trx: Knex,
  changes: InstanceChanges,
  actor: Actor,
  expected?: number,
): Promise<InstanceSettings> {
  checkSomeGiven(changes)
  const columns = toColumns(INSTANCE_ATTRIBUTES, checked(changes))
  const before = toSettings((await trx<InstanceRow>('instance_settings').forUpdate().first())!)
  expectRevision('the instance', before.revision, expected)
  const change = { ...columns, updated_at: trx.fn.now(), revision: trx.raw('revision + 1') }
  const [row] = await trx('instance_settings').update(change).returning<InstanceRow[]>('*')
  const after = toSettings(row!)
  const detail = { changes: changesBetween(INSTANCE_ATTRIBUTES, before, after) }
  await recordAudit(trx, actor, { action: 'instance.updated', target: TARGET, detail })
  return after
}

/** The URI schemes without a dot that redirect URIs may have. */
export async function allowedSchemes(db: Knex): Promise<readonly string[]> {
  const row = await db<InstanceRow>('instance_settings').first('redirect_schemes')
  return row!.redirect_schemes
}

/** How clients may register themselves. */
export type RegistrationKinds = Pick<InstanceSettings, 'dynamicRegistration' | 'clientIdDocuments'>

export const registrationKindsOf = async (db: Knex): Promise<RegistrationKinds> =>
  (await db('instance_settings').first({
    dynamicRegistration: 'dynamic_registration',
    clientIdDocuments: 'client_id_documents',
  }))!

/** Which clients may register themselves. */
export const dynamicRegistrationOf = async (db: Knex): Promise<DynamicRegistration> =>
  (await registrationKindsOf(db)).dynamicRegistration

/**
 * Keeps the API enabled until the transaction ends. A transaction that issues something takes this lock: otherwise
 * disabling the API would miss what it issues.
 * @throws KeywrightError `conflict` (it is switched off)
 */
export async function lockInstanceShared(trx: Knex): Promise<void> {
  const row = await trx<InstanceRow>('instance_settings').forShare().first('api_enabled')
  if (!row!.api_enabled) throw new KeywrightError('conflict', 'the API of this instance is switched off')
}

/** Waits for the shared locks. The caller revokes the tokens. Returns whether anything changed. */
export async function setApiEnabled(trx: Knex, enabled: boolean): Promise<boolean> {
  const row = await trx<InstanceRow>('instance_settings').forUpdate().first('api_enabled')
  if (row!.api_enabled === enabled) return false
  const change = { api_enabled: enabled, updated_at: trx.fn.now(), revision: trx.raw('revision + 1') }
  await trx('instance_settings').update(change)
  return true
}
