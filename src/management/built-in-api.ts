import type { Knex } from 'knex'
import { findApi } from '../apis/apis.ts'
import type { Actor } from '../audit/audit-log.ts'
import { isUpToDate, type Texts } from './built-in-api-state.ts'

/**
 * Creates the built-in API with the scopes of this version, or updates it to them. Several nodes may call this at the same
 * time. The API has no client, because nothing introspects for it.
 */
export async function ensureBuiltInApi(knex: Knex, identifier: string, texts: Texts, actor: Actor): Promise<void> {
  if (await isUpToDate(knex, await findApi(knex, identifier), texts)) return
  // Nearly every start finds nothing to change.
  const { changeBuiltInApi } = await import('./built-in-api-changes.ts')
  await changeBuiltInApi(knex, identifier, texts, actor)
}
