import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import type { ClientRow } from '../clients/clients.ts'
import { isId } from '../shared/ids.ts'
import { LARGEST_LIST } from '../status/status-bitmap.ts'

/** An access token that verifies but has no row: the database lost the commit that recorded it. */
export interface UnrecordedToken {
  readonly jti: string
  readonly clientId: string
  readonly audience: string
  readonly subject: string
  readonly scope: string
  /** Seconds since 1970. */
  readonly issuedAt: number
  /** Seconds since 1970. */
  readonly expiresAt: number
  /** The public id of its status list. */
  readonly listId: string
  /** Its index in that list. */
  readonly index: number
}

function statusReferenceOf({ status }: Record<string, unknown>): Pick<UnrecordedToken, 'listId' | 'index'> | undefined {
  const { uri, idx } = (status as { status_list?: { uri?: unknown; idx?: unknown } } | undefined)?.status_list ?? {}
  const listId = String(uri).split('/').at(-1)!.toLowerCase()
  return isId(listId) && Number.isInteger(idx) ? { listId, index: Number(idx) } : undefined
}

/** @param claims of a verified JWT. Undefined when it names no status list: then it cannot be revoked offline. */
export function toUnrecordedToken(claims: Record<string, unknown>): UnrecordedToken | undefined {
  const status = statusReferenceOf(claims)
  if (!status) return undefined
  const clientId = String(claims.client_id)
  return {
    ...status,
    jti: String(claims.jti),
    clientId,
    audience: String(claims.aud),
    subject: claims.sub === clientId ? '' : String(claims.sub),
    scope: String(claims.scope ?? ''),
    issuedAt: Number(claims.iat),
    expiresAt: Number(claims.exp),
  }
}

/** Returns the key of the token's status list. Inserts the list, closed, when the database lost it too. */
async function findOrRestoreList(trx: Knex, token: UnrecordedToken, apiId: number): Promise<number> {
  const row = {
    public_id: token.listId,
    api_id: apiId,
    order_key: randomBytes(32),
    // The original size is not known.
    size: LARGEST_LIST,
    next: LARGEST_LIST,
    closed_at: trx.fn.now(),
  }
  await trx('status_lists').insert(row).onConflict('public_id').ignore()
  const found = await trx('status_lists').where({ public_id: token.listId }).first('id')
  return found.id
}

/** Records the token as revoked. Returns false when the database has a row of it after all. */
async function insertRevoked(
  trx: Knex,
  token: UnrecordedToken,
  client: ClientRow,
  apiId: number,
  list: number,
): Promise<boolean> {
  const inserted = await trx('access_tokens')
    .insert({
      jti: token.jti,
      expires_at: trx.raw('to_timestamp(?)', [token.expiresAt]),
      issued_at: trx.raw('to_timestamp(?)', [token.issuedAt]),
      revoked_at: trx.fn.now(),
      client_id: client.id,
      sequence: 0,
      api_id: apiId,
      revocation_epoch: client.revocation_epoch,
      subject: token.subject,
      scope: token.scope,
      status_list: list,
      status_index: token.index,
    })
    .onConflict()
    .ignore()
    .returning('jti')
  return inserted.length > 0
}

/**
 * Revokes an access token that verifies but is not recorded (RFC 7009). Records it as revoked, which sets its bit in its
 * status list, and publishes the revocation in the feed. Returns the number of revoked tokens, 0 or 1.
 */
export async function revokeUnrecordedToken(knex: Knex, token: UnrecordedToken, actor: Actor): Promise<number> {
  return await knex.transaction(async (trx) => {
    const client = await trx<ClientRow>('clients').where({ client_id: token.clientId }).first()
    const api = await trx('apis').where({ identifier: token.audience }).first('id')
    if (!client || !api) return 0
    const list = await findOrRestoreList(trx, token, api.id)
    if (!(await insertRevoked(trx, token, client, api.id, list))) return 0
    await trx('revocations').insert({ status_list: list, status_indexes: [token.index] })
    await recordAudit(trx, actor, {
      action: 'token.revoked',
      target: { type: 'token', id: token.jti },
      accountId: client.account_id,
      detail: { client_id: token.clientId, audience: token.audience, recorded: false },
    })
    return 1
  })
}
