import type { Knex } from 'knex'
import { takeAttempts } from '../accounts/sign-in-limits.ts'
import { KeywrightError, RateLimitedError } from '../shared/errors.ts'
import { networkOf } from '../shared/networks.ts'
import { hashSecret } from '../shared/secrets.ts'
import type { ClientDocuments } from './client-document-fetches.ts'
import { type ClientIdDocument, ClientIdDocumentError } from './client-id-documents.ts'
import { isClientIdUrl } from './client-id-urls.ts'
import {
  checkKeysPermitted,
  describedChange,
  describeRegistration,
  permitsClientId,
} from './described-registrations.ts'
import { getInstanceSettings } from './instance-settings.ts'
import type { Registration } from './registration.ts'
import type { Registrations } from './registrations.ts'
import { findLatestDocument } from './stored-client-documents.ts'

type Described = ClientIdDocument['settings']

/** Who asks for a client, for the limits and the activity log. */
export interface Asking {
  readonly ip: string
  readonly requestId: string
}

/** Clients whose client ID is the URL of a document, as authorization requests find them. Undefined: there is no such client. */
export interface DescribedClients {
  /**
   * The client as its document says. Nothing of it is stored.
   * @throws as `ClientDocuments.documentOf`
   */
  describe(clientId: string, asking: Asking): Promise<Registration | undefined>
  /**
   * The same, which is stored first: for a user who has signed in.
   * @throws as `describe`
   */
  store(clientId: string, asking: Asking): Promise<Registration | undefined>
  /** The client of a request that was begun before, as its document was read last. Nothing is fetched. */
  describeAgain(clientId: string): Promise<Registration | undefined>
}

export interface DescribedClientsOptions {
  readonly knex: Knex
  readonly registrations: Registrations
  readonly documents: ClientDocuments
  storeClient(clientId: string, described: Described, asking: Asking): Promise<void>
}

/** Fetches for one network, from one host, and in total, which are made at once; afterwards one every `interval` seconds. */
const LIMITS = [
  { of: (_host: string, ip: string) => `network ${networkOf(ip)}`, burst: 20, interval: 30 },
  { of: (host: string) => `host ${host}`, burst: 20, interval: 60 },
  { of: () => 'all', burst: 200, interval: 30 },
]

/** Limits the fetches of documents of clients that no user has signed in with. @throws RateLimitedError */
export async function limitDocumentFetches(knex: Knex, host: string, ip: string): Promise<void> {
  const buckets = LIMITS.map(({ of, ...rate }) => ({ key: hashSecret(`client documents of ${of(host, ip)}`), ...rate }))
  const refused = await takeAttempts(knex, buckets)
  if (refused) throw new RateLimitedError(refused.retryAfter)
}

/** What is wrong with the account or the API is not for strangers. */
function refuse(error: unknown): never {
  if (!(error instanceof KeywrightError)) throw error
  const message = error.code === 'invalid_input' ? error.message : 'the client of this document cannot be used here'
  throw new ClientIdDocumentError(message, { cause: error })
}

export function createDescribedClients(options: DescribedClientsOptions): DescribedClients {
  const { knex, registrations, documents, storeClient } = options
  const isStored = async (clientId: string) =>
    (await knex('clients').where({ client_id: clientId }).first('id')) !== undefined

  /** Undefined: the operator does not permit the client ID. */
  async function permitting(clientId: string) {
    const instance = await getInstanceSettings(knex)
    return isClientIdUrl(clientId) && permitsClientId(instance, clientId) ? instance : undefined
  }

  /** @throws as `describe` */
  async function documentOf(clientId: string, instance: Instance, ip: string): Promise<Described> {
    const described = await documents.documentOf(clientId, ip)
    checkKeysPermitted(instance, clientId, described)
    return described
  }

  type Instance = NonNullable<Awaited<ReturnType<typeof permitting>>>

  async function registrationOf(clientId: string, instance: Instance, described: Described) {
    const stored = await registrations.fresh(clientId)
    if (stored) return { ...stored, ...describedChange(stored, described) }
    // It is archived, or is being deleted.
    if (await isStored(clientId)) return undefined
    return await describeRegistration(knex, clientId, instance, described)
  }

  return {
    async describe(clientId, { ip }) {
      const instance = await permitting(clientId)
      return instance && (await registrationOf(clientId, instance, await documentOf(clientId, instance, ip)))
    },
    async store(clientId, asking) {
      const instance = await permitting(clientId)
      if (!instance) return undefined
      const described = await documentOf(clientId, instance, asking.ip)
      await storeClient(clientId, described, asking).catch(refuse)
      return await registrations.fresh(clientId)
    },
    async describeAgain(clientId) {
      const instance = await permitting(clientId)
      const described = instance && (await findLatestDocument(knex, clientId))
      return described && (await registrationOf(clientId, instance, described))
    },
  }
}
