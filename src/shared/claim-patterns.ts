/** Characters of a pattern. */
export const MAX_PATTERN_LENGTH = 300

/** Wildcards of a pattern. */
const MAX_WILDCARDS = 5

/** What is wrong with a pattern; undefined: nothing. */
export function patternError(pattern: string): string | undefined {
  if (pattern.length === 0 || pattern.length > MAX_PATTERN_LENGTH)
    return `a pattern has 1 to ${MAX_PATTERN_LENGTH} characters`
  if (/\p{Cc}/u.test(pattern)) return 'a pattern has no control characters'
  if (!/[^*]/.test(pattern)) return 'a pattern of wildcards alone matches every value'
  return pattern.split('*').length - 1 > MAX_WILDCARDS ? `a pattern has at most ${MAX_WILDCARDS} wildcards` : undefined
}

/**
 * Whether a value has the form of a pattern, in which `*` stands for any text, also an empty one. Each part is searched once, from the left, so
 * that the time is linear in the value for each part.
 */
export function matchesPattern(pattern: string, value: string): boolean {
  const [first = '', ...parts] = pattern.split('*')
  const last = parts.pop()
  if (last === undefined) return value === pattern
  if (!value.startsWith(first) || !value.endsWith(last) || value.length < first.length + last.length) return false
  const end = value.length - last.length
  let from = first.length
  for (const part of parts) {
    const at = value.indexOf(part, from)
    if (at < 0 || at + part.length > end) return false
    from = at + part.length
  }
  return true
}
