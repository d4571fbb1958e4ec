import type { Knex } from 'knex'
import { type FieldError, invalidFields, notFound } from '../shared/errors.ts'
import { nameError, textError } from '../shared/names.ts'
import { type Api, findApis } from './apis.ts'

/** What a person reads of a scope before they allow it. */
export interface ScopeText {
  /** 1 to 100 characters. */
  readonly title: string
  /** At most 500 characters; may be empty. */
  readonly description: string
}

/** A scope of an API, which is named by its identifier, with its text. */
export interface DescribedScope extends ScopeText {
  readonly api: string
  readonly scope: string
}

const descriptionError = (description: string): string | undefined =>
  [...description].length > 500
    ? "a scope's description has at most 500 characters"
    : textError("a scope's description", description)

function checkText({ title, description }: ScopeText): void {
  const messages = { title: nameError("a scope's title", title, 100), description: descriptionError(description) }
  const fieldErrors = Object.entries(messages).flatMap(([field, message]): FieldError[] =>
    message ? [{ field, message }] : [],
  )
  if (fieldErrors.length > 0) throw invalidFields(fieldErrors)
}

/** Says, anew where it was said before, what a scope means. @throws KeywrightError `not_found`, `invalid_input` */
export async function describeScope(trx: Knex, identifier: string, scope: string, text: ScopeText): Promise<void> {
  checkText(text)
  const [api] = await findApis(trx, [identifier])
  if (!api!.scopes.includes(scope)) throw notFound(`scope of ${identifier}`, scope)
  const { title, description } = text
  await trx('scope_texts')
    .insert({ api_id: api!.id, scope, title, description })
    .onConflict(['api_id', 'scope'])
    .merge(['title', 'description'])
}

/** Of scopes that the API has no more: one that comes back is another one. */
export async function deleteScopeTexts(trx: Knex, { id }: Api, scopes: readonly string[]): Promise<void> {
  await trx('scope_texts').where('api_id', id).whereIn('scope', scopes).delete()
}

const TEXTS = `
  SELECT w.api, w.scope, coalesce(t.title, w.scope) AS title, coalesce(t.description, '') AS description
    FROM unnest(?::text[], ?::text[]) WITH ORDINALITY AS w (api, scope, position)
    LEFT JOIN apis a ON a.identifier = w.api
    LEFT JOIN scope_texts t ON t.api_id = a.id AND t.scope = w.scope
   ORDER BY w.position`

/** The texts of the scopes of some APIs, by identifier, in that order. One without a text is called by its name. */
export async function scopeTexts(
  db: Knex,
  wanted: Readonly<Record<string, readonly string[]>>,
): Promise<DescribedScope[]> {
  const pairs = Object.entries(wanted).flatMap(([api, scopes]) => scopes.map((scope) => ({ api, scope })))
  const { rows } = await db.raw(TEXTS, [pairs.map(({ api }) => api), pairs.map(({ scope }) => scope)])
  return rows
}
