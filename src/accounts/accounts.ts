import type { Knex } from 'knex'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import { expectRevision, invalidInput, KeywrightError, notFound } from '../shared/errors.ts'
import { isId, newId } from '../shared/ids.ts'
import { nameError } from '../shared/names.ts'
import { checkNotInstanceName } from './instance-name.ts'
import { lockAccountExclusive } from './user-locks.ts'

export interface Account {
  readonly id: string
  readonly name: string
  readonly status: 'active' | 'disabled'
  /** false: no client of the account works; its users can still sign in. */
  readonly apiEnabled: boolean
  readonly createdAt: Date
  /** Increases with each change. */
  readonly revision: number
}

export interface AccountRow {
  id: string
  name: string
  status: Account['status']
  api_enabled: boolean
  created_at: Date
  revision: number
}

export const toAccount = (row: AccountRow): Account => ({
  id: row.id,
  name: row.name,
  status: row.status,
  apiEnabled: row.api_enabled,
  createdAt: row.created_at,
  revision: row.revision,
})

function checkedName(name: string): string {
  const trimmed = name.trim()
  const fieldError = nameError('an account name', trimmed, 200)
  if (fieldError) throw invalidInput(fieldError, 'name')
  return trimmed
}

/** @throws KeywrightError `invalid_input` for a name that is empty, over 200 characters, or looks like the instance's */
export async function createAccount(db: Knex, name: string): Promise<Account> {
  const checked = checkedName(name)
  await checkNotInstanceName(db, 'an account name', checked)
  const [row] = await db<AccountRow>('accounts').insert({ id: newId(), name: checked }).returning('*')
  return toAccount(row!)
}

/** @throws KeywrightError as `createAccount` */
export async function addAccount(knex: Knex, { name }: { name: string }, actor: Actor): Promise<Account> {
  return await knex.transaction(async (trx) => {
    const account = await createAccount(trx, name)
    await recordAudit(trx, actor, accountEntry('account.created', account, { name: account.name }))
    return account
  })
}

/** @throws KeywrightError `not_found`, `invalid_input`, `stale` */
export async function renameAccount(
  knex: Knex,
  id: string,
  { name }: { name: string },
  actor: Actor,
  expected?: number,
): Promise<Account> {
  return await knex.transaction(async (trx) => {
    const before = await lockAccount(trx, id)
    expectRevision('the account', before.revision, expected)
    const next = checkedName(name)
    if (next !== before.name) await checkNotInstanceName(trx, 'an account name', next)
    const account = await changeAccount(trx, id, { name: next })
    await recordAudit(trx, actor, accountEntry('account.renamed', account, { from: before.name, to: account.name }))
    return account
  })
}

export async function hasAccounts(db: Knex): Promise<boolean> {
  return (await db('accounts').select(db.raw('1')).limit(1)).length > 0
}

/** @throws KeywrightError `not_found` */
export async function getAccount(db: Knex, id: string): Promise<Account> {
  const row = isId(id) ? await db<AccountRow>('accounts').where({ id }).first() : undefined
  if (!row) throw notFound('account', id)
  return toAccount(row)
}

/**
 * Locks an account exclusively and returns it; transactions that add to it wait. The row lock leaves the key readable,
 * because a transaction that has locked a client may still check the foreign key.
 * @throws KeywrightError `not_found`
 */
export async function lockAccount(trx: Knex, id: string): Promise<Account> {
  if (isId(id)) await lockAccountExclusive(trx, id)
  const row = isId(id) ? await trx<AccountRow>('accounts').where({ id }).forNoKeyUpdate().first() : undefined
  if (!row) throw notFound('account', id)
  return toAccount(row)
}

async function changeAccount(trx: Knex, id: string, change: Record<string, unknown>): Promise<Account> {
  const columns = { ...change, revision: trx.raw('revision + 1') }
  const [row] = await trx('accounts').where({ id }).update(columns).returning<AccountRow[]>('*')
  return toAccount(row!)
}

export const setAccountStatus = (trx: Knex, id: string, status: Account['status']): Promise<Account> =>
  changeAccount(trx, id, { status, disabled_at: status === 'disabled' ? trx.fn.now() : null })

export const setAccountApi = (trx: Knex, id: string, enabled: boolean): Promise<Account> =>
  changeAccount(trx, id, { api_enabled: enabled })

/** The audit event of a change of an account. */
export const accountEntry = (action: string, { id }: Account, detail: Record<string, unknown> = {}): AuditEntry => ({
  action,
  target: { type: 'account', id },
  accountId: id,
  detail,
})

/**
 * Locks an account against changes until the transaction ends. A transaction that adds to an account takes this lock:
 * otherwise disabling the account would miss what it adds.
 * @throws KeywrightError `not_found`, `conflict` (the account is disabled)
 */
export async function lockAccountShared(trx: Knex, id: string): Promise<Account> {
  const row = isId(id) ? await trx<AccountRow>('accounts').where({ id }).forShare().first() : undefined
  if (!row) throw notFound('account', id)
  if (row.status !== 'active') throw new KeywrightError('conflict', `the account ${id} is switched off`)
  return toAccount(row)
}

/** As `lockAccountShared`, for adding a client. @throws KeywrightError also `conflict` when the account's API is disabled */
export async function lockAccountWithApiShared(trx: Knex, id: string): Promise<Account> {
  const account = await lockAccountShared(trx, id)
  if (!account.apiEnabled) throw new KeywrightError('conflict', `the API of the account ${id} is switched off`)
  return account
}
