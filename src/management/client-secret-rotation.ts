import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { type AuthMethod, usesCertificates, usesTrusts } from '../clients/authentication-attributes.ts'
import { endKeySet } from '../clients/client-key-sets.ts'
import { newestSecretId, STORED_SECRET_KINDS } from '../clients/client-secrets.ts'
import {
  type Client,
  checkSettings,
  clientEntry,
  getClient,
  lockClient,
  raiseRevocationEpochs,
  saveSettings,
  touchClient,
} from '../clients/clients.ts'
import { endRegistrationAccessToken } from '../clients/dynamic-registrations.ts'
import { retireSecrets } from '../clients/retired-secrets.ts'
import { MAX_UNUSED_HOURS, retireWhenUnused } from '../clients/unused-secrets.ts'
import { credentialKindOf } from '../shared/credential-kinds.ts'
import { expectRevision, invalidInput, KeywrightError, stale } from '../shared/errors.ts'
import { MAX_REFRESH_TOKEN_TTL } from '../shared/lifetimes.ts'
import {
  addCredentials,
  checkGiven,
  checkOneKeySource,
  type GivenCredentials,
  type NewSecrets,
} from './issued-credentials.ts'

/** Seconds: the longest refresh token lifetime, so that every refresh token can outlast a rotation. */
const MAX_OVERLAP = MAX_REFRESH_TOKEN_TTL

/** Authorizes a change of the client, which the transaction has locked; throws to reject it. */
export type ClientCheck = (locked: Client, trx: Knex) => void | Promise<void>

/** What a rotation expects, and what becomes of the current secrets. */
export interface RotationOptions extends GivenCredentials {
  /** How the client authenticates from now on; undefined: as before. */
  readonly authMethod?: AuthMethod | undefined
  /** Where the client publishes its keys from now on; undefined: unless `keys` are given, where it does already. */
  readonly jwksUri?: string | undefined
  /** The revision of the client; undefined: any. */
  readonly expected?: number | undefined
  /** The newest client secret that works, null: none; undefined: any. Of two concurrent rotations the second one is refused. */
  readonly newest?: number | null | undefined
  /** The current secrets also retire after so many hours without a use, within the overlap. */
  readonly unusedHours?: number | null | undefined
  /** When the new secrets expire; null or undefined: at the end of the longest allowed lifetime. */
  readonly expiresAt?: Date | null | undefined
  readonly check?: ClientCheck | undefined
}

/** @throws KeywrightError `invalid_input` */
export function checkUnusedHours(hours: number | null | undefined): void {
  if (hours === null || hours === undefined) return
  if (!Number.isInteger(hours) || hours < 1 || hours > MAX_UNUSED_HOURS) {
    throw invalidInput(`the unused time must be 1 to ${MAX_UNUSED_HOURS} hours`, 'unusedHours')
  }
}

/** @throws KeywrightError `invalid_input` */
function checkOverlap(overlap: number, unusedHours: number | null | undefined): void {
  if (!Number.isInteger(overlap) || overlap < 0 || overlap > MAX_OVERLAP) {
    throw invalidInput(`the overlap must be 0 to ${MAX_OVERLAP} seconds`, 'overlap')
  }
  checkUnusedHours(unusedHours)
  if (unusedHours && overlap === 0) {
    throw invalidInput('an unused secret can retire only within an overlap', 'unusedHours')
  }
}

/** A certificate or trust counts only for a client that authenticates by it. @throws KeywrightError `invalid_input` */
function checkChangeOfMethod(client: Client, overlap: number, authMethod = client.authMethod): void {
  if (authMethod === client.authMethod || overlap === 0) return
  if (usesCertificates(client) || usesTrusts(client)) {
    const what = usesTrusts(client) ? 'trust' : 'certificate'
    throw invalidInput(`a ${what} has no overlap with another authentication method: use the overlap 0`, 'overlap')
  }
}

