import { mayOwnKeyPairs, PERMISSIONS } from '../accounts/permissions.ts'
import type { KeyPairPolicy } from '../apis/api-attributes.ts'
import { type Client, type ClientRow, toClient } from '../clients/clients.ts'
import type { KeyPairOwner } from '../clients/key-pairs.ts'
import type { Environment } from '../shared/environments.ts'
import { invalidInput, KeywrightError, notFound } from '../shared/errors.ts'
import { countRevoked } from '../tokens/active-tokens.ts'
import { activeTokensOf, type Bounded, toBounded } from './bounded-counts.ts'
import {
  APIS_OF_CLIENT,
  CALLERS_OF_CLIENT,
  type Caller,
  type ClientApiView,
  lastUseOf,
  SECRETS_OF_CLIENT,
  type SecretView,
} from './client-parts.ts'
import { readAffected } from './dry-run.ts'
import { keyPairTarget } from './dry-run-owner-targets.ts'
import { generateKeyPairInTransaction } from './key-pair-generation.ts'
import { visibleApi } from './management-scopes.ts'
import { destructiveOperation, type Management, operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { userFor } from './tenant-isolation.ts'

/** The key pair of a user, with its use. The secret was shown once. */
export interface KeyPair {
  readonly client: Client
  readonly apis: readonly ClientApiView[]
  /** Newest first; more than one while a former secret overlaps. */
  readonly secrets: readonly SecretView[]
  readonly activeTokens: Bounded
  /** Callers of the last day, latest first, at most `MAX_CALLERS`. */
  readonly callers: readonly Caller[]
}

/** A named key pair as the list of its owner shows it. */
export interface NamedPair {
  readonly clientId: string
  readonly pairName: string
  readonly environment: Environment | null
  readonly status: Client['status']
  readonly lastFour: string | null
  /** ISO 8601. */
  readonly lastUsedAt: string | null
  /** Identifiers, the default first. */
  readonly apis: readonly string[] | null
}

/** Stopped pairs with names stay for 40 days, so there may be more than `MAX_NAMED_PAIRS`. */
const MAX_LISTED = 100

export interface KeyPairOfUser {
  readonly user: { readonly id: string; readonly email: string; readonly name: string | null }
  /** The default key pair, or the named one that was asked for; null: there is none. */
  readonly pair: KeyPair | null
  /** Active ones first, at most `MAX_LISTED`. */
  readonly namedPairs: readonly NamedPair[]
  /** APIs that a key pair could be allowed to call, the instance's default first. */
  readonly choosableApis: readonly {
    readonly identifier: string
    readonly scopes: readonly string[]
    readonly isDefault: boolean
    readonly keyPairs: KeyPairPolicy
    readonly dpopRequired: boolean
  }[]
  /** False while the API of the instance or of the account is off. */
  readonly apiEnabled: boolean
}

const LAST_FOUR = (c: string) =>
  `(SELECT s.last_four FROM client_secrets s WHERE s.client_id = ${c}.id AND s.kind = 'secret' ORDER BY s.id DESC LIMIT 1)`

const NAMED_PAIRS = `
  SELECT json_agg(json_build_object(
           'clientId', n.client_id, 'pairName', n.pair_name, 'environment', n.environment, 'status', n.status,
           'lastFour', ${LAST_FOUR('n')}, 'lastUsedAt', ${lastUseOf('n')},
           'apis', (SELECT json_agg(p.identifier ORDER BY x.position)
                      FROM client_apis x JOIN apis p ON p.id = x.api_id WHERE x.client_id = n.id))
         ORDER BY n.status, lower(n.pair_name))
    FROM (SELECT n.* FROM clients n
           WHERE n.user_id = u.id AND n.account_id = a.id AND n.kind = 'key_pair' AND n.status <> 'replaced' AND n.pair_name IS NOT NULL
           ORDER BY n.status, n.id LIMIT ${MAX_LISTED}) n`

const READ = `
  SELECT u.id AS owner_id, u.email, u.name AS owner_name, c.*,
         (SELECT json_agg(json_build_object('identifier', p.identifier, 'scopes', p.scopes, 'isDefault', p.is_default,
                                            'keyPairs', p.key_pairs, 'dpopRequired', p.dpop_required)
                          ORDER BY p.is_default DESC, p.identifier) FROM apis p) AS choosable,
         (SELECT i.api_enabled FROM instance_settings i) AND a.api_enabled AND a.status = 'active' AS api_enabled,
         (${APIS_OF_CLIENT}) AS apis, (${SECRETS_OF_CLIENT}) AS secrets, (${CALLERS_OF_CLIENT}) AS callers,
         (${activeTokensOf('t.client_key = c.id')}) AS active,
         (${NAMED_PAIRS}) AS named_pairs
    FROM users u
    JOIN accounts a ON a.id = CAST(:account AS uuid)
    LEFT JOIN clients c ON c.user_id = u.id AND c.account_id = a.id AND c.kind = 'key_pair' AND CASE
           WHEN CAST(:clientId AS text) IS NULL THEN c.status <> 'replaced' AND c.pair_name IS NULL
           ELSE c.client_id = :clientId AND c.pair_name IS NOT NULL END
   WHERE u.id = CAST(:owner AS uuid)`

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
  named_pairs: NamedPair[] | null
}

const toKeyPair = (row: KeyPairRow, principal: Principal): KeyPair => ({
  client: toClient(row),
  apis: (row.apis ?? []).map((api) => visibleApi(api, principal)),
  secrets: row.secrets ?? [],
  activeTokens: toBounded(row.active),
  callers: row.callers ?? [],
})

