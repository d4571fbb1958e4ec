import type { Knex } from 'knex'
import { invalidInput, KeywrightError, notFound } from '../shared/errors.ts'
import { isId, newId } from '../shared/ids.ts'
import { awaitAccountsTurn } from './person-turns.ts'

export interface Account {
  readonly id: string
  readonly name: string
  readonly status: 'active' | 'disabled'
  readonly createdAt: Date
}

interface AccountRow {
  id: string
  name: string
  status: Account['status']
  created_at: Date
}

const toAccount = (row: AccountRow): Account => ({
  id: row.id,
  name: row.name,
  status: row.status,
  createdAt: row.created_at,
})

/** @throws KeywrightError `invalid_input` for a name that is empty or over 200 characters */
export async function createAccount(db: Knex, name: string): Promise<Account> {
  const trimmed = name.trim()
  if (trimmed.length < 1 || trimmed.length > 200) throw invalidInput('an account name has 1 to 200 characters')
  const [row] = await db<AccountRow>('accounts').insert({ id: newId(), name: trimmed }).returning('*')
  return toAccount(row!)
}

export async function listAccounts(db: Knex): Promise<Account[]> {
  return (await db<AccountRow>('accounts').orderBy('created_at')).map(toAccount)
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

/** The account, with everything that is being added to it waiting. @throws KeywrightError `not_found` */
export async function lockAccount(trx: Knex, id: string): Promise<Account> {
  if (isId(id)) await awaitAccountsTurn(trx, id)
  const row = isId(id) ? await trx<AccountRow>('accounts').where({ id }).forUpdate().first() : undefined
  if (!row) throw notFound('account', id)
  return toAccount(row)
}

export async function setAccountStatus(trx: Knex, id: string, status: Account['status']): Promise<Account> {
  const change = { status, disabled_at: status === 'disabled' ? trx.fn.now() : null }
  const [row] = await trx('accounts').where({ id }).update(change).returning<AccountRow[]>('*')
  return toAccount(row!)
}

/**
 * Keeps an account from being switched off until the transaction ends. Whoever adds something to it holds this, or what
 * they add would be missed by the one who ends all that the account has.
 * @throws KeywrightError `not_found`, `conflict` (it is switched off)
 */
export async function holdAccount(trx: Knex, id: string): Promise<void> {
  const row = isId(id) ? await trx<AccountRow>('accounts').where({ id }).forShare().first('status') : undefined
  if (!row) throw notFound('account', id)
  if (row.status !== 'active') throw new KeywrightError('conflict', `the account ${id} is switched off`)
}
