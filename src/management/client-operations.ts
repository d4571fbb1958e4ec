import { PERMISSIONS } from '../accounts/permissions.ts'
import { type Client, type ClientRow, toClient } from '../clients/clients.ts'
import { type FapiRequirement, requirementsOfFapi } from '../clients/fapi-rules.ts'
import { notFound } from '../shared/errors.ts'
import {
  APIS_OF_CLIENT,
  type ClientApiView,
  KEY_FETCH_OF_CLIENT,
  type KeyFetch,
  SECRETS_OF_CLIENT,
  type SecretView,
} from './client-parts.ts'
import { operation } from './operation.ts'

/** A client of any kind, with its APIs, the default first, and its secrets, newest first. */
export interface ClientDetails {
  readonly client: Client
  readonly apis: readonly ClientApiView[]
  readonly secrets: readonly SecretView[]
  /** Null: it does not publish its keys. */
  readonly keyFetch: KeyFetch | null
  readonly fapiRequirements: readonly FapiRequirement[]
}

interface DetailsRow extends ClientRow {
  apis: ClientApiView[] | null
  secrets: SecretView[] | null
  key_fetch: KeyFetch | null
}

const READ = `
  SELECT c.*, (${APIS_OF_CLIENT}) AS apis, (${SECRETS_OF_CLIENT}) AS secrets, (${KEY_FETCH_OF_CLIENT}) AS key_fetch
    FROM clients c WHERE c.client_id = ?`

/** An application, a key pair or the client of an API. @throws KeywrightError `not_found` */
export const readClient = operation<{ clientId: string }, ClientDetails>(
  PERMISSIONS.viewClients,
  async ({ knex }, _principal, { clientId }) => {
    const row: DetailsRow | undefined = (await knex.raw(READ, [clientId])).rows[0]
    if (!row) throw notFound('client', clientId)
    const client = toClient(row)
    const { apis, secrets, key_fetch: keyFetch } = row
    return { client, apis: apis ?? [], secrets: secrets ?? [], keyFetch, fapiRequirements: requirementsOfFapi(client) }
  },
)
