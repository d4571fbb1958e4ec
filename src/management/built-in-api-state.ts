import { isDeepStrictEqual } from 'node:util'
import type { Knex } from 'knex'
import type { Api } from '../apis/apis.ts'
import { type ScopeText, scopeTexts } from '../apis/scope-texts.ts'

/** By the names of the scopes. */
export type Texts = Readonly<Record<string, ScopeText>>

/** Whether the API has the scopes of this version, with their texts. */
export async function isUpToDate(db: Knex, api: Api | undefined, texts: Texts): Promise<boolean> {
  const scopes = Object.keys(texts)
  if (!api?.builtIn || !isDeepStrictEqual([...api.scopes].sort(), [...scopes].sort())) return false
  const present = await scopeTexts(db, { [api.identifier]: scopes })
  return present.every(({ scope, title, description }) => isDeepStrictEqual({ title, description }, texts[scope]))
}
