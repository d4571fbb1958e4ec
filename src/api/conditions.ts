import type { Context } from 'koa'
import { ProblemError } from './problems.ts'
import { type ApiRoute, isConditional } from './route.ts'

/** A revision as a strong entity tag (RFC 9110, section 8.8.3). */
export const etagOf = (revision: number): string => `"${revision}"`

/** No resource has this revision. */
const NO_REVISION = 0

/**
 * The revision in `If-Match`; undefined for `*`, which matches any revision. A weak tag, or one that Keywright never
 * sent, matches no revision (RFC 9110, section 13.1.1).
 * @throws ProblemError `precondition_required`, `invalid_input`
 */
export function readIfMatch(ctx: Context, route: ApiRoute): number | undefined {
  const given = ctx.get('if-match').trim()
  if (!isConditional(route) && (!route.checksIfMatch || given === '')) return undefined
  if (given === '') {
    throw new ProblemError(
      'precondition_required',
      'send the ETag of the last read in the If-Match header, or * to change any revision',
    )
  }
  if (given === '*') return undefined
  if (/",/.test(given)) throw new ProblemError('invalid_input', 'If-Match must hold one entity tag')
  const [, revision] = /^"([1-9]\d{0,8})"$/.exec(given) ?? []
  return revision ? Number(revision) : NO_REVISION
}
