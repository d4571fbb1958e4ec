import type { Knex } from 'knex'
import { isUniqueViolation } from '../database/violations.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import { invalidInput, KeywrightError, notFound } from '../shared/errors.ts'
import { checkApiScopes } from './scopes.ts'

export type TokenPolicy = 'none' | 'single'

/** A resource server. `identifier` is the audience of its tokens. */
export interface Api {
  readonly id: number
  readonly identifier: string
  readonly scopes: readonly string[]
  /** Seconds. */
  readonly tokenTtl: number
  readonly policy: TokenPolicy
  readonly signingAlg: SigningAlg
  readonly isDefault: boolean
}

export type NewApi = Omit<Api, 'id'>

interface ApiRow {
  id: number
  identifier: string
  scopes: string[]
  token_ttl: number
  policy: TokenPolicy
  signing_alg: SigningAlg
  is_default: boolean
}

const toApi = (row: ApiRow): Api => ({
  id: row.id,
  identifier: row.identifier,
  scopes: row.scopes,
  tokenTtl: row.token_ttl,
  policy: row.policy,
  signingAlg: row.signing_alg,
  isDefault: row.is_default,
})

/** RFC 8707, section 2: an absolute URI without a fragment. */
function checkIdentifier(identifier: string): void {
  const url = URL.parse(identifier)
  if (!url || identifier.includes('#') || identifier.length > 500 || /[\s\0]/.test(identifier)) {
    throw invalidInput(`an API's identifier is an absolute URI without a fragment, not: ${identifier}`)
  }
}

/** The longest life of an access token: 30 days, in seconds. */
export const MAX_ACCESS_TOKEN_TTL = 2_592_000

export function checkAccessTokenTtl(ttl: number): void {
  if (!Number.isInteger(ttl) || ttl < 60 || ttl > MAX_ACCESS_TOKEN_TTL) {
    throw invalidInput(`an access token lives 60 to ${MAX_ACCESS_TOKEN_TTL} seconds, not ${ttl}`)
  }
}

/** @throws KeywrightError `invalid_input`, `conflict` (the identifier is taken) */
export async function insertApi(trx: Knex, api: NewApi): Promise<Api> {
  checkIdentifier(api.identifier)
  checkApiScopes(api.scopes)
  checkAccessTokenTtl(api.tokenTtl)
  if (api.isDefault) await trx('apis').where({ is_default: true }).update({ is_default: false })
  const row = {
    identifier: api.identifier,
    scopes: [...api.scopes],
    token_ttl: api.tokenTtl,
    policy: api.policy,
    signing_alg: api.signingAlg,
    is_default: api.isDefault,
  }
  try {
    const [created] = await trx('apis').insert(row).returning<ApiRow[]>('*')
    return toApi(created!)
  } catch (error) {
    if (isUniqueViolation(error, 'apis_identifier_unique')) {
      throw new KeywrightError('conflict', `there is already an API ${api.identifier}`, { cause: error })
    }
    throw error
  }
}

/** @throws KeywrightError `not_found` for the first identifier that names no API */
export async function findApis(db: Knex, identifiers: readonly string[]): Promise<Api[]> {
  const rows = await db<ApiRow>('apis').whereIn('identifier', [...new Set(identifiers)])
  return [...new Set(identifiers)].map((identifier) => {
    const row = rows.find((candidate) => candidate.identifier === identifier)
    if (!row) throw notFound('API', identifier)
    return toApi(row)
  })
}

export async function defaultApi(db: Knex): Promise<Api | undefined> {
  const row = await db<ApiRow>('apis').where({ is_default: true }).first()
  return row && toApi(row)
}

export async function listApis(db: Knex): Promise<Api[]> {
  return (await db<ApiRow>('apis').orderBy('id')).map(toApi)
}
