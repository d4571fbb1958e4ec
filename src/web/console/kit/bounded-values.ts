import type { TextValues } from '../../../languages/translator.ts'
import type { Bounded } from '../../../management/bounded-counts.ts'

/**
 * The values `count` and `more` of a message whose verb agrees with a count that stops somewhere:
 * `{more, select, yes {more than } other {}}{count, plural, one {…} other {…}}`.
 */
export const boundedValues = ({ count, isMore }: Bounded): TextValues => ({ count, more: isMore ? 'yes' : 'no' })
