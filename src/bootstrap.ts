import type { Knex } from 'knex'
import { createAccount, hasAccounts } from './accounts/accounts.ts'
import { createUser } from './accounts/users.ts'
import type { Actor } from './audit/audit-log.ts'
import { ensureSigningKeys, resealSigningKeys } from './keys/signing-keys.ts'
import { createApi, generateKeyPair } from './tokens/client-changes.ts'
import { ensurePartitions } from './tokens/partitions.ts'

/** What the first start made, secrets included: shown once and kept nowhere. */
export interface FirstStart {
  readonly operator: { readonly email: string; readonly password: string }
  readonly admin: { readonly email: string; readonly password: string }
  readonly accountId: string
  readonly api: { readonly identifier: string; readonly clientId: string; readonly clientSecret: string }
  readonly keyPair: { readonly clientId: string; readonly clientSecret: string }
}

const ACTOR: Actor = { type: 'system', id: 'bootstrap' }

async function createFirst(trx: Knex): Promise<FirstStart> {
  const operator = await createUser(trx, { email: 'operator@keywright.example', role: 'operator', accountId: null })
  const account = await createAccount(trx, 'Example')
  const admin = await createUser(trx, { email: 'admin@keywright.example', role: 'admin', accountId: account.id })
  const declared = {
    identifier: 'https://api.keywright.example',
    scopes: ['all'],
    tokenTtl: 36_000,
    policy: 'single' as const,
    signingAlg: 'ES256' as const,
    isDefault: true,
  }
  const api = await createApi(trx, declared, ACTOR)
  const pair = await generateKeyPair(trx, { user: admin.user.id, apis: [] }, ACTOR)
  return {
    operator: { email: operator.user.email, password: operator.password },
    admin: { email: admin.user.email, password: admin.password },
    accountId: account.id,
    api: { identifier: declared.identifier, clientId: api.client.clientId, clientSecret: api.clientSecret! },
    keyPair: { clientId: pair.client.clientId, clientSecret: pair.clientSecret! },
  }
}

/**
 * Makes what a server needs to work at all, and on an empty database what a newcomer needs to try it: an operator, an
 * account with an admin, an API and a key pair. Undefined when they were there already. Any number of nodes may call it
 * at once; one of them makes them.
 */
export async function bootstrap(knex: Knex, encryptionKeys: readonly Buffer[]): Promise<FirstStart | undefined> {
  await ensureSigningKeys(knex, 'ES256', encryptionKeys)
  await resealSigningKeys(knex, encryptionKeys)
  await ensurePartitions(knex)
  if (await hasAccounts(knex)) return undefined
  return await knex.transaction(async (trx) => {
    await trx.raw('SELECT pg_advisory_xact_lock(hashtext(?))', ['keywright bootstrap'])
    return (await hasAccounts(trx)) ? undefined : await createFirst(trx)
  })
}

/** The one command that shows it all works. */
export function tokenCommand(issuer: string, keyPair: FirstStart['keyPair']): string {
  const form = `grant_type=client_credentials&client_id=${keyPair.clientId}&client_secret=${keyPair.clientSecret}`
  return `curl --silent --data "${form}" ${issuer}/oauth2/token`
}

/** What a newcomer reads. */
export function describeFirstStart(issuer: string, made: FirstStart): string {
  return `
Keywright has set itself up. What follows is shown this once and kept nowhere.

  Console    ${issuer}/  (its pages come with the next versions; until then: npm run keywright -- --help)
  Operator   ${made.operator.email}  one-time password ${made.operator.password}
  Admin      ${made.admin.email}  one-time password ${made.admin.password}

  API        ${made.api.identifier}
             introspects as ${made.api.clientId} with secret ${made.api.clientSecret}

  Get a token with the admin's key pair:

${tokenCommand(issuer, made.keyPair)}

`
}
