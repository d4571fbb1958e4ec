import { isDeepStrictEqual } from 'node:util'
import type { Knex } from 'knex'
import { type Api, findApi, insertApi, lockApi, saveApi } from '../apis/apis.ts'
import { deleteScopeTexts, describeScope, type ScopeText, scopeTexts } from '../apis/scope-texts.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { withdrawScopes } from '../clients/client-apis.ts'
import { lockAllClientsExclusive } from '../clients/client-locks.ts'
import { narrowInTransaction, revokeRemovedScopes } from './narrowing.ts'

type Texts = Readonly<Record<string, ScopeText>>

/** How one begins; its lifetime is the operator's to change. */
const FIRST = { tokenTtl: 3600, policy: 'none', signingAlg: 'ES256', tokenType: 'at+jwt', isDefault: false } as const

const FIXED = {
  policy: FIRST.policy,
  signingAlg: FIRST.signingAlg,
  tokenType: FIRST.tokenType,
  isDefault: false,
  builtIn: true,
} as const

async function isAsWanted(db: Knex, api: Api | undefined, texts: Texts): Promise<boolean> {
  const scopes = Object.keys(texts)
  if (!api?.builtIn || !isDeepStrictEqual([...api.scopes].sort(), [...scopes].sort())) return false
  const present = await scopeTexts(db, { [api.identifier]: scopes })
  return present.every(({ scope, title, description }) => isDeepStrictEqual({ title, description }, texts[scope]))
}

/** Clients that ask for a scope by default that has gone are refused it, and keep the rest: a start must not fail on that. */
async function bringUp(trx: Knex, identifier: string, scopes: readonly string[]): Promise<void> {
  await revokeRemovedScopes(trx, identifier, scopes, 'wait')
  await lockAllClientsExclusive(trx)
  const before = await lockApi(trx, identifier)
  await revokeRemovedScopes(trx, identifier, scopes, 'nowait')
  await saveApi(trx, before, { ...FIXED, scopes })
  const removed = before.scopes.filter((scope) => !scopes.includes(scope))
  await withdrawScopes(trx, before, removed)
  await deleteScopeTexts(trx, before, removed)
}

/**
 * Declares an API of Keywright's own with the scopes that this version has, or brings it up to them. Any number of nodes
 * may call it at once. It has no client: nobody introspects for it.
 */
export async function ensureBuiltInApi(knex: Knex, identifier: string, texts: Texts, actor: Actor): Promise<void> {
  if (await isAsWanted(knex, await findApi(knex, identifier), texts)) return
  await narrowInTransaction(knex, async (trx) => {
    await trx.raw('SELECT pg_advisory_xact_lock(hashtext(?))', [`keywright built-in API ${identifier}`])
    const present = await findApi(trx, identifier)
    if (await isAsWanted(trx, present, texts)) return
    const scopes = Object.keys(texts)
    if (present) await bringUp(trx, identifier, scopes)
    else await insertApi(trx, { ...FIRST, identifier, scopes, builtIn: true })
    for (const [scope, text] of Object.entries(texts)) await describeScope(trx, identifier, scope, text)
    const action = present ? 'api.updated' : 'api.created'
    await recordAudit(trx, actor, { action, target: { type: 'api', id: identifier }, detail: { scopes } })
  })
}
