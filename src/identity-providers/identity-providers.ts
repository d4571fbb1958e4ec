import type { Knex } from 'knex'
import type { AuditEntry } from '../audit/audit-log.ts'
import { type AttributeRow, fromColumns, toColumns } from '../shared/attribute-columns.ts'
import { type AttributeChange, changesOfNew, type ValuesOf } from '../shared/attributes.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { isId, newId } from '../shared/ids.ts'
import { IDENTITY_PROVIDER_ATTRIBUTES, IDENTITY_PROVIDER_STATUS } from './identity-provider-attributes.ts'

export type IdentityProviderValues = ValuesOf<typeof IDENTITY_PROVIDER_ATTRIBUTES>

/** An OpenID provider through which users sign in. */
export interface IdentityProvider extends IdentityProviderValues, ValuesOf<typeof IDENTITY_PROVIDER_STATUS> {
  readonly id: string
  /** Null: of the instance. */
  readonly accountId: string | null
  /** A session that began with another number is over. */
  readonly revocationEpoch: number
  readonly createdAt: Date
  /** Increases with each change. */
  readonly revision: number
}

export interface IdentityProviderRow extends AttributeRow {
  id: string
  account_id: string | null
  revocation_epoch: number
  sealed_client_secret: Buffer
  created_at: Date
  revision: number
}

export const toIdentityProvider = (row: IdentityProviderRow): IdentityProvider => ({
  id: row.id,
  accountId: row.account_id,
  ...fromColumns({ ...IDENTITY_PROVIDER_ATTRIBUTES, ...IDENTITY_PROVIDER_STATUS }, row),
  revocationEpoch: row.revocation_epoch,
  createdAt: row.created_at,
  revision: row.revision,
})

/** The sign-in page has a button for each provider of the instance. */
export const MAX_IDENTITY_PROVIDERS = 20

/** Waits for others who add a provider to the same account. @throws KeywrightError `conflict` */
async function checkHasRoom(trx: Knex, accountId: string | null): Promise<void> {
  await trx.raw('SELECT pg_advisory_xact_lock(hashtext(?))', [`keywright identity providers of ${accountId}`])
  const [row] = await trx('identity_providers').where({ account_id: accountId }).count({ count: '*' })
  if (Number(row!.count) < MAX_IDENTITY_PROVIDERS) return
  const whose = accountId === null ? 'the instance' : 'an account'
  throw new KeywrightError(
    'conflict',
    `${whose} has at most ${MAX_IDENTITY_PROVIDERS} identity providers; delete one first`,
  )
}

/**
 * @param id of a provider that is not added yet
 * @throws KeywrightError `conflict` (there are too many, or a provider has the ID)
 */
export async function insertIdentityProvider(
  trx: Knex,
  accountId: string | null,
  values: IdentityProviderValues,
  sealSecret: (id: string) => Buffer,
  id = newId(),
): Promise<IdentityProvider> {
  await checkHasRoom(trx, accountId)
  const columns = toColumns(IDENTITY_PROVIDER_ATTRIBUTES, values)
  const [created] = await trx('identity_providers')
    .insert({ id, account_id: accountId, ...columns, sealed_client_secret: sealSecret(id) })
    .onConflict('id')
    .ignore()
    .returning<IdentityProviderRow[]>('*')
  if (!created) throw new KeywrightError('conflict', 'this identity provider was added already')
  return toIdentityProvider(created)
}

/** A provider with its client secret, sealed. Undefined: unknown. */
export async function findIdentityProvider(
  db: Knex,
  id: string,
): Promise<{ provider: IdentityProvider; sealedSecret: Buffer } | undefined> {
  const row = isId(id) ? await db<IdentityProviderRow>('identity_providers').where({ id }).first() : undefined
  return row && { provider: toIdentityProvider(row), sealedSecret: row.sealed_client_secret }
}

/** @throws KeywrightError `not_found` */
export async function getIdentityProvider(db: Knex, id: string): Promise<IdentityProvider> {
  const found = await findIdentityProvider(db, id)
  if (!found) throw notFound('identity provider', id)
  return found.provider
}

// Advisory locks are granted in order. Shared row locks starve a waiting exclusive lock, so that an application which presents
// assertions without pause could keep the provider from being disabled.
const PROVIDERS = 0x4b5a

/**
 * A provider whose assertions are accepted, shared with other issuers of tokens, so that nothing ends them in this transaction.
 * Undefined: they are not accepted (any more).
 */
export async function lockAssertingProviderShared(trx: Knex, id: string): Promise<IdentityProvider | undefined> {
  await trx.raw('SELECT pg_advisory_xact_lock_shared(?, hashtext(?))', [PROVIDERS, id])
  const asserting = { id, status: 'enabled', identity_assertions: true }
  const [row] = await trx<IdentityProviderRow>('identity_providers')
    .where(asserting as never)
    .forShare()
  return row && toIdentityProvider(row)
}

/** The provider, locked until the transaction ends. @throws KeywrightError `not_found` */
export async function lockIdentityProvider(trx: Knex, id: string): Promise<IdentityProvider> {
  if (isId(id)) await trx.raw('SELECT pg_advisory_xact_lock(?, hashtext(?))', [PROVIDERS, id])
  const row = isId(id)
    ? await trx<IdentityProviderRow>('identity_providers').where({ id }).forUpdate().first()
    : undefined
  if (!row) throw notFound('identity provider', id)
  return toIdentityProvider(row)
}

async function changeRow(trx: Knex, id: string, change: Record<string, unknown>): Promise<IdentityProvider> {
  const columns = { ...change, revision: trx.raw('revision + 1') }
  const [row] = await trx('identity_providers').where({ id }).update(columns).returning<IdentityProviderRow[]>('*')
  return toIdentityProvider(row!)
}

/** @param sealedSecret absent: the present one stays */
export const saveIdentityProvider = (
  trx: Knex,
  id: string,
  values: Partial<IdentityProviderValues>,
  sealedSecret?: Buffer,
): Promise<IdentityProvider> =>
  changeRow(trx, id, {
    ...toColumns(IDENTITY_PROVIDER_ATTRIBUTES, values),
    ...(sealedSecret && { sealed_client_secret: sealedSecret }),
  })

/** Disabling ends the sessions that began with the provider, for good. */
export const saveIdentityProviderStatus = (
  trx: Knex,
  id: string,
  status: IdentityProvider['status'],
): Promise<IdentityProvider> =>
  changeRow(trx, id, { status, ...(status === 'disabled' && { revocation_epoch: trx.raw('revocation_epoch + 1') }) })

/** Its domains and the identities of its users go with it, and thereby the sessions that began with it. */
export async function deleteIdentityProvider(trx: Knex, id: string): Promise<void> {
  await trx('identity_providers').where({ id }).delete()
}

/** The enabled providers of the instance, as the sign-in page lists them. */
export async function listOfferedProviders(db: Knex): Promise<{ id: string; name: string }[]> {
  return await db('identity_providers')
    .where({ status: 'enabled', account_id: null })
    .orderBy(['created_at', 'id'])
    .limit(MAX_IDENTITY_PROVIDERS)
    .select('id', 'name')
}

/** The audit event of a change of an identity provider. */
export const identityProviderEntry = (
  action: string,
  { id, accountId, name }: IdentityProvider,
  detail: Record<string, unknown> = {},
): AuditEntry => ({ action, target: { type: 'identity_provider', id }, accountId, detail: { name, ...detail } })

export const changesOfNewIdentityProvider = (provider: IdentityProvider): Record<string, AttributeChange> =>
  changesOfNew(IDENTITY_PROVIDER_ATTRIBUTES, provider)
