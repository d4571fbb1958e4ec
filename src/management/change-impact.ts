import type { Knex } from 'knex'
import { checkSettingsChange } from '../clients/client-rules.ts'
import type { Client } from '../clients/clients.ts'
import { withFapi } from '../clients/fapi-rules.ts'
import { changeApi } from './api-operations.ts'
import { type ApplicationChange, updateApplication } from './application-operations.ts'
import { type Bounded, MOST, toBounded } from './bounded-counts.ts'
import { checkClientChange } from './client-checks.ts'
import { narrowingOfChange } from './client-registration.ts'
import { checkKeyPairChange, editableKeyPair, updateKeyPair } from './key-pair-settings.ts'
import { countExceeding, countRemovedScopes, type NarrowingImpact } from './narrowing-impact.ts'
import { operation } from './operation.ts'
import { applicationFor } from './tenant-isolation.ts'

/** What a change would revoke. Null: too many to count in time. */
export interface ChangeImpact {
  readonly accessTokens: Bounded | null
  readonly refreshTokens: Bounded | null
  /** Users who would be asked for consent again. */
  readonly users: Bounded | null
}

const bounded = (count: number | null): Bounded | null => (count === null ? null : toBounded(count))

function toImpact({ accessTokens, refreshTokens, users }: NarrowingImpact): ChangeImpact | undefined {
  if (accessTokens === 0 && refreshTokens === 0 && users === 0) return undefined
  return { accessTokens: bounded(accessTokens), refreshTokens: bounded(refreshTokens), users: bounded(users) }
}

async function impactOf(knex: Knex, client: Client, given: ApplicationChange): Promise<ChangeImpact | undefined> {
  const change = { ...given, settings: withFapi(client, given.settings) }
  await checkClientChange(knex, client, change)
  const narrowing = await narrowingOfChange(knex, client, change)
  return narrowing && toImpact(await countExceeding(knex, { client: client.key }, narrowing, MOST))
}

/** What `updateApplication` would revoke; undefined if nothing. @throws KeywrightError `invalid_input`, `forbidden` */
export const previewApplicationUpdate = operation<ApplicationChange & { clientId: string }, ChangeImpact | undefined>(
  updateApplication.permission,
  async ({ knex }, principal, { clientId, ...change }) => {
    const client = await applicationFor(knex, principal, clientId)
    checkSettingsChange(principal.role, client, change.settings)
    return await impactOf(knex, client, change)
  },
)

/** What `updateKeyPair` would revoke; undefined if nothing. @throws KeywrightError `invalid_input`, `forbidden` */
export const previewKeyPairUpdate = operation<ApplicationChange & { clientId: string }, ChangeImpact | undefined>(
  updateKeyPair.permission,
  async ({ knex }, principal, { clientId, ...change }) => {
    const client = await editableKeyPair(knex, principal, clientId)
    checkKeyPairChange(principal, client, change.settings)
    return await impactOf(knex, client, change)
  },
)

/** What `changeApi` would revoke if only these scopes remained; undefined if nothing. */
export const previewScopeRemoval = operation<
  { identifier: string; scopes: readonly string[] },
  ChangeImpact | undefined
>(changeApi.permission, async ({ knex }, _principal, { identifier, scopes }) =>
  toImpact(await countRemovedScopes(knex, identifier, scopes, MOST)),
)
