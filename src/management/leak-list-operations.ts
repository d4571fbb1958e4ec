import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { recordAudit } from '../audit/audit-log.ts'
import { type Leak, type LeakRow, toLeak } from '../leaks/leaks.ts'
import { notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { idKey, momentKey } from './list-order.ts'
import { operation } from './operation.ts'
import { type PagedRow, type PageOf, type PageRequest, readPage } from './paging.ts'
import type { Principal } from './principal.ts'
import { checkTenant } from './tenant-isolation.ts'

/** A report of a leaked credential, with its client; null: the client was deleted. */
export interface LeakOfClient extends Leak {
  readonly client: { readonly clientId: string; readonly name: string; readonly kind: string } | null
  readonly accountName: string | null
  /** The console shows a banner: nobody has dismissed the report, and the secret is not replaced. */
  readonly isOpen: boolean
}

interface LeakOfClientRow extends LeakRow, PagedRow {
  client_identifier: string | null
  client_name: string
  client_kind: string
  account_name: string | null
  is_open: boolean
}

const toLeakOfClient = (row: LeakOfClientRow): LeakOfClient => ({
  ...toLeak(row),
  client:
    row.client_identifier === null
      ? null
      : { clientId: row.client_identifier, name: row.client_name, kind: row.client_kind },
  accountName: row.account_name,
  isOpen: row.is_open,
})

const ORDER = { keys: [momentKey('leaks.reported_at'), idKey('leaks.id')], isDescending: true }

/** PostgreSQL would answer EXISTS for a page by reading whole tables; a scalar subquery looks up one row each. */
const COLUMNS = `
  leaks.*, c.client_id AS client_identifier, c.name AS client_name, c.kind AS client_kind, a.name AS account_name,
  (SELECT true FROM open_leaks o WHERE o.id = leaks.id) IS NOT NULL AS is_open`

/** Joins the client and account of the reports that a query selects. */
const withClient = (knex: Knex, query: Knex.QueryBuilder): Knex.QueryBuilder =>
  query
    .leftJoin('clients AS c', 'c.id', 'leaks.client_id')
    .leftJoin('accounts AS a', 'a.id', 'leaks.account_id')
    .select(knex.raw(COLUMNS))

/** The latest first: those of the own account; for an operator all. */
export const listLeaks = operation<PageRequest, PageOf<LeakOfClient>>(
  PERMISSIONS.viewTokens,
  async ({ knex }, { role, accountId }, request) => {
    const base = knex('leaks')
    if (role !== 'operator') base.where('leaks.account_id', accountId)
    const select = (query: Knex.QueryBuilder) => withClient(knex, query)
    return await readPage<LeakOfClientRow, LeakOfClient>(knex, { base, order: ORDER }, request, select, toLeakOfClient)
  },
)

interface LeakSelector {
  readonly leakId: string
}

/** @throws KeywrightError `not_found` */
async function leakFor(knex: Knex, principal: Principal, leakId: string): Promise<LeakOfClient> {
  const row: LeakOfClientRow | undefined = isId(leakId)
    ? await withClient(knex, knex('leaks').where('leaks.id', leakId)).first()
    : undefined
  if (!row) throw notFound('leak report', leakId)
  checkTenant(principal, row.account_id, 'leak report', leakId)
  return toLeakOfClient(row)
}

export const readLeak = operation<LeakSelector, LeakOfClient>(
  PERMISSIONS.viewTokens,
  async ({ knex }, principal, { leakId }) => await leakFor(knex, principal, leakId),
)

/** Hides the banner of a report. Dismissing it again changes nothing. @throws KeywrightError `not_found` */
export const dismissLeak = operation<LeakSelector, void>(
  PERMISSIONS.dismissLeaks,
  async ({ knex }, principal, { leakId }) => {
    await knex.transaction(async (trx) => {
      const { kind, accountId, client } = await leakFor(trx, principal, leakId)
      const change = { dismissed_at: trx.fn.now() }
      if ((await trx('leaks').where({ id: leakId }).whereNull('dismissed_at').update(change)) === 0) return
      await recordAudit(trx, principal.actor, {
        action: 'leak.dismissed',
        target: { type: 'client', id: client?.clientId ?? leakId },
        accountId,
        detail: { kind },
      })
    })
  },
)
