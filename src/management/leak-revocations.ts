import type { Knex } from 'knex'
import type { Actor } from '../audit/audit-log.ts'
import { lockClient, raiseCodeRevocationEpoch, raiseRevocationEpochs, touchClient } from '../clients/clients.ts'
import { retireSecretNow } from '../clients/retired-secrets.ts'
import type { LeakKind } from '../leaks/leak-patterns.ts'
import type { LeakedCredential } from '../leaks/leaked-credentials.ts'
import { revokeRefreshToken } from '../refresh/refresh-token-revocation.ts'
import { revokeToken } from '../tokens/revocation.ts'

type Revoke = (trx: Knex, credential: LeakedCredential, actor: Actor) => Promise<unknown>

/**
 * Retires the secret, also the newest one, so that the client stops working until it gets a new one. The tokens that it obtained
 * become inactive with it. Authorization codes are revoked too: who has the secret may have redeemed or stolen them.
 */
const revokeClientSecret: Revoke = async (trx, { clientId, clientKey, secretId }) => {
  await lockClient(trx, clientId)
  await retireSecretNow(trx, secretId!)
  await raiseCodeRevocationEpoch(trx, clientKey)
  await touchClient(trx, clientKey)
}

/** Retires the API key. No row tells which tokens are bound to it, so all tokens of the client are revoked. */
const revokeApiKey: Revoke = async (trx, { clientId, clientKey, secretId }) => {
  await lockClient(trx, clientId)
  await retireSecretNow(trx, secretId!)
  await raiseRevocationEpochs(trx, 'id', clientKey)
}

const REVOCATIONS: Readonly<Record<LeakKind, Revoke>> = {
  client_secret: revokeClientSecret,
  api_key: revokeApiKey,
  refresh_token: (trx, { grantId }, actor) => revokeRefreshToken(trx, grantId!, actor),
  access_token: (trx, { jti }, actor) => revokeToken(trx, jti!, actor),
}

/** Revokes a leaked credential in the transaction that records its report. */
export const revokeLeaked: Revoke = (trx, credential, actor) => REVOCATIONS[credential.kind](trx, credential, actor)
