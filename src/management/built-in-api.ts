import { isDeepStrictEqual } from 'node:util'
import type { Knex } from 'knex'
import { BUILT_IN_API_ATTRIBUTES } from '../apis/api-attributes.ts'
import { type ApiSettings, DEFAULT_API_SETTINGS } from '../apis/api-settings.ts'
import { type Api, findApi, insertApi, lockApi, saveApi } from '../apis/apis.ts'
import { deleteScopeTexts, describeScope, type ScopeText, scopeTexts } from '../apis/scope-texts.ts'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import { removeScopesFromClients } from '../clients/client-apis.ts'
import { lockAllClientsExclusive } from '../clients/client-locks.ts'
import { createdEntry, updatedEntry } from './api-changes.ts'
import { narrowInTransaction, revokeRemovedScopes } from './narrowing.ts'

type Texts = Readonly<Record<string, ScopeText>>

/** The settings that operators cannot change. */
const FIXED = Object.fromEntries(
  Object.entries(DEFAULT_API_SETTINGS).filter(([name]) => !Object.hasOwn(BUILT_IN_API_ATTRIBUTES, name)),
) as Partial<ApiSettings>

async function isUpToDate(db: Knex, api: Api | undefined, texts: Texts): Promise<boolean> {
  const scopes = Object.keys(texts)
  if (!api?.builtIn || !isDeepStrictEqual([...api.scopes].sort(), [...scopes].sort())) return false
  const present = await scopeTexts(db, { [api.identifier]: scopes })
  return present.every(({ scope, title, description }) => isDeepStrictEqual({ title, description }, texts[scope]))
}

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

/**
 * Creates the built-in API with the scopes of this version, or updates it to them. Several nodes may call this at the same
 * time. The API has no client, because nothing introspects for it.
 */
export async function ensureBuiltInApi(knex: Knex, identifier: string, texts: Texts, actor: Actor): Promise<void> {
  if (await isUpToDate(knex, await findApi(knex, identifier), texts)) return
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
