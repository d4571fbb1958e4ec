import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { addSecret, retirePreviousSecrets, retireSecrets } from '../clients/client-secrets.ts'
import {
  type Client,
  clientEntry,
  getClient,
  lockClient,
  raiseRevocationEpochs,
  touchClient,
} from '../clients/clients.ts'
import { expectRevision, invalidInput, KeywrightError, notFound } from '../shared/errors.ts'
import { MAX_REFRESH_TOKEN_TTL } from '../shared/lifetimes.ts'

/** Generated secrets, which are shown once. */
export interface NewSecrets {
  /** Absent for a public client. */
  readonly clientSecret?: string
  /** Present if the client must send an API key. */
  readonly apiKey?: string
}

export async function addSecrets(trx: Knex, client: Client): Promise<NewSecrets> {
  if (client.isPublic) return {}
  const clientSecret = await addSecret(trx, client.key, 'secret')
  return client.apiKeyRequired
    ? { clientSecret, apiKey: await addSecret(trx, client.key, 'api_key') }
    : { clientSecret }
}

/** Seconds: the longest refresh token lifetime, so that every refresh token can outlast a rotation. */
const MAX_OVERLAP = MAX_REFRESH_TOKEN_TTL

/**
 * Generates a new secret, and a new API key if the client needs one. The current ones work for `overlap` more seconds.
 * When they end, the tokens that they obtained are revoked; without an overlap, all tokens of the client.
 * @throws KeywrightError `not_found`, `invalid_input`, `conflict`, `stale`
 */
export async function rotateSecret(
  knex: Knex,
  clientId: string,
  overlap: number,
  actor: Actor,
  expected?: number,
): Promise<NewSecrets & { client: Client }> {
  if (!Number.isInteger(overlap) || overlap < 0 || overlap > MAX_OVERLAP) {
    throw invalidInput(`the overlap must be 0 to ${MAX_OVERLAP} seconds`, 'overlap')
  }
  return await knex.transaction(async (trx) => {
    const client = await lockClient(trx, clientId)
    expectRevision('the client', client.revision, expected)
    if (client.status === 'replaced')
      throw new KeywrightError('conflict', `${clientId} was replaced by a newer key pair`)
    if (client.isPublic) throw invalidInput('a public client has no secret')
    await retireSecrets(trx, client.key, 'secret', overlap)
    await retireSecrets(trx, client.key, 'api_key', overlap)
    // Without an overlap the authorization codes are revoked too: a thief of the former secret may have stolen them.
    if (overlap === 0) await raiseRevocationEpochs(trx, 'id', client.key)
    else await touchClient(trx, client.key)
    await recordAudit(trx, actor, clientEntry('client.secret_rotated', client, { overlap }))
    const secrets = await addSecrets(trx, client)
    return { client: await getClient(trx, clientId), ...secrets }
  })
}

/**
 * Retires a previous secret before its overlap ends, and revokes the tokens that it obtained. The newest secret stays.
 * @param secretId undefined: all previous secrets and API keys
 * @throws KeywrightError `not_found`: the client has no such secret, or it is the newest one
 */
export async function retireSecret(
  knex: Knex,
  clientId: string,
  secretId: number | undefined,
  actor: Actor,
): Promise<Client> {
  return await knex.transaction(async (trx) => {
    const client = await lockClient(trx, clientId)
    const retired = await retirePreviousSecrets(trx, client.key, secretId)
    if (retired.length === 0) throw notFound('previous secret', String(secretId ?? clientId))
    await touchClient(trx, client.key)
    const detail = { secrets: retired.map(({ kind, last_four }) => ({ kind, last_four })) }
    await recordAudit(trx, actor, clientEntry('client.secret_retired', client, detail))
    return await getClient(trx, clientId)
  })
}
