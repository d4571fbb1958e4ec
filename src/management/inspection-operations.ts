import { PERMISSIONS } from '../accounts/permissions.ts'
import { type InspectionResult, inspectText } from '../inspection/inspect-text.ts'
import type { TokenExpectation } from '../inspection/token-finding.ts'
import { invalidInput } from '../shared/errors.ts'
import { LONGEST_INSPECTED } from '../shared/longest-inspected.ts'
import { operation } from './operation.ts'

interface Inspection extends TokenExpectation {
  readonly text: string
}

/**
 * Finds what a text is, whose it is and whether it works. An operator searches everywhere, an admin in the own account. The
 * text is neither stored nor returned.
 * @throws KeywrightError `invalid_input`: the text is too long
 */
export const inspect = operation<Inspection, InspectionResult>(
  PERMISSIONS.viewTokens,
  async ({ knex }, { role, accountId }, { text, ...expected }) => {
    if (Buffer.byteLength(text) > LONGEST_INSPECTED)
      throw invalidInput(`the text is longer than ${LONGEST_INSPECTED / 1024} KiB`, 'text')
    return await inspectText({ knex, account: role === 'operator' ? null : accountId, expected }, text)
  },
)
