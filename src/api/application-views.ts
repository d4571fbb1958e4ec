import type { Client } from '../clients/clients.ts'
import type { Application } from '../management/application-operations.ts'
import type { NewSecrets } from '../management/client-secret-rotation.ts'
import type { Principal } from '../management/principal.ts'
import { formatRateLimit } from '../shared/rate-limit-format.ts'
import { toWire } from './wire-names.ts'

/** Only operators see the access type and the rate limit. */
export function viewClient({ key: _, rateLimit: limit, accessType: type, ...rest }: Client, { role }: Principal) {
  const hidden = { access_type: type, rate_limit: limit && formatRateLimit(limit) }
  return { ...toWire(rest), ...(role === 'operator' && hidden) }
}

export function viewApplication({ client: of, grants, ...rest }: Application, who: Principal) {
  return { ...viewClient(of, who), ...toWire(rest), grants_held: toWire(grants) }
}

export const credentials = ({ clientSecret, apiKey }: NewSecrets) => ({
  ...(clientSecret && { client_secret: clientSecret }),
  ...(apiKey && { api_key: apiKey }),
})

export const toCreatedReply = (made: NewSecrets & { client: Client }, who: Principal) => ({
  body: { client_id: made.client.clientId, ...credentials(made), application: viewClient(made.client, who) },
  revision: made.client.revision,
})
