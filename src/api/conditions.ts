import type { Context } from 'koa'
import { ProblemError } from './problems.ts'
import { type ApiRoute, isConditional } from './route.ts'

/** A revision as a strong validator (RFC 9110, section 8.8.3). */
export const etagOf = (revision: number): string => `"${revision}"`

/** No revision is ever this one. */
const NO_REVISION = 0

/**
 * The revision that a change is for; undefined for `*`, which is whatever there is. A tag that we never gave, or a weak
 * one, is nobody's present one (RFC 9110, section 13.1.1).
 * @throws ProblemError `precondition_required`, `invalid_input`
 */
export function readIfMatch(ctx: Context, route: ApiRoute): number | undefined {
  if (!isConditional(route)) return undefined
  const given = ctx.get('if-match').trim()
  if (given === '') {
    throw new ProblemError(
      'precondition_required',
      'send the ETag of what you read in If-Match, or * for whatever is there',
    )
  }
  if (given === '*') return undefined
  if (/",/.test(given)) throw new ProblemError('invalid_input', 'If-Match names one entity tag here')
  const [, revision] = /^"([1-9]\d{0,8})"$/.exec(given) ?? []
  return revision ? Number(revision) : NO_REVISION
}
