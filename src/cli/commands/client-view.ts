import { CLIENT_ATTRIBUTES } from '../../clients/client-attributes.ts'
import type { Client } from '../../clients/clients.ts'
import type { FapiRequirement } from '../../clients/fapi-rules.ts'
import { readClient } from '../../management/client-operations.ts'
import type { ClientApiView, KeyFetch, SecretView } from '../../management/client-parts.ts'
import { toWire } from '../../shared/wire-names.ts'
import { printedValues } from '../attribute-options.ts'
import type { CommandContext } from '../run.ts'

export const timeOf = (text: string | null): Date | null => (text === null ? null : new Date(text))

const viewApi = ({ identifier, scopes }: ClientApiView) => ({ identifier, scopes })

export const viewSecret = (secret: SecretView) => ({
  id: secret.id,
  kind: secret.kind,
  last_four: secret.lastFour,
  certificate_subject: secret.certificateSubject,
  trust: secret.trust && toWire(secret.trust),
  created_at: timeOf(secret.createdAt),
  retires_at: timeOf(secret.retiresAt),
  expires_at: timeOf(secret.expiresAt),
  retire_unused_hours: secret.retireUnusedHours,
  is_current: secret.isCurrent,
  last_used_at: timeOf(secret.lastUsedAt),
  last_used_ip: secret.lastUsedIp,
  last_used_api: secret.lastUsedApi,
})

/** A client with its settings named after the options. */
export function viewClient(client: Client) {
  return {
    client_id: client.clientId,
    kind: client.kind,
    status: client.status,
    account_id: client.accountId,
    user_id: client.userId,
    ...printedValues(CLIENT_ATTRIBUTES, client),
    created_at: client.createdAt,
  }
}

/** Only of a client that publishes its keys. */
const viewKeyFetch = (fetch: KeyFetch | null) =>
  fetch && {
    key_fetch: {
      fetched_at: timeOf(fetch.fetchedAt),
      failed_at: timeOf(fetch.failedAt),
      failure: fetch.failure,
      cools_until: timeOf(fetch.coolsUntil),
    },
  }

/** Only of a client for FAPI 2.0. */
const viewFapi = (requirements: readonly FapiRequirement[]) =>
  requirements.length > 0 && {
    fapi2_requirements: requirements.map(({ requirement, reference }) => `${requirement}: ${reference}`),
  }

/** Reads a client and returns it with its APIs and what may be shown of its secrets. */
export async function readClientView({ management, principal }: CommandContext, clientId: string) {
  const { client, apis, secrets, keyFetch, fapiRequirements } = await readClient(management, principal, { clientId })
  return {
    ...viewClient(client),
    ...viewFapi(fapiRequirements),
    apis: apis.map(viewApi),
    secrets: secrets.map(viewSecret),
    ...viewKeyFetch(keyFetch),
  }
}