/** @throws KeywrightError `stale`, `conflict`, `invalid_input` */
async function checkRotation(trx: Knex, client: Client, { expected, newest }: RotationOptions): Promise<void> {
  expectRevision('the client', client.revision, expected)
  if (client.status === 'replaced') {
    throw new KeywrightError('conflict', `${client.clientId} was replaced by a newer key pair`)
  }
  if (client.isPublic) throw invalidInput('a public client has no secret')
  if (newest === undefined) return
  if ((newest ?? undefined) !== (await newestSecretId(trx, client.key))) throw stale('the client secret')
}

/** The authentication method and the URL of public keys from now on; with given keys, or another method, there is no URL. */
function newMethod(client: Client, options: RotationOptions): Pick<Client, 'authMethod' | 'jwksUri'> {
  const { authMethod = client.authMethod, keys } = options
  const keepsUri = !keys && authMethod === 'private_key_jwt'
  const { jwksUri = keepsUri ? client.jwksUri : null } = options
  return { authMethod, jwksUri }
}

/** The client with its new authentication method and URL of public keys. @throws KeywrightError `invalid_input` */
async function withMethod(trx: Knex, client: Client, options: RotationOptions): Promise<Client> {
  const { authMethod, jwksUri } = newMethod(client, options)
  if (authMethod === client.authMethod && jwksUri === client.jwksUri) return client
  if (jwksUri === null) await endKeySet(trx, client.key)
  return await saveSettings(trx, client, { authMethod, jwksUri })
}

/** Checks a rotation without making it. @throws KeywrightError as `rotateSecret` */
export async function checkSecretRotation(
  db: Knex,
  clientId: string,
  overlap: number,
  options: RotationOptions,
): Promise<void> {
  checkOverlap(overlap, options.unusedHours)
  const client = await getClient(db, clientId)
  await options.check?.(client, db)
  await checkRotation(db, client, options)
  checkChangeOfMethod(client, overlap, options.authMethod)
  const changed = { ...client, ...newMethod(client, options) }
  await checkSettings(db, changed, client)
  checkGiven(changed, options)
}

/**
 * Generates a new secret, and a new API key if the client needs one; or stores the given public keys or certificates. The current ones work for `overlap` more seconds.
 * When they end, the tokens that they obtained are revoked; without an overlap, all tokens of the client, and its registration access
 * token unless it rotates by itself.
 * @throws KeywrightError `not_found`, `invalid_input`, `conflict`, `stale`
 */
export async function rotateSecret(
  knex: Knex,
  clientId: string,
  overlap: number,
  actor: Actor,
  options: RotationOptions = {},
): Promise<NewSecrets & { client: Client }> {
  const { unusedHours, expiresAt, jwksUri, authMethod } = options
  checkOverlap(overlap, unusedHours)
  checkOneKeySource(options)
  return await knex.transaction(async (trx) => {
    const client = await lockClient(trx, clientId)
    await options.check?.(client, trx)
    await checkRotation(trx, client, options)
    checkChangeOfMethod(client, overlap, authMethod)
    for (const kind of STORED_SECRET_KINDS) await retireSecrets(trx, client.key, kind, overlap)
    if (unusedHours) await retireWhenUnused(trx, client.key, unusedHours)
    // Without an overlap the authorization codes are revoked too: a thief of the former secret may have stolen them, or the token
    // by which the client changes its registration.
    if (overlap === 0) {
      await raiseRevocationEpochs(trx, 'id', client.key)
      // The client itself rotates by the registration access token.
      const isSelf = actor.type === 'client' && actor.id === client.clientId
      if (!isSelf) await endRegistrationAccessToken(trx, client.key)
    } else await touchClient(trx, client.key)
    const detail = {
      kind: credentialKindOf(authMethod ?? client.authMethod),
      overlap,
      ...(unusedHours && { unused_hours: unusedHours }),
      ...(expiresAt && { expires_at: expiresAt }),
      ...(jwksUri && { jwks_uri: jwksUri }),
      ...(authMethod && { auth_method: authMethod }),
    }
    await recordAudit(trx, actor, clientEntry('client.secret_rotated', client, detail))
    const rotated = await withMethod(trx, client, options)
    const secrets = await addCredentials(trx, rotated, { at: expiresAt, field: 'expiresAt' }, options)
    return { client: await getClient(trx, clientId), ...secrets }
  })
}
