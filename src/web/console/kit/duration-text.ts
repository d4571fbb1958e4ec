const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

const NUMBER = new Intl.NumberFormat('en')

/** Exactly, in the largest unit that needs no fraction: `10 hours`, `90 minutes`. */
export function durationInWords(seconds: number): string {
  const [unit, size] = UNITS.find(([, one]) => seconds % one === 0)!
  const count = seconds / size
  return `${NUMBER.format(count)} ${unit}${count === 1 ? '' : 's'}`
}
