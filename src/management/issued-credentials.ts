import type { Knex } from 'knex'
import { usesCertificates, usesTrusts } from '../clients/authentication-attributes.ts'
import type { ClientCertificate } from '../clients/client-certificates.ts'
import { startKeySet } from '../clients/client-key-sets.ts'
import type { PublicKey } from '../clients/client-keys.ts'
import { addCertificates, addPublicKeys, addSecret } from '../clients/client-secrets.ts'
import type { Client } from '../clients/clients.ts'
import type { RequestedExpiry } from '../clients/secret-expiry.ts'
import { addTrusts } from '../clients/trust-rows.ts'
import type { WorkloadTrust } from '../clients/workload-trusts.ts'
import { invalidInput } from '../shared/errors.ts'

/** Generated secrets, which are shown once. */
export interface NewSecrets {
  /** Absent for a public client. */
  readonly clientSecret?: string
  /** Present if the client must send an API key. */
  readonly apiKey?: string
}

/** What a client without a client secret authenticates by. */
export interface GivenCredentials {
  /** Of a client that authenticates by its private key. */
  readonly keys?: readonly PublicKey[] | undefined
  /** Of a client that authenticates in TLS. */
  readonly certificates?: readonly ClientCertificate[] | undefined
  /** Of a client whose workloads have tokens of issuers. */
  readonly trusts?: readonly WorkloadTrust[] | undefined
}

type AuthenticatingClient = Pick<Client, 'isPublic' | 'authMethod' | 'jwksUri'>

/** Checks that what the client needs is given, and nothing else. @throws KeywrightError `invalid_input` */
export function checkGiven(client: AuthenticatingClient, { keys, certificates, trusts }: GivenCredentials): void {
  if (usesCertificates(client) && !certificates)
    throw invalidInput('a client that authenticates in TLS needs a certificate or its name')
  if (usesTrusts(client) && !trusts)
    throw invalidInput('a client with workload_identity needs a trust in an issuer', 'trustIssuer')
  if (client.authMethod !== 'private_key_jwt') {
    if (keys) throw invalidInput('only a client with the authentication method private_key_jwt has keys', 'jwks')
    return
  }
  checkOneKeySource({ keys, jwksUri: client.jwksUri })
  if (!keys && client.jwksUri === null)
    throw invalidInput('a client with the authentication method private_key_jwt needs public keys or their URL', 'jwks')
}

/**
 * Adds what the client authenticates with: a generated secret, or the given public keys, certificates or trusts.
 * @throws KeywrightError `invalid_input`
 */
export async function addCredentials(
  trx: Knex,
  client: Client,
  expiry?: RequestedExpiry,
  given: GivenCredentials = {},
): Promise<NewSecrets> {
  checkGiven(client, given)
  if (usesCertificates(client)) await addCertificates(trx, client.key, given.certificates!, expiry)
  else if (usesTrusts(client)) await addTrusts(trx, client.key, given.trusts!, expiry)
  else if (client.authMethod === 'private_key_jwt') await addKeys(trx, client, given.keys, expiry)
  else return await addSecrets(trx, client, expiry)
  return {}
}

/** RFC 7591, section 2: a client has its keys in one of the two. @throws KeywrightError `invalid_input` */
export function checkOneKeySource({
  keys,
  jwksUri,
}: GivenCredentials & { readonly jwksUri?: string | null | undefined }): void {
  if (keys && typeof jwksUri === 'string')
    throw invalidInput('give either the public keys or their URL (RFC 7591, section 2)', 'jwksUri')
}

/** Stores public keys, or where they are published, from where a server fetches them. @throws KeywrightError `invalid_input` */
async function addKeys(
  trx: Knex,
  { key, jwksUri }: Client,
  keys: readonly PublicKey[] | undefined,
  expiry?: RequestedExpiry,
): Promise<void> {
  if (jwksUri !== null) {
    if (expiry?.at) throw invalidInput('keys at a URL expire when they are no longer published', expiry.field)
    return await startKeySet(trx, key, jwksUri)
  }
  await addPublicKeys(trx, key, keys!, expiry)
}

/** @throws KeywrightError `invalid_input` */
async function addSecrets(trx: Knex, client: Client, expiry?: RequestedExpiry): Promise<NewSecrets> {
  if (client.isPublic) {
    if (expiry?.at) throw invalidInput('a public client has no secret that expires', expiry.field)
    return {}
  }
  const clientSecret = await addSecret(trx, client, 'secret', expiry)
  if (!client.apiKeyRequired) return { clientSecret }
  return { clientSecret, apiKey: await addSecret(trx, client, 'api_key', expiry) }
}
