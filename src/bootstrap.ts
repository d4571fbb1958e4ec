import type { Knex } from 'knex'
import { hasAccounts } from './accounts/accounts.ts'
import { ensureAuditChain } from './audit/audit-chain.ts'
import type { Actor } from './audit/audit-log.ts'
import { CLIENT_CREDENTIALS_GRANT } from './clients/grant-types.ts'
import type { FirstStart } from './first-start.ts'
import { ensureSigningKeys } from './keys/signing-keys.ts'
import { ensureBuiltInApi } from './management/built-in-api.ts'
import { MANAGEMENT_API, MANAGEMENT_SCOPES } from './management/management-scopes.ts'
import { ID_TOKEN_ALGS } from './shared/algorithms.ts'
import type { EncryptionKeys } from './shared/encryption-keys.ts'
import { ensurePartitions } from './tokens/partitions.ts'

export type { FirstStart } from './first-start.ts'

const ACTOR: Actor = { type: 'system', id: 'bootstrap' }

/** Declares the management API with the scopes of this version. */
export async function ensureManagementApi(knex: Knex): Promise<void> {
  const texts = Object.entries(MANAGEMENT_SCOPES).map(([scope, title]) => [scope, { title, description: '' }])
  await ensureBuiltInApi(knex, MANAGEMENT_API, Object.fromEntries(texts), ACTOR)
}

/**
 * Creates what a server needs, such as signing keys, and on an empty database what a new installation needs: an operator, an
 * account with an admin, an API, a key pair and a demo application. Undefined when they exist already. Any number of nodes
 * may call it at once; one of them creates them.
 * @param issuer absent: the listening address
 */
export async function bootstrap(
  knex: Knex,
  encryptionKeys: EncryptionKeys,
  issuer?: string,
): Promise<FirstStart | undefined> {
  for (const alg of ID_TOKEN_ALGS) await ensureSigningKeys(knex, alg, encryptionKeys)
  await ensureAuditChain(knex, encryptionKeys, { isNew: !(await hasAccounts(knex)) })
  await ensurePartitions(knex)
  await ensureManagementApi(knex)
  if (await hasAccounts(knex)) return undefined
  // Only one start needs it.
  const { createFirst } = await import('./first-start.ts')
  return await knex.transaction(async (trx) => {
    await trx.raw('SELECT pg_advisory_xact_lock(hashtext(?))', ['keywright bootstrap'])
    return (await hasAccounts(trx)) ? undefined : await createFirst(trx, issuer, ACTOR)
  })
}

/** A command that gets a token. */
export function tokenCommand(issuer: string, keyPair: FirstStart['keyPair']): string {
  const { clientId, clientSecret } = keyPair
  const form = `grant_type=${CLIENT_CREDENTIALS_GRANT}&client_id=${clientId}&client_secret=${clientSecret}`
  return `curl --silent --data "${form}" ${issuer}/oauth2/token`
}

export const demoLink = (issuer: string, demo: FirstStart['demo']): string =>
  `${issuer}/demo?client_id=${demo.clientId}`

/** The message of the first start. */
export function describeFirstStart(issuer: string, created: FirstStart): string {
  return `
Keywright is set up. These credentials are shown only once:

  Console    ${issuer}/  (its API: ${issuer}/api/v1/docs)
  Operator   ${created.operator.email}  one-time password ${created.operator.password}
  Admin      ${created.admin.email}  one-time password ${created.admin.password}

  API        ${created.api.identifier}
             introspection as ${created.api.clientId} with secret ${created.api.clientSecret}

  Get a token with the admin's key pair:

${tokenCommand(issuer, created.keyPair)}

  Try what a user sees: sign in as the admin, allow or deny access, and inspect the tokens:

${demoLink(issuer, created.demo)}

`
}

/** The message of each later start. */
export function describeLaterStart(issuer: string): string {
  return `
Keywright serves ${issuer}/. To give a user a new one-time password, run:

  npm run -s keywright -- user reset-password operator@keywright.example

`
}
