import type { Client } from '../clients/clients.ts'
import { type ClientRow, toClient } from '../clients/clients.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { countRevoked } from '../tokens/active-tokens.ts'
import {
  APIS_OF_CLIENT,
  CALLERS_OF_CLIENT,
  type Caller,
  type ClientApiView,
  SECRETS_OF_CLIENT,
  type SecretView,
} from './client-parts.ts'
import { generateKeyPairInTransaction } from './key-pair-generation.ts'
import { type Bounded, liveTokensOf, toBounded } from './live-tokens.ts'
import { type Management, operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { userFor } from './tenant-isolation.ts'

/** An admin's own client id, with what is known of its use. The secret itself was shown once. */
export interface KeyPair {
  readonly client: Client
  readonly apis: readonly ClientApiView[]
  /** Newest first; more than one while a former one overlaps. */
  readonly secrets: readonly SecretView[]
  readonly liveTokens: Bounded
  /** Who called with it in the last day, the latest first, at most twenty. */
  readonly callers: readonly Caller[]
}

export interface KeyPairOfUser {
  readonly user: { readonly id: string; readonly email: string; readonly name: string | null }
  /** Null until the first one is generated. */
  readonly pair: KeyPair | null
  /** What a pair can be given, the instance's default first. */
  readonly choosableApis: readonly {
    readonly identifier: string
    readonly scopes: readonly string[]
    readonly isDefault: boolean
  }[]
  /** Neither the instance's API nor the account's is switched off. */
  readonly apiEnabled: boolean
}

const READ = `
  SELECT u.id AS owner_id, u.email, u.name AS owner_name, c.*,
         (SELECT json_agg(json_build_object('identifier', p.identifier, 'scopes', p.scopes, 'isDefault', p.is_default)
                          ORDER BY p.is_default DESC, p.identifier) FROM apis p) AS choosable,
         (SELECT i.api_enabled FROM instance_settings i) AND a.api_enabled AND a.status = 'active' AS api_enabled,
         (${APIS_OF_CLIENT}) AS apis, (${SECRETS_OF_CLIENT}) AS secrets, (${CALLERS_OF_CLIENT}) AS callers,
         (${liveTokensOf('t.client_key = c.id')}) AS live
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
  live: number
}

const toKeyPair = (row: KeyPairRow): KeyPair => ({
  client: toClient(row),
  apis: row.apis ?? [],
  secrets: row.secrets ?? [],
  liveTokens: toBounded(row.live),
  callers: row.callers ?? [],
})

/** Whose pair is meant: one's own, or for an operator the named user's. @throws KeywrightError `forbidden`, `not_found` */
async function ownerOf({ knex }: Management, who: Principal, named: string | undefined): Promise<string> {
  if (named === undefined || named === who.userId) {
    if (who.userId !== null && who.role === 'admin') return who.userId
    throw new KeywrightError('forbidden', 'key pairs belong to admins of accounts; name one of them')
  }
  const user = await userFor(knex, who, named)
  // A pair speaks for its owner: colleagues make their own.
  if (who.role !== 'operator') throw new KeywrightError('forbidden', "a key pair is its owner's alone to replace")
  return user.id
}

interface Owner {
  /** Absent: one's own. */
  readonly userId?: string | undefined
}

export const readKeyPair = operation<Owner, KeyPairOfUser>(
  { role: 'admin', scope: 'key_pairs:read' },
  async (management, who, { userId }) => {
    // One's own needs no look at who one is: the statement below says what there is.
    const owner = userId === undefined || userId === who.userId ? await ownerOf(management, who, undefined) : userId
    if (!isId(owner)) throw notFound('user', owner)
    if (owner !== who.userId) await ownerOf(management, who, owner)
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
  /** Absent: those of the pair before, or the instance's default API. */
  readonly apis?: readonly string[] | undefined
  /** The client id that the new pair is to replace, null for none: whatever else is there by now is left alone. */
  readonly replaces?: string | null | undefined
}

/** Shown once. */
export interface GeneratedKeyPair {
  readonly clientId: string
  readonly clientSecret: string
  readonly apiKey?: string
  /** How many live tokens that ended; null: they were not counted, being too many or part of something greater. */
  readonly revoked: number | null
}

/** Ends the pair before with everything that came of it (promise 1). @throws KeywrightError also `stale`, `conflict` */
export const generateKeyPair = operation<Generation, GeneratedKeyPair>(
  { role: 'admin', scope: 'key_pairs:write' },
  async (management, who, { userId, apis = [], replaces }) => {
    const user = await ownerOf(management, who, userId)
    const { knex } = management
    const { client, clientSecret, apiKey, ended } = await knex.transaction((trx) =>
      generateKeyPairInTransaction(trx, { user, apis, replaces }, who.actor),
    )
    const secrets = { clientSecret: clientSecret!, ...(apiKey && { apiKey }) }
    // Counting may take long and fail, which a transaction that holds locks must not.
    const revoked = knex.isTransaction ? null : await countRevoked(knex, ended)
    return { clientId: client.clientId, ...secrets, revoked }
  },
)
