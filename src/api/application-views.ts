import { CLIENT_ATTRIBUTES } from '../clients/client-attributes.ts'
import type { Client } from '../clients/clients.ts'
import { requirementsOfFapi } from '../clients/fapi-rules.ts'
import type { Application } from '../management/application-operations.ts'
import type { ClientSummary } from '../management/client-list.ts'
import type { NewSecrets } from '../management/issued-credentials.ts'
import type { Principal } from '../management/principal.ts'
import { toWire } from '../shared/wire-names.ts'
import { toWireValues } from './attribute-schemas.ts'

export function viewClient(client: Client, who: Principal) {
  const { clientId, kind, status, accountId, userId, createdAt, revision } = client
  return {
    ...toWire({ clientId, kind, status, accountId, userId, createdAt, revision }),
    ...toWireValues(CLIENT_ATTRIBUTES, client, who),
    fapi2_requirements: requirementsOfFapi(client),
  }
}

export function viewApplication({ client: of, grants, ...rest }: Application, who: Principal) {
  return { ...viewClient(of, who), ...toWire(rest), active_refresh_tokens: toWire(grants) }
}

/** A client as lists show it. */
export function viewSummary({ clientId, kind, name, status, grants, createdAt, ...client }: ClientSummary) {
  const { accountId, accountName, userId, ownerEmail, pairName, environment, lastUsedAt, secretExpiresAt } = client
  return toWire({
    ...{ clientId, kind, name, status, accountId, accountName, userId, ownerEmail },
    ...{ pairName, environment, grants, createdAt, lastUsedAt, secretExpiresAt },
  })
}

export const credentials = ({ clientSecret, apiKey }: NewSecrets) => ({
  ...(clientSecret && { client_secret: clientSecret }),
  ...(apiKey && { api_key: apiKey }),
})

export const toCreatedReply = (made: NewSecrets & { client: Client }, who: Principal) => ({
  body: { client_id: made.client.clientId, ...credentials(made), application: viewClient(made.client, who) },
  revision: made.client.revision,
})
