import { PERMISSIONS } from '../accounts/permissions.ts'
import { recordAudit } from '../audit/audit-log.ts'
import { type Client, type ClientRow, clientEntry, lockClient, setClientStatus, toClient } from '../clients/clients.ts'
import { notFound } from '../shared/errors.ts'
import { countRevoked } from '../tokens/active-tokens.ts'
import { activeTokensOf, type Bounded, boundedCountOf, toBounded } from './bounded-counts.ts'
import {
  APIS_OF_CLIENT,
  CALLERS_OF_CLIENT,
  type Caller,
  type ClientApiView,
  SECRETS_OF_CLIENT,
  type SecretView,
} from './client-parts.ts'
import { readAffected } from './dry-run.ts'
import { clientTarget } from './dry-run-targets.ts'
import type { KeyPair } from './key-pair-operations.ts'
import { visibleApi } from './management-scopes.ts'
import { destructiveOperation, operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { checkTenant, clientToRevoke } from './tenant-isolation.ts'

/** A key pair with its owner, as operators and the admins of its account see it. */
export interface KeyPairDetails extends KeyPair {
  readonly owner: { readonly id: string; readonly email: string; readonly name: string | null }
  readonly accountName: string
  /** Active refresh tokens. */
  readonly grants: Bounded
  /** False while the API of the instance or of the account is off. */
  readonly apiEnabled: boolean
}

const READ = `
  SELECT c.*, u.email, u.name AS owner_name, a.name AS account_name,
         (SELECT i.api_enabled FROM instance_settings i) AND a.api_enabled AND a.status = 'active' AS api_enabled,
         (${APIS_OF_CLIENT}) AS apis, (${SECRETS_OF_CLIENT}) AS secrets, (${CALLERS_OF_CLIENT}) AS callers,
         (${activeTokensOf('t.client_key = c.id')}) AS active,
         (${boundedCountOf('active_refresh_tokens r WHERE r.client_id = c.id')}) AS active_grants
    FROM clients c
    JOIN users u ON u.id = c.user_id
    JOIN accounts a ON a.id = c.account_id
   WHERE c.client_id = ? AND c.kind = 'key_pair'`

interface DetailsRow extends ClientRow {
  email: string
  owner_name: string | null
  account_name: string
  api_enabled: boolean
  apis: ClientApiView[] | null
  secrets: SecretView[] | null
  callers: Caller[] | null
  active: number
  active_grants: number
}

const toDetails = (row: DetailsRow, principal: Principal): KeyPairDetails => ({
  client: toClient(row),
  owner: { id: row.user_id!, email: row.email, name: row.owner_name },
  accountName: row.account_name,
  apis: (row.apis ?? []).map((api) => visibleApi(api, principal)),
  secrets: row.secrets ?? [],
  activeTokens: toBounded(row.active),
  grants: toBounded(row.active_grants),
  callers: row.callers ?? [],
  apiEnabled: row.api_enabled,
})

interface KeyPairSelector {
  readonly clientId: string
}

/** Any key pair of the account, also one that was stopped or replaced. @throws KeywrightError `not_found` */
export const readKeyPairDetails = operation<KeyPairSelector, KeyPairDetails>(
  PERMISSIONS.viewKeyPairs,
  async ({ knex }, principal, { clientId }) => {
    const row: DetailsRow | undefined = (await knex.raw(READ, [clientId])).rows[0]
    if (!row) throw notFound('key pair', clientId)
    checkTenant(principal, row.account_id, 'key pair', clientId)
    return toDetails(row, principal)
  },
)

/** A key pair that was stopped, with the number of active tokens that were revoked; null: too many to count. */
export interface StoppedKeyPair {
  readonly client: Client
  readonly revoked: number | null
}

/**
 * Stops a key pair, an admin also that of another user of the account: its secret stops working, and all its tokens are revoked, when this returns
 * (guarantee 1). The secret may have leaked, so it never works again; its owner generates new keys, which keep the settings.
 * Stopping a stopped key pair changes nothing.
 * @throws KeywrightError `not_found`, `forbidden`, `conflict` (it was replaced)
 */
export const stopKeyPair = destructiveOperation<KeyPairSelector, StoppedKeyPair>(PERMISSIONS.manageKeyPairs, {
  async run({ knex }, principal, { clientId }) {
    const { kind } = await clientToRevoke(knex, principal, clientId)
    if (kind !== 'key_pair') throw notFound('key pair', clientId)
    const { before, client } = await knex.transaction(async (trx) => {
      const before = await lockClient(trx, clientId)
      if (before.status === 'archived') return { before, client: before }
      const client = await setClientStatus(trx, before, 'archived')
      await recordAudit(trx, principal.actor, clientEntry('key_pair.stopped', client, { user_id: client.userId }))
      return { before, client }
    })
    if (before.status === 'archived') return { client, revoked: 0 }
    // Counting may take long and fail, so it does not run in a transaction that holds locks.
    const epochs = [{ clientKey: before.key, revocationEpoch: before.revocationEpoch }]
    return { client, revoked: knex.isTransaction ? null : await countRevoked(knex, epochs) }
  },
  async affected({ knex }, principal, { clientId }) {
    await clientToRevoke(knex, principal, clientId)
    const target = clientTarget(clientId, ({ kind }) =>
      kind === 'key_pair' ? undefined : notFound('key pair', clientId),
    )
    return await readAffected(knex, principal, target)
  },
})
