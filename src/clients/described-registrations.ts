import type { Knex } from 'knex'
import { defaultApi, findExistingApis } from '../apis/apis.ts'
import { findByIdentifier } from '../apis/resource-identifiers.ts'
import { type ClientIdDocument, ClientIdDocumentError } from './client-id-documents.ts'
import { clientIdUrlError, hostOfClientId } from './client-id-urls.ts'
import { requirementsAfter } from './client-metadata.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from './client-settings.ts'
import { applicationDefaults } from './instance-attributes.ts'
import type { InstanceSettings } from './instance-settings.ts'
import type { ApiAccess, Registration } from './registration.ts'

type Described = ClientIdDocument['settings']

/** Whether the operator permits this URL as a client ID. */
export function permitsClientId(
  { clientIdDocuments, clientIdDocumentHosts, openRegistrationAccount }: InstanceSettings,
  url: string,
): boolean {
  if (openRegistrationAccount === null || clientIdDocuments === 'off') return false
  if (clientIdUrlError(url)) return false
  return clientIdDocuments === 'open' || clientIdDocumentHosts.includes(hostOfClientId(url))
}

/**
 * Keys are fetched again and again for as long as a client exists, so they are only for hosts that the operator has named. @throws
 * ClientIdDocumentError
 */
export function checkKeysPermitted(
  { clientIdDocumentHosts }: InstanceSettings,
  url: string,
  { isPublic }: Described,
): void {
  if (!isPublic && !clientIdDocumentHosts.includes(hostOfClientId(url)))
    throw new ClientIdDocumentError('a client with keys must be on a host that the operator has named')
}

/** The settings of a new client with this document. Nobody but its users has looked at it, so its consent page is always shown. */
export const describedSettings = (instance: InstanceSettings, described: Described): ClientSettings => ({
  ...DEFAULT_SETTINGS,
  ...applicationDefaults(instance),
  consent: 'show',
  ...described,
})

/**
 * What a document changes of a stored client. It cannot bring back grant types that an admin took away, and cannot lift what an admin
 * requires.
 */
export const describedChange = (
  before: Pick<ClientSettings, 'grants'> & Parameters<typeof requirementsAfter>[0],
  described: Described,
): Described => ({
  ...described,
  ...requirementsAfter(before, described),
  grants: described.grants.filter((grant) => before.grants.includes(grant)),
})

const isUsable = async (db: Knex, accountId: string): Promise<boolean> =>
  (await db('accounts').where({ id: accountId, status: 'active', api_enabled: true }).first('id')) !== undefined

/** The APIs in the order of the setting, with the permitted scopes. */
async function permittedApis(
  db: Knex,
  { openRegistrationApis: identifiers, openRegistrationScopes: permitted }: InstanceSettings,
): Promise<ApiAccess[]> {
  const initial = identifiers.length === 0 ? await defaultApi(db) : undefined
  const found = initial ? [initial] : await findExistingApis(db, identifiers)
  const apis = initial ? found : identifiers.flatMap((identifier) => findByIdentifier(found, identifier) ?? [])
  return apis.map((api) => ({
    ...api,
    version: 0,
    scopes: permitted === null ? api.scopes : api.scopes.filter((scope) => permitted.includes(scope)),
  }))
}

/**
 * The registration that a client would get. Nothing of it is stored, and its `key` is 0. Undefined: the account that would hold it, or the
 * API of the instance, is disabled.
 */
export async function describeRegistration(
  db: Knex,
  clientId: string,
  instance: InstanceSettings,
  described: Described,
): Promise<Registration | undefined> {
  const { openRegistrationAccount: accountId, apiEnabled } = instance
  if (!apiEnabled || accountId === null || !(await isUsable(db, accountId))) return undefined
  return {
    ...describedSettings(instance, described),
    key: 0,
    clientId,
    kind: 'application',
    accountId,
    userId: null,
    environment: null,
    version: 0,
    revocationEpoch: 0,
    codeRevocationEpoch: 0,
    accountNetworks: null,
    accountHasQuota: false,
    secrets: [],
    apiKeys: [],
    keys: [],
    certificates: [],
    trusts: [],
    claimValues: null,
    apis: await permittedApis(db, instance),
    resourceServer: null,
  }
}
