import type { JWK } from 'jose'
import type { Knex } from 'knex'
import { findAccountById, lockAccount } from '../accounts/accounts.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { recordAudit } from '../audit/audit-log.ts'
import { keysIn, usableKeys } from '../clients/client-keys.ts'
import { SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES } from '../clients/software-statement-attributes.ts'
import {
  deleteStatementIssuer,
  insertStatementIssuer,
  type ListedIssuerRow,
  type ListedStatementIssuer,
  listStatementIssuers,
  type SoftwareStatementIssuer,
  type SoftwareStatementIssuerValues,
  statementIssuerEntry,
  statementIssuersWith,
  toListedIssuer,
} from '../clients/software-statement-issuers.ts'
import { checkValues, normalizedValues } from '../shared/attribute-values.ts'
import { initialValues } from '../shared/attributes.ts'
import { invalidInput, KeywrightError, notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { type Bounded, boundedCountOf, toBounded } from './bounded-counts.ts'
import { checkPermittedAccess } from './initial-access-token-operations.ts'
import { operation } from './operation.ts'
import { isProgram, requireRecentSignIn } from './recent-sign-in.ts'

/** The issuers that the instance trusts, by their identifiers. */
export const listSoftwareStatementIssuers = operation<object, ListedStatementIssuer[]>(
  PERMISSIONS.viewInstance,
  async ({ knex }) => await listStatementIssuers(knex),
)

/** An application that registered by a statement of an issuer. */
interface ApplicationOfIssuer {
  readonly clientId: string
  readonly name: string
  readonly status: 'active' | 'archived'
  readonly createdAt: Date
}

/** With what was registered by its statements, the newest first. */
export interface StatementIssuerDetails extends ListedStatementIssuer {
  readonly applications: readonly ApplicationOfIssuer[]
  readonly registered: Bounded
}

/** The applications of an issuer that are shown. */
export const SHOWN_APPLICATIONS = 100

const OF_ISSUER = `
  dynamic_registrations d JOIN clients c ON c.id = d.client_id
   WHERE d.software_statement_issuer = s.issuer AND c.status IN ('active', 'archived')`

const DETAILS = `
  ${statementIssuersWith(`,
         (${boundedCountOf(OF_ISSUER)}) AS registered,
         (SELECT json_agg(json_build_object('clientId', f.client_id, 'name', f.name, 'status', f.status, 'createdAt', f.created_at))
            FROM (SELECT c.client_id, c.name, c.status, c.created_at
                    FROM ${OF_ISSUER} ORDER BY d.client_id DESC LIMIT ${SHOWN_APPLICATIONS}) f) AS applications`)}
   WHERE s.id = ?`

interface DetailsRow extends ListedIssuerRow {
  registered: number
  /** `createdAt` is a text. */
  applications: ApplicationOfIssuer[] | null
}

interface IssuerSelector {
  readonly issuerId: string
}

const unknown = (id: string) => notFound('issuer of software statements', id)

/** @throws KeywrightError `not_found` */
export const readSoftwareStatementIssuer = operation<IssuerSelector, StatementIssuerDetails>(
  PERMISSIONS.viewInstance,
  async ({ knex }, _, { issuerId }) => {
    const { rows } = isId(issuerId) ? await knex.raw(DETAILS, [issuerId]) : { rows: [] }
    const row: DetailsRow | undefined = rows[0]
    if (!row) throw unknown(issuerId)
    const applications = (row.applications ?? []).map((one) => ({ ...one, createdAt: new Date(one.createdAt) }))
    return { ...toListedIssuer(row), registered: toBounded(row.registered), applications }
  },
)

interface NewIssuer extends Partial<SoftwareStatementIssuerValues> {
  readonly issuer: string
  /** The account of the clients that register. */
  readonly accountId: string
  /** A JWK set with its public keys, instead of `jwksUri`. */
  readonly jwks?: string | undefined
}

/** @throws KeywrightError `invalid_input` */
async function parseKeys(jwks: string | undefined, jwksUri: string | null): Promise<JWK[] | null> {
  if (!jwks === (jwksUri === null))
    throw invalidInput('give either the public keys of the issuer or their URL', jwks ? 'jwksUri' : 'jwks')
  if (!jwks) return null
  const keys = await usableKeys(keysIn(jwks))
  if (keys.length === 0) throw invalidInput('the key set has no key that can verify a software statement', 'jwks')
  return keys
}

async function trust(
  trx: Knex,
  accountId: string,
  values: SoftwareStatementIssuerValues,
  jwks: readonly JWK[] | null,
): Promise<SoftwareStatementIssuer> {
  if (!isId(accountId) || !(await findAccountById(trx, accountId)))
    throw invalidInput('there is no such account', 'accountId')
  const account = await lockAccount(trx, accountId)
  if (account.status !== 'active') throw new KeywrightError('conflict', 'the account is disabled')
  await checkPermittedAccess(trx, values)
  return await insertStatementIssuer(trx, accountId, values, jwks)
}

/**
 * Lets clients with software statements of an issuer register themselves (RFC 7591, section 2.3). A user must have signed in recently.
 * @throws KeywrightError `invalid_input`, `conflict` (the account is disabled, or too many issuers),
 * `insufficient_user_authentication`
 */
export const trustSoftwareStatementIssuer = operation<NewIssuer, SoftwareStatementIssuer>(
  PERMISSIONS.manageInstance,
  async ({ knex }, principal, { accountId, jwks, ...given }) => {
    if (!isProgram(principal) || principal.userId !== null)
      requireRecentSignIn(principal, 'trusting an issuer of software statements')
    const initial = initialValues(SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES) as SoftwareStatementIssuerValues
    const values = { ...initial, ...normalizedValues(SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES, given) }
    checkValues(SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES, values)
    const keys = await parseKeys(jwks, values.jwksUri)
    return await knex.transaction(async (trx) => {
      const trusted = await trust(trx, accountId, values, keys)
      await recordAudit(trx, principal.actor, statementIssuerEntry('software_statement_issuer.trusted', trusted))
      return trusted
    })
  },
)

/** No client can register by its statements any more. Registered clients stay. @throws KeywrightError `not_found` */
export const removeSoftwareStatementIssuer = operation<IssuerSelector, SoftwareStatementIssuer>(
  PERMISSIONS.manageInstance,
  async ({ knex }, principal, { issuerId }) =>
    await knex.transaction(async (trx) => {
      const removed = isId(issuerId) ? await deleteStatementIssuer(trx, issuerId) : undefined
      if (!removed) throw unknown(issuerId)
      await recordAudit(trx, principal.actor, statementIssuerEntry('software_statement_issuer.removed', removed))
      return removed
    }),
)
