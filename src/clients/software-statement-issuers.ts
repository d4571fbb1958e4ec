import type { JWK } from 'jose'
import type { Knex } from 'knex'
import type { AuditEntry } from '../audit/audit-log.ts'
import { isUniqueViolation } from '../database/violations.ts'
import { type AttributeRow, fromColumns, toColumns } from '../shared/attribute-columns.ts'
import type { ValuesOf } from '../shared/attributes.ts'
import { invalidInput, KeywrightError } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { keySetAt } from './issuer-documents.ts'
import { SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES } from './software-statement-attributes.ts'

/** Issuers that an instance trusts. */
export const MAX_STATEMENT_ISSUERS = 50

export type SoftwareStatementIssuerValues = ValuesOf<typeof SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES>

/** An issuer whose software statements let clients register themselves (RFC 7591, section 2.3). */
export interface SoftwareStatementIssuer extends SoftwareStatementIssuerValues {
  readonly id: string
  /** The account of the clients that register. */
  readonly accountId: string
  /** Null: its keys are read at `jwksUri`. */
  readonly jwks: readonly JWK[] | null
  readonly createdAt: Date
  /** When a client last registered by one of its statements; null: never. */
  readonly lastUsedAt: Date | null
}

interface IssuerRow extends AttributeRow {
  id: string
  account_id: string
  jwks: JWK[] | null
  created_at: Date
  last_used_at: Date | null
}

const toIssuer = (row: IssuerRow): SoftwareStatementIssuer => ({
  id: row.id,
  accountId: row.account_id,
  ...fromColumns(SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES, row),
  jwks: row.jwks,
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
})

const issuers = (db: Knex) => db<IssuerRow>('software_statement_issuers')

/** The issuer as the operators see it. */
export interface ListedStatementIssuer extends SoftwareStatementIssuer {
  readonly accountName: string
  /** Why its keys could not be read at the last attempt; null: they could, or were not needed. */
  readonly failure: string | null
}

/** SQL: issuers `s`. @param more further columns */
export const statementIssuersWith = (more = ''): string => `
  SELECT s.*, a.name AS account_name, k.failure${more}
    FROM software_statement_issuers s
    JOIN accounts a ON a.id = s.account_id
    LEFT JOIN issuer_key_sets k ON k.issuer = '${keySetAt('')}' || s.jwks_uri`

export type ListedIssuerRow = IssuerRow & { account_name: string; failure: string | null }

export const toListedIssuer = (row: ListedIssuerRow): ListedStatementIssuer => ({
  ...toIssuer(row),
  accountName: row.account_name,
  failure: row.failure,
})

/** By their identifiers. */
export async function listStatementIssuers(db: Knex): Promise<ListedStatementIssuer[]> {
  const { rows } = await db.raw(`${statementIssuersWith()} ORDER BY s.issuer LIMIT ${MAX_STATEMENT_ISSUERS}`)
  return rows.map(toListedIssuer)
}

/** The trusted issuer with this identifier, compared exactly. */
export async function findStatementIssuer(db: Knex, issuer: string): Promise<SoftwareStatementIssuer | undefined> {
  const row = await issuers(db)
    .where({ issuer } as never)
    .first()
  return row && toIssuer(row as IssuerRow)
}

/** @throws KeywrightError `invalid_input` (it is trusted already), `conflict` (too many) */
export async function insertStatementIssuer(
  trx: Knex,
  accountId: string,
  values: SoftwareStatementIssuerValues,
  jwks: readonly JWK[] | null,
): Promise<SoftwareStatementIssuer> {
  const [counted] = await trx('software_statement_issuers').count()
  if (Number(counted!.count) >= MAX_STATEMENT_ISSUERS)
    throw new KeywrightError('conflict', `at most ${MAX_STATEMENT_ISSUERS} issuers are trusted; remove one first`)
  const row = {
    id: newId(),
    account_id: accountId,
    ...toColumns(SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES, values),
    jwks: jwks && JSON.stringify(jwks),
  }
  try {
    const [inserted] = await trx('software_statement_issuers').insert(row).returning<IssuerRow[]>('*')
    return toIssuer(inserted!)
  } catch (error) {
    if (isUniqueViolation(error, 'software_statement_issuers_issuer_unique'))
      throw invalidInput('this issuer is trusted already', 'issuer')
    throw error
  }
}

/** False: it was removed meanwhile. The row stays locked until the transaction ends, so that a removal waits for the registration. */
export async function useStatementIssuer(trx: Knex, id: string): Promise<boolean> {
  return (
    (await issuers(trx)
      .where({ id })
      .update({ last_used_at: trx.fn.now() } as never)) === 1
  )
}

/** Undefined: there is none with this ID. */
export async function deleteStatementIssuer(trx: Knex, id: string): Promise<SoftwareStatementIssuer | undefined> {
  const [row] = await trx('software_statement_issuers').where({ id }).delete().returning<IssuerRow[]>('*')
  return row && toIssuer(row)
}

export const statementIssuerEntry = (action: string, trusted: SoftwareStatementIssuer): AuditEntry => {
  const { id, accountId, issuer, jwksUri, grants, apis, scopes } = trusted
  return {
    action,
    target: { type: 'software_statement_issuer', id },
    accountId,
    detail: { issuer, ...(jwksUri && { jwks_uri: jwksUri }), grants, apis, scopes },
  }
}
