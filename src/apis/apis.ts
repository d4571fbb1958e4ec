import type { Knex } from 'knex'
import { isUniqueViolation } from '../database/violations.ts'
import { SIGNING_ALGS, type SigningAlg, TOKEN_TYPES, type TokenType } from '../shared/algorithms.ts'
import { type FieldError, invalidFields, KeywrightError, notFound } from '../shared/errors.ts'
import { FieldErrorCollector } from '../shared/field-error-collector.ts'
import { accessTokenTtlError } from '../shared/lifetimes.ts'
import { findByIdentifier, spellingsOf } from './resource-identifiers.ts'
import { apiScopesError } from './scopes.ts'

export type TokenPolicy = 'none' | 'single'

/** What an operator says of an API. */
export interface ApiSettings {
  readonly scopes: readonly string[]
  /** Seconds. */
  readonly tokenTtl: number
  readonly policy: TokenPolicy
  readonly signingAlg: SigningAlg
  /** The `typ` of its access tokens. */
  readonly tokenType: TokenType
  readonly isDefault: boolean
}

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

export interface NewApi extends Omit<ApiSettings, 'tokenType'> {
  readonly identifier: string
  /** Default: `at+jwt`. */
  readonly tokenType?: TokenType | undefined
  readonly builtIn?: boolean
}

export interface ApiRow {
  id: number
  identifier: string
  scopes: string[]
  token_ttl: number
  policy: TokenPolicy
  signing_alg: SigningAlg
  token_type: TokenType
  is_default: boolean
  built_in: boolean
  created_at: Date
  version: number
}

export const toApi = (row: ApiRow): Api => ({
  id: row.id,
  identifier: row.identifier,
  scopes: row.scopes,
  tokenTtl: row.token_ttl,
  policy: row.policy,
  signingAlg: row.signing_alg,
  tokenType: row.token_type,
  isDefault: row.is_default,
  builtIn: row.built_in,
  createdAt: row.created_at,
  revision: row.version,
})

const toColumns = (settings: ApiSettings) => ({
  scopes: [...settings.scopes],
  token_ttl: settings.tokenTtl,
  policy: settings.policy,
  signing_alg: settings.signingAlg,
  token_type: settings.tokenType,
  is_default: settings.isDefault,
})

/** RFC 8707, section 2: an absolute URI without a fragment. */
const UNPRINTABLE = /[\s\p{Cc}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]/u

function identifierError(identifier: string): string | undefined {
  const isWrong = identifier.includes('#') || identifier.length > 500 || UNPRINTABLE.test(identifier)
  if (!isWrong && identifier.isWellFormed() && URL.canParse(identifier)) return undefined
  const shown = identifier.slice(0, 500).toWellFormed()
  return `an API's identifier is an absolute URI without a fragment, not: ${shown}`
}

const oneOf = (words: readonly string[]) => (word: string) =>
  words.includes(word) ? undefined : `must be one of ${words.join(', ')}`

/** What is left out is not checked. @throws KeywrightError `invalid_input`, with every fault at its field */
export function checkApiSettings(settings: Partial<ApiSettings & { identifier: string }>): void {
  const judges: { [Name in keyof typeof settings]: (value: never) => string | undefined } = {
    identifier: identifierError,
    scopes: apiScopesError,
    tokenTtl: accessTokenTtlError,
    policy: oneOf(['none', 'single']),
    signingAlg: oneOf(SIGNING_ALGS),
    tokenType: oneOf(TOKEN_TYPES),
  }
  const fieldErrors = Object.entries(judges).flatMap(([field, judge]): FieldError[] => {
    const value = settings[field as keyof typeof settings]
    const message = value === undefined ? undefined : judge(value as never)
    return message ? [{ field, message }] : []
  })
  if (fieldErrors.length > 0) throw invalidFields(fieldErrors)
}

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
  await fieldErrors.collect(() => checkApiSettings(api))
  if (identifier !== undefined && identifierError(identifier) === undefined) {
    await fieldErrors.collect(() => checkNotTaken(db, identifier))
  }
  fieldErrors.throwFieldErrors()
}

/** @throws KeywrightError `invalid_input`, `conflict` (the identifier is taken, in one spelling or another) */
export async function insertApi(trx: Knex, api: NewApi): Promise<Api> {
  const settings: ApiSettings = { ...api, tokenType: api.tokenType ?? 'at+jwt' }
  if (identifierError(api.identifier) === undefined) await awaitSpellings(trx, api.identifier)
  await checkNewApi(trx, api)
  if (api.isDefault) await makeRoomForDefault(trx)
  const row = { identifier: api.identifier, ...toColumns(settings), built_in: api.builtIn ?? false }
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
  checkApiSettings(next)
  if (next.isDefault && !api.isDefault) await makeRoomForDefault(trx)
  const columns = { ...toColumns(next), built_in: next.builtIn, version: trx.raw('version + 1') }
  const [row] = await trx('apis').where({ id: api.id }).update(columns).returning<ApiRow[]>('*')
  return toApi(row!)
}

/** What a change of something beside the API's own row must do, so that nobody takes it for what it was. */
export async function touchApi(trx: Knex, { id }: Api): Promise<Api> {
  const [row] = await trx('apis').where({ id }).increment('version', 1).returning<ApiRow[]>('*')
  return toApi(row!)
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
