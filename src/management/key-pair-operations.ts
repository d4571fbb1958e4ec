import type { Client } from '../clients/clients.ts'
import { type ClientRow, toClient } from '../clients/clients.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { countRevoked } from '../tokens/active-tokens.ts'
import { activeTokensOf, type Bounded, toBounded } from './bounded-counts.ts'
import {
  APIS_OF_CLIENT,
  CALLERS_OF_CLIENT,
  type Caller,
  type ClientApiView,
  SECRETS_OF_CLIENT,
  type SecretView,
} from './client-parts.ts'
import { generateKeyPairInTransaction } from './key-pair-generation.ts'
import { type Management, operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { userFor } from './tenant-isolation.ts'

/** The key pair of an admin, with its use. The secret was shown once. */
export interface KeyPair {
  readonly client: Client
  readonly apis: readonly ClientApiView[]
  /** Newest first; more than one while a former secret overlaps. */
  readonly secrets: readonly SecretView[]
  readonly activeTokens: Bounded
  /** Callers of the last day, latest first, at most `MOST_CALLERS`. */
  readonly callers: readonly Caller[]
}

export interface KeyPairOfUser {
  readonly user: { readonly id: string; readonly email: string; readonly name: string | null }
  /** Null until a key pair is generated. */
  readonly pair: KeyPair | null
  /** APIs that a key pair could be allowed to call, the instance's default first. */
  readonly choosableApis: readonly {
    readonly identifier: string
    readonly scopes: readonly string[]
    readonly isDefault: boolean
  }[]
  /** False while the API of the instance or of the account is off. */
  readonly apiEnabled: boolean
}

const READ = `
  SELECT u.id AS owner_id, u.email, u.name AS owner_name, c.*,
         (SELECT json_agg(json_build_object('identifier', p.identifier, 'scopes', p.scopes, 'isDefault', p.is_default)
                          ORDER BY p.is_default DESC, p.identifier) FROM apis p) AS choosable,
         (SELECT i.api_enabled FROM instance_settings i) AND a.api_enabled AND a.status = 'active' AS api_enabled,
         (${APIS_OF_CLIENT}) AS apis, (${SECRETS_OF_CLIENT}) AS secrets, (${CALLERS_OF_CLIENT}) AS callers,
         (${activeTokensOf('t.client_key = c.id')}) AS active
    FROM users u
    JOIN accounts a ON a.id = u.account_id
    LEFT JOIN clients c ON c.user_id = u.id AND c.kind = 'key_pair' AND c.status <> 'replaced'
   WHERE u.id = ?`

interface KeyPairRow extends ClientRow {
  owner_id: string
  email: string
  owner_name: string | null
  choosable: KeyPairOfUser['choosableApis'] | null
  api_enabled: boolean
  apis: ClientApiView[] | null
  secrets: SecretView[] | null
  callers: Caller[] | null
  active: number
}

const toKeyPair = (row: KeyPairRow): KeyPair => ({
  client: toClient(row),
  apis: row.apis ?? [],
  secrets: row.secrets ?? [],
  activeTokens: toBounded(row.active),
  callers: row.callers ?? [],
})

/** The ID of the owner: the principal, or the user that an operator names. @throws KeywrightError `forbidden`, `not_found` */
async function ownerOf({ knex }: Management, principal: Principal, named: string | undefined): Promise<string> {
  if (named === undefined || named === principal.userId) {
    if (principal.userId !== null && principal.role === 'admin') return principal.userId
    throw new KeywrightError('forbidden', 'key pairs belong to admins of accounts; name the admin')
  }
  const user = await userFor(knex, principal, named)
  // A key pair acts for its owner: other admins generate their own.
  if (principal.role !== 'operator') throw new KeywrightError('forbidden', 'only its owner can replace a key pair')
  return user.id
}

interface Owner {
  /** Absent: the principal. */
  readonly userId?: string | undefined
}

export const readKeyPair = operation<Owner, KeyPairOfUser>(
  { role: 'admin', scope: 'key_pairs:read' },
  async (management, principal, { userId }) => {
    // The principal's own key pair needs no lookup of the user: the statement below finds both.
    const owner =
      userId === undefined || userId === principal.userId ? await ownerOf(management, principal, undefined) : userId
    if (!isId(owner)) throw notFound('user', owner)
    if (owner !== principal.userId) await ownerOf(management, principal, owner)
    const { rows } = await management.knex.raw(READ, [owner])
    const row: KeyPairRow | undefined = rows[0]
    if (!row) throw notFound('user', owner)
    return {
      user: { id: row.owner_id, email: row.email, name: row.owner_name },
      pair: row.client_id === null ? null : toKeyPair(row),
      choosableApis: row.choosable ?? [],
      apiEnabled: row.api_enabled,
    }
  },
)

interface Generation extends Owner {
  /** Absent: the APIs of the former key pair, or the instance's default API. */
  readonly apis?: readonly string[] | undefined
  /** Client ID of the key pair that the caller expects to replace; null: none. Another key pair is not replaced. */
  readonly replaces?: string | null | undefined
}

/** The secrets are shown once. */
export interface GeneratedKeyPair {
  readonly clientId: string
  readonly clientSecret: string
  readonly apiKey?: string
  /** Number of active tokens that were revoked; null: not counted, because there were too many or a transaction is open. */
  readonly revoked: number | null
}

/** Replaces the former key pair and revokes all its tokens (guarantee 1). @throws KeywrightError also `stale`, `conflict` */
export const generateKeyPair = operation<Generation, GeneratedKeyPair>(
  { role: 'admin', scope: 'key_pairs:write' },
  async (management, principal, { userId, apis = [], replaces }) => {
    const user = await ownerOf(management, principal, userId)
    const { knex } = management
    const { client, clientSecret, apiKey, revokedEpochs } = await knex.transaction((trx) =>
      generateKeyPairInTransaction(trx, { user, apis, replaces }, principal.actor),
    )
    const secrets = { clientSecret: clientSecret!, ...(apiKey && { apiKey }) }
    // Counting may take long and fail, so it does not run in a transaction that holds locks.
    const revoked = knex.isTransaction ? null : await countRevoked(knex, revokedEpochs)
    return { clientId: client.clientId, ...secrets, revoked }
  },
)
