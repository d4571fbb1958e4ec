import { ENGLISH } from '../languages/languages.ts'
import { momentsIn } from '../languages/moments.ts'

/** A moment as its partial draws it, in English. */
export const momentOf = momentsIn(ENGLISH, 'just now')

const plural = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`

/** A waiting time as text, rounded up so that a retry after it succeeds. */
export function waitInWords(seconds: number): string {
  if (seconds < 60) return plural(Math.max(1, Math.ceil(seconds)), 'second')
  if (seconds < 3600) return plural(Math.ceil(seconds / 60), 'minute')
  return plural(Math.ceil(seconds / 3600), 'hour')
}
