import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import type { Actor } from '../audit/audit-log.ts'
import { MAX_KEYS, type PublicKey, parsePublicKeys } from '../clients/client-keys.ts'
import { addPublicKeys } from '../clients/client-secrets.ts'
import { type Client, clientEntry } from '../clients/clients.ts'
import { invalidInput } from '../shared/errors.ts'
import { type AdditionOptions, addCredentials } from './credential-addition.ts'
import { mayChangeCheck } from './developer-limits.ts'
import { operation } from './operation.ts'
import { applicationFor, clientIdOfApi } from './tenant-isolation.ts'

interface AddedKeys extends AdditionOptions {
  readonly keys: readonly PublicKey[]
}

/** @throws KeywrightError `invalid_input` */
function checkHasKeys({ authMethod, jwksUri }: Client): void {
  if (authMethod !== 'private_key_jwt')
    throw invalidInput('only a client with the authentication method private_key_jwt has keys', 'jwks')
  if (jwksUri !== null)
    throw invalidInput('the client publishes its keys at a URL: publish the key there, or replace the URL', 'jwks')
}

/** Adds public keys to those of a client that authenticates by its private key, as `addCredentials`. */
export const addKeys = (knex: Knex, clientId: string, { keys, ...options }: AddedKeys, actor: Actor): Promise<Client> =>
  addCredentials(
    knex,
    clientId,
    {
      kind: 'key',
      plural: 'keys',
      field: 'jwks',
      hashes: keys.map(({ thumbprint }) => thumbprint),
      most: MAX_KEYS,
      checkClient: checkHasKeys,
      insert: (trx, { key }, set) => addPublicKeys(trx, key, keys, { at: options.expiresAt, field: 'expiresAt' }, set),
      auditEntry: (client) => clientEntry('client.keys_added', client, { count: keys.length }),
    },
    options,
    actor,
  )

interface KeyAddition extends Pick<AdditionOptions, 'expiresAt'> {
  readonly clientId: string
  /** A JWK set (RFC 7517). */
  readonly jwks: string
  readonly revision?: number | undefined
}

/** Adds public keys to an application. @throws KeywrightError `not_found`, `invalid_input`, `forbidden`, `stale` */
export const addApplicationKeys = operation<KeyAddition, Client>(
  PERMISSIONS.manageApplications,
  async ({ knex }, principal, { clientId, jwks, expiresAt, revision }) => {
    await applicationFor(knex, principal, clientId)
    const change = {
      keys: await parsePublicKeys(jwks),
      expiresAt,
      expected: revision,
      check: mayChangeCheck(principal),
    }
    return await addKeys(knex, clientId, change, principal.actor)
  },
)

/** Adds public keys to the client by which an API introspects. @throws KeywrightError `not_found`, `invalid_input` */
export const addApiKeys = operation<Omit<KeyAddition, 'clientId' | 'revision'> & { identifier: string }, Client>(
  PERMISSIONS.manageApis,
  async ({ knex }, principal, { identifier, jwks, expiresAt }) => {
    const clientId = await clientIdOfApi(knex, identifier)
    return await addKeys(knex, clientId, { keys: await parsePublicKeys(jwks), expiresAt }, principal.actor)
  },
)
