import { USER_ATTRIBUTES } from '../../src/accounts/user-attributes.ts'
import { GRANT_TYPES } from '../../src/clients/grant-types.ts'
import type { Attribute } from '../../src/shared/attributes.ts'

const choicesOf = ({ type }: Attribute) => {
  if (type.kind === 'choice' || type.kind === 'choices') return type.choices
  return type.kind === 'boolean' ? [type.yes, type.no].filter((choice) => choice !== undefined) : []
}

/** What the console shows of the values of an attribute. */
const valueTextsOf = (attribute: Attribute): (string | undefined)[] => [
  attribute.type.nullLabel,
  ...choicesOf(attribute).map(({ label }) => label),
]

/** Every text that is declared outside of the pages and that a translated page shows. */
export const declaredTexts = (): Set<string> =>
  new Set(
    [...valueTextsOf(USER_ATTRIBUTES.role), ...GRANT_TYPES.map(({ label }) => label)].filter(
      (text) => text !== undefined,
    ),
  )
