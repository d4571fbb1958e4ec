import type { Knex } from 'knex'
import { isUniqueViolation } from '../database/violations.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import { type AttributeRow, fromColumns, toColumns } from '../shared/attribute-columns.ts'
import { checkValues } from '../shared/attribute-values.ts'
import { invalidFields, KeywrightError, notFound } from '../shared/errors.ts'
import { FieldErrorCollector } from '../shared/field-error-collector.ts'
import { API_ATTRIBUTES } from './api-attributes.ts'
import { type ApiSettings, DEFAULT_API_SETTINGS, type NewApi } from './api-settings.ts'
import { findByIdentifier, identifierError, spellingsOf } from './resource-identifiers.ts'

/** A resource server. `identifier` is the audience of its tokens. */
export interface Api extends ApiSettings {
  readonly id: number
  readonly identifier: string
  /** Keywright's own, whose scopes come with its version. */
  readonly builtIn: boolean
  readonly createdAt: Date
  /** Another one after each change. */
  readonly revision: number
}

export interface ApiRow extends AttributeRow {
  readonly id: number
  readonly identifier: string
  readonly built_in: boolean
  readonly created_at: Date
  readonly version: number
}

export const toApi = (row: ApiRow): Api => ({
  ...fromColumns(API_ATTRIBUTES, row),
  id: row.id,
  builtIn: row.built_in,
  createdAt: row.created_at,
  revision: row.version,
})

/** Of two who would make another API the default, the second waits here, and then sees what the first did. */
const lockDefaultApi = (trx: Knex) => trx.raw("SELECT pg_advisory_xact_lock(hashtext('keywright default API'))")

async function makeRoomForDefault(trx: Knex): Promise<void> {
  await lockDefaultApi(trx)
  const former = { is_default: false, version: trx.raw('version + 1') }
  await trx('apis').where({ is_default: true }).update(former)
}

function taken(identifier: string, cause?: unknown): KeywrightError {
  const message = `there is already an API ${identifier}`
  return new KeywrightError('conflict', message, { cause, fieldErrors: [{ field: 'identifier', message }] })
}

async function checkNotTaken(db: Knex, identifier: string): Promise<void> {
  const [existing] = await rowsOf(db, [identifier])
  if (existing) throw taken(existing.identifier)
}

/** Waits for others who declare the same API in another spelling, which the unique constraint does not see. */
async function awaitSpellings(trx: Knex, identifier: string): Promise<void> {
  const spellings = spellingsOf(identifier)
  if (spellings.length === 1) return
  await trx.raw('SELECT pg_advisory_xact_lock(hashtext(?))', [`keywright API ${spellings.toSorted()[0]}`])
}

/**
 * Checks what of a new API is there.
 * @throws KeywrightError `invalid_input`, with every fault at its field; `conflict` (nothing but that the identifier is taken)
 */
export async function checkNewApi(db: Knex, api: Partial<NewApi>): Promise<void> {
  const { identifier } = api
  const fieldErrors = new FieldErrorCollector()
  await fieldErrors.collect(() => checkValues(API_ATTRIBUTES, api))
  if (identifier !== undefined && identifierError(identifier) === undefined) {
    await fieldErrors.collect(() => checkNotTaken(db, identifier))
  }
  fieldErrors.throwFieldErrors()
}

/** @throws KeywrightError `invalid_input`, `conflict` (the identifier is taken, in one spelling or another) */
export async function insertApi(trx: Knex, api: NewApi): Promise<Api> {
  const { builtIn = false, ...settings } = { ...DEFAULT_API_SETTINGS, ...api }
  if (identifierError(api.identifier) === undefined) await awaitSpellings(trx, api.identifier)
  await checkNewApi(trx, api)
  if (settings.isDefault) await makeRoomForDefault(trx)
  const row = { ...toColumns(API_ATTRIBUTES, settings), built_in: builtIn }
  try {
    const [created] = await trx('apis').insert(row).returning<ApiRow[]>('*')
    return toApi(created!)
  } catch (error) {
    if (isUniqueViolation(error, 'apis_identifier_unique')) {
      throw taken(api.identifier, error)
    }
    throw error
  }
}

