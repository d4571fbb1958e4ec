import type { Bounded } from '../../../management/bounded-counts.ts'

const NUMBER = new Intl.NumberFormat('en')

/** `1 active token`, `1,200 active tokens`. @param what in the singular */
export const counted = (count: number, what: string, plural = `${what}s`): string =>
  `${NUMBER.format(count)} ${count === 1 ? what : plural}`

/** The same of a count that stops somewhere: `more than 1,000 active tokens`. */
export const countedUpTo = ({ count, isMore }: Bounded, what: string, plural?: string): string =>
  isMore ? `more than ${counted(count, what, plural)}` : counted(count, what, plural)
