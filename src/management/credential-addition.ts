import type { Knex } from 'knex'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import { currentSet } from '../clients/client-secrets.ts'
import { type Client, getClient, lockClient, touchClient } from '../clients/clients.ts'
import { expectRevision, invalidInput } from '../shared/errors.ts'
import type { ClientCheck } from './client-secret-rotation.ts'

/** When and how credentials are added to those of a client. */
export interface AdditionOptions {
  /** When they expire; null or undefined: at the end of the longest allowed lifetime. */
  readonly expiresAt?: Date | null | undefined
  /** The revision of the client; undefined: any. */
  readonly expected?: number | undefined
  readonly check?: ClientCheck | undefined
}

/** Credentials that several of one set can be: public keys, or trusts. */
interface Addition {
  readonly kind: 'key' | 'trust'
  /** What they are called in errors. */
  readonly plural: string
  /** The field that errors name. */
  readonly field: string
  readonly hashes: readonly Buffer[]
  /** Credentials of one client. */
  readonly most: number
  /** @throws KeywrightError `invalid_input`: the client authenticates otherwise */
  checkClient(client: Client): void
  /** @param set the present set, which they join; undefined: they are a new one */
  insert(trx: Knex, client: Client, set: string | undefined): Promise<void>
  auditEntry(client: Client): AuditEntry
}

/**
 * Adds credentials to those of a client. The others stay, with their tokens.
 * @throws KeywrightError `not_found`, `invalid_input`, `stale`
 */
export async function addCredentials(
  knex: Knex,
  clientId: string,
  { kind, plural, field, hashes, most, checkClient, insert, auditEntry }: Addition,
  { expected, check }: AdditionOptions,
  actor: Actor,
): Promise<Client> {
  return await knex.transaction(async (trx) => {
    const client = await lockClient(trx, clientId)
    await check?.(client, trx)
    expectRevision('the client', client.revision, expected)
    checkClient(client)
    const current = await currentSet(trx, client.key, kind)
    if (current.some((one) => hashes.some((hash) => hash.equals(one.hash))))
      throw invalidInput(`the client has one of these ${plural} already`, field)
    if (current.length + hashes.length > most) throw invalidInput(`a client has at most ${most} ${plural}`, field)
    await touchClient(trx, client.key)
    await insert(trx, client, current[0]?.key_set)
    await recordAudit(trx, actor, auditEntry(client))
    return await getClient(trx, clientId)
  })
}