/**
 * The owner: the principal in their account, or the user that an operator names, in the first account unless another one is named.
 * @throws KeywrightError `forbidden`, `not_found`, `invalid_input` (an operator)
 */
async function ownerOf(
  { knex }: Management,
  principal: Principal,
  { userId: named, accountId }: Owner,
): Promise<KeyPairOwner> {
  if (named === undefined || named === principal.userId) {
    if (principal.userId !== null && principal.accountId !== null && mayOwnKeyPairs(principal.role))
      return { userId: principal.userId, accountId: principal.accountId }
    throw new KeywrightError('forbidden', 'key pairs belong to developers and admins of accounts; name the user')
  }
  const user = await userFor(knex, principal, named, accountId)
  // A key pair acts for its owner: others generate their own.
  if (principal.role !== 'operator') throw new KeywrightError('forbidden', 'only its owner can replace a key pair')
  if (user.accountId === null)
    throw invalidInput(`${user.email} has the role operator; key pairs belong to developers and admins of accounts`)
  return { userId: user.id, accountId: user.accountId }
}

interface Owner {
  /** Absent: the principal. */
  readonly userId?: string | undefined
  /** One of the accounts of a user whom an operator names. */
  readonly accountId?: string | undefined
}

interface Selected extends Owner {
  /** Client ID of a named key pair of the user, also of a replaced one; absent: the default key pair. */
  readonly clientId?: string
}

/** A key pair of a user. */
export const readKeyPair = operation<Selected, KeyPairOfUser>(
  PERMISSIONS.viewOwnKeyPairs,
  async (management, principal, of) => {
    const { userId: owner, accountId: account } = await ownerOf(management, principal, of)
    const { rows } = await management.knex.raw(READ, { owner, account, clientId: of.clientId ?? null } as never)
    const row: KeyPairRow | undefined = rows[0]
    if (!row) throw notFound('user', owner)
    return {
      user: { id: row.owner_id, email: row.email, name: row.owner_name },
      pair: row.client_id === null ? null : toKeyPair(row, principal),
      namedPairs: row.named_pairs ?? [],
      choosableApis: (row.choosable ?? []).map((api) => visibleApi(api, principal)),
      apiEnabled: row.api_enabled,
    }
  },
)

/** A key pair as lists show it. */
export interface KeyPairSummary {
  readonly client: Client
  readonly apis: readonly ClientApiView[]
  /** Of the newest client secret. */
  readonly lastFour: string | null
  readonly lastUsedAt: Date | null
}

const LIST = `
  SELECT c.*, (${APIS_OF_CLIENT}) AS apis, ${lastUseOf('c')} AS last_used_at,
         ${LAST_FOUR('c')} AS last_four
    FROM clients c
   WHERE c.user_id = ? AND c.account_id = ? AND c.kind = 'key_pair' AND c.status <> 'replaced'
   ORDER BY c.pair_name IS NOT NULL, c.status, lower(c.pair_name) LIMIT ${MAX_LISTED}`

interface SummaryRow extends ClientRow {
  apis: ClientApiView[] | null
  last_four: string | null
  last_used_at: Date | null
}

/** The key pairs of a user, the default one first, stopped ones last. */
export const listKeyPairs = operation<Owner, KeyPairSummary[]>(
  PERMISSIONS.viewOwnKeyPairs,
  async (management, principal, of) => {
    const { userId, accountId } = await ownerOf(management, principal, of)
    const { rows }: { rows: SummaryRow[] } = await management.knex.raw(LIST, [userId, accountId])
    return rows.map((row) => ({
      client: toClient(row),
      apis: (row.apis ?? []).map((api) => visibleApi(api, principal)),
      lastFour: row.last_four,
      lastUsedAt: row.last_used_at,
    }))
  },
)

interface Generation extends Owner {
  /** Absent or null: the default key pair. */
  readonly pairName?: string | null | undefined
  /** Of a new named key pair. */
  readonly environment?: Environment | null | undefined
  /** Absent: the APIs of the former key pair, or the instance's default API. */
  readonly apis?: readonly string[] | undefined
  /** Client ID of the key pair that the caller expects to replace; null: none. Another key pair is not replaced. */
  readonly replaces?: string | null | undefined
  readonly secretExpiresAt?: Date | null | undefined
}

/** The secrets are shown once. */
export interface GeneratedKeyPair {
  readonly clientId: string
  readonly clientSecret: string
  readonly apiKey?: string
  /** Number of active tokens that were revoked; null: not counted, because there were too many or a transaction is open. */
  readonly revoked: number | null
}

/** Replaces the former key pair of the same name and revokes all its tokens (guarantee 1). @throws KeywrightError also `stale`, `conflict` */
export const generateKeyPair = destructiveOperation<Generation, GeneratedKeyPair>(PERMISSIONS.manageKeyPairs, {
  async run(management, principal, { userId, accountId, apis = [], ...rest }) {
    const owner = await ownerOf(management, principal, { userId, accountId })
    const { knex } = management
    const { client, clientSecret, apiKey, revokedEpochs } = await knex.transaction((trx) =>
      generateKeyPairInTransaction(
        trx,
        { user: owner.userId, accountId: owner.accountId, apis, ...rest },
        principal.actor,
      ),
    )
    const secrets = { clientSecret: clientSecret!, ...(apiKey && { apiKey }) }
    // Counting may take long and fail, so it does not run in a transaction that holds locks.
    const revoked = knex.isTransaction ? null : await countRevoked(knex, revokedEpochs)
    return { clientId: client.clientId, ...secrets, revoked }
  },
  async affected(management, principal, { userId, accountId, pairName = null }) {
    const owner = await ownerOf(management, principal, { userId, accountId })
    return await readAffected(management.knex, principal, keyPairTarget(owner, pairName))
  },
})
