import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { MAX_KEYS, type PublicKey, parsePublicKeys } from '../clients/client-keys.ts'
import { addPublicKeys, currentSet } from '../clients/client-secrets.ts'
import { type Client, clientEntry, getClient, lockClient, touchClient } from '../clients/clients.ts'
import { expectRevision, invalidInput } from '../shared/errors.ts'
import type { ClientCheck } from './client-secret-rotation.ts'
import { mayChangeCheck } from './developer-limits.ts'
import { operation } from './operation.ts'
import { applicationFor } from './tenant-isolation.ts'

interface AddedKeys {
  readonly keys: readonly PublicKey[]
  /** When they expire; null or undefined: at the end of the longest allowed lifetime. */
  readonly expiresAt?: Date | null | undefined
  /** The revision of the client; undefined: any. */
  readonly expected?: number | undefined
  readonly check?: ClientCheck | undefined
}

/**
 * Adds public keys to those of a client that authenticates by its private key. The others stay, with their tokens.
 * @throws KeywrightError `not_found`, `invalid_input`, `stale`
 */
export async function addKeys(
  knex: Knex,
  clientId: string,
  { keys, expiresAt, expected, check }: AddedKeys,
  actor: Actor,
): Promise<Client> {
  return await knex.transaction(async (trx) => {
    const client = await lockClient(trx, clientId)
    await check?.(client, trx)
    expectRevision('the client', client.revision, expected)
    if (client.authMethod !== 'private_key_jwt') {
      throw invalidInput('only a client with the authentication method private_key_jwt has keys', 'jwks')
    }
    if (client.jwksUri !== null)
      throw invalidInput('the client publishes its keys at a URL: publish the key there, or replace the URL', 'jwks')
    const current = await currentSet(trx, client.key, 'key')
    const known = new Set(current.map(({ hash }) => hash.toString('hex')))
    if (keys.some(({ thumbprint }) => known.has(thumbprint.toString('hex')))) {
      throw invalidInput('the client has one of these keys already', 'jwks')
    }
    if (current.length + keys.length > MAX_KEYS) throw invalidInput(`a client has at most ${MAX_KEYS} keys`, 'jwks')
    await touchClient(trx, client.key)
    await addPublicKeys(trx, client.key, keys, { at: expiresAt, field: 'expiresAt' }, current[0]?.key_set)
    await recordAudit(trx, actor, clientEntry('client.keys_added', client, { count: keys.length }))
    return await getClient(trx, clientId)
  })
}

interface KeyAddition extends Pick<AddedKeys, 'expiresAt'> {
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