/**
 * The API, with everybody waiting who gives it to a client (`lockApisShared`): taken before the row of any client's API. One that
 * becomes the default is locked together with the present one, in the order in which others hold both.
 * @throws KeywrightError `not_found`
 */
export async function lockApi(trx: Knex, identifier: string, becomesDefault = false): Promise<Api> {
  const wanted = rowsOf(trx, [identifier])
  if (becomesDefault) await lockDefaultApi(trx)
  if (becomesDefault) wanted.orWhere({ is_default: true })
  const rows = await wanted.orderBy('id').forNoKeyUpdate()
  const row = findByIdentifier(rows, identifier)
  if (!row) throw notFound('API', identifier)
  return toApi(row)
}

/** Registrations that were remembered with the former settings are found out by `version` when a token is recorded. */
export async function saveApi(trx: Knex, api: Api, changes: Partial<ApiSettings & { builtIn: boolean }>): Promise<Api> {
  const next = { ...api, ...changes }
  checkValues(API_ATTRIBUTES, next)
  if (next.isDefault && !api.isDefault) await makeRoomForDefault(trx)
  const columns = { ...toColumns(API_ATTRIBUTES, next), built_in: next.builtIn, version: trx.raw('version + 1') }
  const [row] = await trx('apis').where({ id: api.id }).update(columns).returning<ApiRow[]>('*')
  return toApi(row!)
}

/** What a change of something beside the API's own row must do, so that nobody takes it for what it was. */
export async function touchApi(trx: Knex, { id }: Api): Promise<Api> {
  const [row] = await trx('apis').where({ id }).increment('version', 1).returning<ApiRow[]>('*')
  return toApi(row!)
}

/** A token of these APIs that was planned before, with a signing key that is gone, is not recorded. */
export async function touchApisOfAlg(trx: Knex, alg: SigningAlg): Promise<void> {
  await trx('apis').where({ signing_alg: alg }).increment('version', 1)
}

/** Those that there are, in no order; identifiers that name no API are left out. */
export async function findExistingApis(db: Knex, identifiers: readonly string[]): Promise<Api[]> {
  return (await rowsOf(db, identifiers)).map(toApi)
}

/** @throws KeywrightError `not_found` for the first identifier that names no API */
export async function findApis(db: Knex, identifiers: readonly string[]): Promise<Api[]> {
  return inOrder(await rowsOf(db, identifiers), identifiers)
}

/**
 * The same, kept as they are until the transaction ends: what a client is given of an API must be there.
 * @throws KeywrightError `invalid_input` at the field `apis`
 */
export async function lockApisShared(trx: Knex, identifiers: readonly string[]): Promise<Api[]> {
  const rows = await rowsOf(trx, identifiers).orderBy('id').forShare()
  const unknown = [...new Set(identifiers)].filter((one) => !findByIdentifier(rows, one))
  if (unknown.length > 0) {
    throw invalidFields(unknown.map((one) => ({ field: 'apis', message: `there is no API ${one.slice(0, 500)}` })))
  }
  return inOrder(rows, identifiers)
}

const rowsOf = (db: Knex, identifiers: readonly string[]) =>
  db<ApiRow>('apis').whereIn('identifier', identifiers.flatMap(spellingsOf))

function inOrder(rows: readonly ApiRow[], identifiers: readonly string[]): Api[] {
  const found = identifiers.map((identifier) => {
    const row = findByIdentifier(rows, identifier)
    if (!row) throw notFound('API', identifier)
    return row
  })
  return [...new Set(found)].map(toApi)
}

export async function findApi(db: Knex, identifier: string): Promise<Api | undefined> {
  const row = findByIdentifier(await rowsOf(db, [identifier]), identifier)
  return row && toApi(row)
}

export async function defaultApi(db: Knex): Promise<Api | undefined> {
  const row = await db<ApiRow>('apis').where({ is_default: true }).first()
  return row && toApi(row)
}
