import { MAX_PATTERN_LENGTH } from '../shared/claim-patterns.ts'
import { invalidInput } from '../shared/errors.ts'

/** What a claim of a workload's token must be. */
export interface TrustCondition {
  readonly claim: string
  /** Patterns; one must match; `*` stands for any text. */
  readonly anyOf: readonly string[]
}

/** `claim=pattern` as conditions; a claim that is named several times has several patterns. @throws KeywrightError `invalid_input` */
export function conditionsIn(entries: readonly string[]): TrustCondition[] {
  const conditions = new Map<string, string[]>()
  for (const entry of entries) {
    const at = entry.indexOf('=')
    if (at < 1 || entry.length > MAX_PATTERN_LENGTH + 300)
      throw invalidInput(
        `${entry.slice(0, 100)} is not a claim and a pattern, such as repository=octo-org/app`,
        'trustConditions',
      )
    const claim = entry.slice(0, at).trim()
    conditions.set(claim, [...(conditions.get(claim) ?? []), entry.slice(at + 1).trim()])
  }
  return [...conditions].map(([claim, anyOf]) => ({ claim, anyOf }))
}

/** The conditions as `claim=pattern`, for people. */
export const conditionTexts = (conditions: readonly TrustCondition[]): string[] =>
  conditions.flatMap(({ claim, anyOf }) => anyOf.map((pattern) => `${claim}=${pattern}`))
