import type { Knex } from 'knex'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import { unlessExternalIdTaken } from '../database/external-ids.ts'
import { type AttributeRow, fromColumns, toColumns } from '../shared/attribute-columns.ts'
import { checkSomeGiven, checkValues, differingValues, normalizedValues } from '../shared/attribute-values.ts'
import { changesBetween, initialValues, type ValuesOf } from '../shared/attributes.ts'
import { expectRevision, KeywrightError, notFound } from '../shared/errors.ts'
import { isId, newId } from '../shared/ids.ts'
import { ACCOUNT_ATTRIBUTES, ACCOUNT_STATUS_ATTRIBUTES, type SettableStatus } from './account-attributes.ts'
import { checkNotInstanceName } from './instance-name.ts'
import { type LockedUser, lockAccountExclusive, lockUserShared } from './user-locks.ts'

export type AccountValues = ValuesOf<typeof ACCOUNT_ATTRIBUTES>

export interface Account extends AccountValues, ValuesOf<typeof ACCOUNT_STATUS_ATTRIBUTES> {
  readonly id: string
  readonly createdAt: Date
  /** Increases with each change. */
  readonly revision: number
}

/** Attributes that are left out get their initial value. */
export type NewAccount = Partial<AccountValues> & Pick<AccountValues, 'name'>

export interface AccountRow extends AttributeRow {
  id: string
  created_at: Date
  revision: number
}

export const toAccount = (row: AccountRow): Account => ({
  id: row.id,
  ...fromColumns({ ...ACCOUNT_ATTRIBUTES, ...ACCOUNT_STATUS_ATTRIBUTES }, row),
  createdAt: row.created_at,
  revision: row.revision,
})

/** @throws KeywrightError `invalid_input` with the error of each value at its attribute */
export const checkAccountValues = (values: Partial<AccountValues>): void => checkValues(ACCOUNT_ATTRIBUTES, values)

async function checkAccount(db: Knex, values: Partial<AccountValues>): Promise<void> {
  checkAccountValues(values)
  await checkNotInstanceName(db, 'an account name', values.name)
}

/** @throws KeywrightError `invalid_input`, for example for a name that looks like the instance's; `conflict` (the external ID is taken) */
export async function createAccount(db: Knex, values: NewAccount): Promise<Account> {
  const account = normalizedValues(ACCOUNT_ATTRIBUTES, { ...initialValues(ACCOUNT_ATTRIBUTES), ...values })
  await checkAccount(db, account)
  const row = { id: newId(), ...toColumns(ACCOUNT_ATTRIBUTES, account) }
  const [created] = await unlessExternalIdTaken('accounts', () =>
    db('accounts').insert(row).returning<AccountRow[]>('*'),
  )
  return toAccount(created!)
}

/** @throws KeywrightError as `createAccount` */
export async function addAccount(knex: Knex, values: NewAccount, actor: Actor): Promise<Account> {
  return await knex.transaction(async (trx) => {
    const account = await createAccount(trx, values)
    await recordAudit(trx, actor, accountEntry('account.created', account, { name: account.name }))
    return account
  })
}

/**
 * Changes the attributes of an account; those that are left out stay.
 * @throws KeywrightError `not_found`, `invalid_input` (also without values), `conflict` (the external ID is taken), `stale`
 */
export async function saveAccount(
  knex: Knex,
  id: string,
  values: Partial<AccountValues>,
  actor: Actor,
  expected?: number,
): Promise<Account> {
  checkSomeGiven(values)
  return await knex.transaction(async (trx) => {
    const before = await lockAccount(trx, id)
    expectRevision('the account', before.revision, expected)
    const differing = differingValues(ACCOUNT_ATTRIBUTES, before, values)
    if (Object.keys(differing).length === 0) return before
    // Not the values that stay: the instance may have got the name of the account meanwhile.
    await checkAccount(trx, differing)
    const account = await unlessExternalIdTaken('accounts', () =>
      changeAccount(trx, id, toColumns(ACCOUNT_ATTRIBUTES, differing)),
    )
    const changes = changesBetween(ACCOUNT_ATTRIBUTES, before, account)
    await recordAudit(trx, actor, accountEntry('account.updated', account, { changes }))
    return account
  })
}

export async function hasAccounts(db: Knex): Promise<boolean> {
  return (await db('accounts').select(db.raw('1')).limit(1)).length > 0
}

export async function findAccountById(db: Knex, id: string): Promise<Account | undefined> {
  const row = isId(id) ? await db<AccountRow>('accounts').where({ id }).first() : undefined
  return row && toAccount(row)
}

export async function findAccountByExternalId(db: Knex, externalId: string): Promise<Account | undefined> {
  const row = await db<AccountRow>('accounts').where({ external_id: externalId }).first()
  return row && toAccount(row)
}

/** The account with the ID, or else the one with the external ID, which may look like an ID. */
export const findAccountByIdOrExternalId = async (db: Knex, idOrExternalId: string): Promise<Account | undefined> =>
  (await findAccountById(db, idOrExternalId)) ?? (await findAccountByExternalId(db, idOrExternalId))

/** @throws KeywrightError `not_found` */
export async function getAccount(db: Knex, id: string): Promise<Account> {
  const account = await findAccountById(db, id)
  if (!account) throw notFound('account', id)
  return account
}

/**
 * Locks an account exclusively and returns it; transactions that add to it wait. The row lock leaves the key readable,
 * because a transaction that has locked a client may still check the foreign key.
 * @throws KeywrightError `not_found`, `conflict` (it is being deleted)
 */
export async function lockAccount(trx: Knex, id: string): Promise<Account> {
  if (isId(id)) await lockAccountExclusive(trx, id)
  const row = isId(id) ? await trx<AccountRow>('accounts').where({ id }).forNoKeyUpdate().first() : undefined
  if (!row) throw notFound('account', id)
  if (row.status === 'deleting') throw new KeywrightError('conflict', 'the account is being deleted')
  return toAccount(row)
}

async function changeAccount(trx: Knex, id: string, change: Record<string, unknown>): Promise<Account> {
  const columns = { ...change, revision: trx.raw('revision + 1') }
  const [row] = await trx('accounts').where({ id }).update(columns).returning<AccountRow[]>('*')
  return toAccount(row!)
}

export const setAccountStatus = (trx: Knex, id: string, status: SettableStatus): Promise<Account> =>
  changeAccount(trx, id, { status, disabled_at: status === 'disabled' ? trx.fn.now() : null })

export async function markAccountDeleting(trx: Knex, id: string): Promise<void> {
  await changeAccount(trx, id, { status: 'deleting' })
}

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

/**
 * As `lockAccountWithApiShared`, for issuing a token that acts for the account: queued behind a waiting change of the account.
 * @throws KeywrightError `not_found`, `conflict` (the account or its API is disabled)
 */
export async function lockAccountForToken(trx: Knex, id: string): Promise<LockedUser> {
  await lockUserShared(trx, null, id)
  const { metadata } = await lockAccountWithApiShared(trx, id)
  return { accountId: id, metadata: { account: metadata, user: undefined } }
}

/** As `lockAccountShared`, for adding a client. @throws KeywrightError also `conflict` when the account's API is disabled */
export async function lockAccountWithApiShared(trx: Knex, id: string): Promise<Account> {
  const account = await lockAccountShared(trx, id)
  if (!account.apiEnabled) throw new KeywrightError('conflict', `the API of the account ${id} is switched off`)
  return account
}
