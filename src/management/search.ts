import type { Knex } from 'knex'
import { invalidInput } from '../shared/errors.ts'

/** Far more than anybody types to find something. */
const LONGEST = 200

/** Everything that `search_words` of the database takes for a gap between words, and what its query language knows. */
const BETWEEN_WORDS = /[\s!-/:-@[-`{-~]+/u

/**
 * Narrows a list to what has a word that begins so, for each word typed. Nothing typed narrows nothing.
 * @param column SQL of the text, the one that is indexed
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
