import type { SealedColumn } from '../database/resealing.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { seal, unseal } from '../shared/envelope.ts'

const PURPOSE = 'upstream client secret'

/** @param providerId ties the sealed secret to its provider */
export const sealUpstreamSecret = (keys: EncryptionKeys, providerId: string, secret: string): Buffer =>
  seal(keys, { purpose: PURPOSE, context: providerId }, Buffer.from(secret))

export const unsealUpstreamSecret = (keys: EncryptionKeys, providerId: string, sealed: Buffer): string =>
  unseal(keys, { purpose: PURPOSE, context: providerId }, sealed).toString()

export const SEALED_UPSTREAM_SECRETS: SealedColumn = {
  table: 'identity_providers',
  key: ['id'],
  column: 'sealed_client_secret',
  purpose: PURPOSE,
  contextOf: ({ id }) => id as string,
}

/** What is wrong with a client secret; undefined: nothing. */
export const upstreamSecretError = (secret: string): string | undefined =>
  /^[\x20-\x7e]{1,1000}$/.test(secret) ? undefined : 'the client secret has 1 to 1000 visible ASCII characters'
