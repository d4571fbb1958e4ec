import type { Knex } from 'knex'
import { invalidInput } from '../shared/errors.ts'

/** Characters. */
const LONGEST = 200

/** The separators of `search_words` in the database, and the operators of its query language. */
const BETWEEN_WORDS = /[\s!-/:-@[-`{-~]+/u

/**
 * Restricts a list to rows in which each typed word is a prefix of a word, or that have what was typed as their external ID.
 * @param table has the column `external_id`, which only operators search
 * @throws KeywrightError `invalid_input`
 */
export function narrowByWordsOrExternalId(
  query: Knex.QueryBuilder,
  column: string,
  typed: string | undefined,
  { table, words = typed }: { readonly table: string; readonly words?: string | undefined },
): void {
  if (typed === undefined) return
  query.where((either) => {
    narrowBySearch(either, column, words)
    either.orWhere(`${table}.external_id`, typed)
  })
}

/**
 * Restricts a list to rows in which each typed word is a prefix of a word. Without words the list is not restricted.
 * @param column SQL of the indexed text
 * @throws KeywrightError `invalid_input`
 */
export function narrowBySearch(query: Knex.QueryBuilder, column: string, typed: string | undefined): void {
  if (typed === undefined) return
  if (typed.length > LONGEST) {
    throw invalidInput(`a search has at most ${LONGEST} characters`, 'search')
  }
  const words = typed.split(BETWEEN_WORDS).filter(Boolean)
  if (words.length === 0) return
  const wanted = words.map((word) => `${word}:*`).join(' & ')
  query.whereRaw(`search_words(${column}) @@ to_tsquery('simple', ?)`, [wanted])
}
