import type { Knex } from 'knex'
import { BUILT_IN_API_ATTRIBUTES } from '../apis/api-attributes.ts'
import { type ApiSettings, DEFAULT_API_SETTINGS } from '../apis/api-settings.ts'
import { findApi, insertApi, lockApi, saveApi } from '../apis/apis.ts'
import { deleteScopeTexts, describeScope } from '../apis/scope-texts.ts'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import { removeScopesFromClients } from '../clients/client-apis.ts'
import { lockAllClientsExclusive } from '../clients/client-locks.ts'
import { createdEntry, updatedEntry } from './api-changes.ts'
import { isUpToDate, type Texts } from './built-in-api-state.ts'
import { narrowInTransaction, revokeRemovedScopes } from './narrowing.ts'

/** The settings that operators cannot change. */
const FIXED = Object.fromEntries(
  Object.entries(DEFAULT_API_SETTINGS).filter(([name]) => !Object.hasOwn(BUILT_IN_API_ATTRIBUTES, name)),
) as Partial<ApiSettings>

/**
 * A client whose default scopes name a removed scope no longer gets that scope, and keeps the others. An error here would
 * stop every node from starting.
 */
async function update(trx: Knex, identifier: string, scopes: readonly string[]): Promise<AuditEntry> {
  await revokeRemovedScopes(trx, identifier, scopes, 'wait')
  await lockAllClientsExclusive(trx)
  const before = await lockApi(trx, identifier)
  await revokeRemovedScopes(trx, identifier, scopes, 'nowait')
  const after = await saveApi(trx, before, { ...FIXED, builtIn: true, scopes })
  const removed = before.scopes.filter((scope) => !scopes.includes(scope))
  await removeScopesFromClients(trx, before, removed)
  await deleteScopeTexts(trx, before, removed)
  return updatedEntry(before, after)
}

/** Creates or updates the built-in API, as `ensureBuiltInApi`. */
export async function changeBuiltInApi(knex: Knex, identifier: string, texts: Texts, actor: Actor): Promise<void> {
  await narrowInTransaction(knex, async (trx) => {
    await trx.raw('SELECT pg_advisory_xact_lock(hashtext(?))', [`keywright built-in API ${identifier}`])
    const present = await findApi(trx, identifier)
    if (await isUpToDate(trx, present, texts)) return
    const scopes = Object.keys(texts)
    const entry = present
      ? await update(trx, identifier, scopes)
      : createdEntry(await insertApi(trx, { identifier, scopes, builtIn: true }))
    for (const [scope, text] of Object.entries(texts)) await describeScope(trx, identifier, scope, text)
    await recordAudit(trx, actor, entry)
  })
}
