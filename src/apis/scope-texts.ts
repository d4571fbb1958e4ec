import type { Knex } from 'knex'
import { type FieldError, invalidFields, notFound } from '../shared/errors.ts'
import { canonicalLanguageTag } from '../shared/language-tags.ts'
import { nameError, textError } from '../shared/names.ts'
import { type Api, findApis } from './apis.ts'

/** What a person reads of a scope before they allow it. */
export interface ScopeText {
  /** 1 to 100 characters. */
  readonly title: string
  /** At most 500 characters; may be empty. */
  readonly description: string
}

/** Texts by language tag (RFC 5646). */
export type Translations = Readonly<Record<string, ScopeText>>

/** The text of a scope that is shown where there is none in the language of the page, and those in other languages. */
export interface TranslatedText extends ScopeText {
  readonly translations: Translations
}

export interface ScopeTextChange {
  /** Absent: title and description stay. */
  readonly title?: string | undefined
  /** Absent beside a title: empty. */
  readonly description?: string | undefined
  /** Null removes the text of a language; languages that are not named keep theirs. */
  readonly translations?: Readonly<Record<string, Partial<ScopeText> | null>> | undefined
}

/** Changes by scope. */
export type ScopeTextChanges = Readonly<Record<string, ScopeTextChange>>

/** A scope of an API, which is named by its identifier, with its text. */
export interface DescribedScope extends ScopeText {
  readonly api: string
  readonly scope: string
  /** The language tag of the text; null: it was entered without a language. */
  readonly language: string | null
}

/** Of one scope. */
const MAX_LANGUAGES = 30

const descriptionError = (description: string): string | undefined =>
  [...description].length > 500
    ? "a scope's description has at most 500 characters"
    : textError("a scope's description", description)

function textErrors({ title, description }: ScopeText): FieldError[] {
  const messages = { title: nameError("a scope's title", title, 100), description: descriptionError(description) }
  return Object.entries(messages).flatMap(([field, message]) => (message ? [{ field, message }] : []))
}

const translationError = (message: string): FieldError => ({ field: 'translations', message })

function translationErrors(translations: NonNullable<ScopeTextChange['translations']>): FieldError[] {
  const tags = Object.keys(translations).map(canonicalLanguageTag)
  if (new Set(tags).size < tags.length && !tags.includes(undefined))
    return [translationError('a language is named twice')]
  return Object.entries(translations).flatMap(([tag, text]) => {
    if (canonicalLanguageTag(tag) === undefined)
      return [translationError(`not a language tag (RFC 5646): ${JSON.stringify(tag.slice(0, 50))}`)]
    const { title = '', description = '' } = text ?? { title: 'removed' }
    return textErrors({ title, description }).map(({ message }) => translationError(`${tag}: ${message}`))
  })
}

/** @throws KeywrightError `invalid_input` */
function checkChange({ title, description, translations = {} }: ScopeTextChange): void {
  const isText = title !== undefined || description !== undefined
  const fieldErrors = [
    ...(isText ? textErrors({ title: title ?? '', description: description ?? '' }) : []),
    ...translationErrors(translations),
  ]
  if (fieldErrors.length > 0) throw invalidFields(fieldErrors)
}

/** @throws KeywrightError `invalid_input` */
function changeTranslations(
  present: Translations,
  changes: NonNullable<ScopeTextChange['translations']>,
): Translations {
  const next = new Map(Object.entries(present))
  for (const [tag, text] of Object.entries(changes)) {
    const language = canonicalLanguageTag(tag)!
    if (text) next.set(language, { title: text.title!, description: text.description ?? '' })
    else next.delete(language)
  }
  if (next.size > MAX_LANGUAGES)
    throw invalidFields([translationError(`a scope has texts in at most ${MAX_LANGUAGES} languages`)])
  return Object.fromEntries(next)
}

/**
 * Sets the texts of a scope that a change names. Callers that may change one scope at the same time lock its API first.
 * @throws KeywrightError `not_found`, `invalid_input`
 */
export async function describeScope(
  trx: Knex,
  identifier: string,
  scope: string,
  change: ScopeTextChange,
): Promise<void> {
  checkChange(change)
  const [api] = await findApis(trx, [identifier])
  if (!api!.scopes.includes(scope)) throw notFound(`scope of ${identifier}`, scope)
  const key = { api_id: api!.id, scope }
  const present = await trx('scope_texts').where(key).first<TranslatedText>('title', 'description', 'translations')
  const { title = present?.title ?? scope } = change
  const description = change.title === undefined ? (present?.description ?? '') : (change.description ?? '')
  const translations = changeTranslations(present?.translations ?? {}, change.translations ?? {})
  await trx('scope_texts')
    .insert({ ...key, title, description, translations: JSON.stringify(translations) })
    .onConflict(['api_id', 'scope'])
    .merge(['title', 'description', 'translations'])
}

/** Of scopes that the API has no more: one that comes back is another one. */
export async function deleteScopeTexts(trx: Knex, { id }: Api, scopes: readonly string[]): Promise<void> {
  await trx('scope_texts').where('api_id', id).whereIn('scope', scopes).delete()
}

const TEXTS = `
  SELECT w.api, w.scope, coalesce(l.text ->> 'title', t.title, w.scope) AS title,
         coalesce(l.text ->> 'description', t.description, '') AS description, l.language
    FROM unnest(?::text[], ?::text[]) WITH ORDINALITY AS w (api, scope, position)
    LEFT JOIN apis a ON a.identifier = w.api
    LEFT JOIN scope_texts t ON t.api_id = a.id AND t.scope = w.scope
    LEFT JOIN LATERAL (SELECT e.key AS language, e.value AS text FROM jsonb_each(t.translations) e
                        WHERE split_part(e.key, '-', 1) = ?::text ORDER BY length(e.key), e.key LIMIT 1) l ON true
   ORDER BY w.position`

/**
 * The texts of the scopes of some APIs, by identifier, in that order. One without a text is called by its name.
 * @param language the primary language subtag of the page: a text in exactly this language goes before one in a regional variant
 */
export async function scopeTexts(
  db: Knex,
  wanted: Readonly<Record<string, readonly string[]>>,
  language: string | null = null,
): Promise<DescribedScope[]> {
  const pairs = Object.entries(wanted).flatMap(([api, scopes]) => scopes.map((scope) => ({ api, scope })))
  const { rows } = await db.raw(TEXTS, [pairs.map(({ api }) => api), pairs.map(({ scope }) => scope), language])
  return rows
}
