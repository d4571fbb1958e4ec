import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import type { ClientRow } from '../clients/clients.ts'
import { isId } from '../shared/ids.ts'
import { LARGEST_LIST } from '../status/status-bitmap.ts'

/** What a JWT of ours says that the database does not know: it lost the commit that recorded the token. */
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
  /** The public id of its status list, and its index there. */
  readonly listId: string
  readonly index: number
}

function statusOf({ status }: Record<string, unknown>): Pick<UnrecordedToken, 'listId' | 'index'> | undefined {
  const { uri, idx } = (status as { status_list?: { uri?: unknown; idx?: unknown } } | undefined)?.status_list ?? {}
  const listId = String(uri).split('/').at(-1)!.toLowerCase()
  return isId(listId) && Number.isInteger(idx) ? { listId, index: Number(idx) } : undefined
}

/** @param claims of a JWT that was verified. Undefined where it names no status list: then nobody can be told. */
export function toUnrecordedToken(claims: Record<string, unknown>): UnrecordedToken | undefined {
  const status = statusOf(claims)
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

/** The list, which the database may have lost too; a restored one takes no further tokens. */
async function findOrRestoreList(trx: Knex, token: UnrecordedToken, apiId: number): Promise<number> {
  const row = {
    public_id: token.listId,
    api_id: apiId,
    order_key: randomBytes(32),
    // How large it was is not known.
    size: LARGEST_LIST,
    next: LARGEST_LIST,
    closed_at: trx.fn.now(),
  }
  await trx('status_lists').insert(row).onConflict('public_id').ignore()
  const found = await trx('status_lists').where({ public_id: token.listId }).first('id')
  return found.id
}

/** Whether it was recorded now, as revoked: false where the database knows it after all. */
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
 * Revokes a token that verifies but is not recorded: records it as revoked, so that its bit is set in its status list, and
 * tells those who follow. Returns how many tokens that was, 0 or 1.
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
