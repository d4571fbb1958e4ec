import { ACCOUNT_ATTRIBUTES, ACCOUNT_STATUS_ATTRIBUTES } from '../../src/accounts/account-attributes.ts'
import { USER_ATTRIBUTES } from '../../src/accounts/user-attributes.ts'
import { API_ATTRIBUTES } from '../../src/apis/api-attributes.ts'
import { GRANT_TYPES } from '../../src/clients/grant-types.ts'
import { LANGUAGES } from '../../src/languages/languages.ts'
import { type Attribute, type Attributes, entriesOf } from '../../src/shared/attributes.ts'

const choicesOf = ({ type }: Attribute) => {
  if (type.kind === 'choice' || type.kind === 'choices') return type.choices
  return type.kind === 'boolean' ? [type.yes, type.no].filter((choice) => choice !== undefined) : []
}

/** What the console shows of attributes: in a form, on a detail page and in the activity log. */
const attributeTextsOf = (attributes: Attributes): (string | undefined)[] =>
  entriesOf(attributes).flatMap(([, one]) => [
    one.label,
    one.hint,
    one.opposite?.label,
    one.opposite?.hint,
    one.type.nullLabel,
    ...choicesOf(one).flatMap(({ label, hint }) => [label, hint]),
  ])

const ATTRIBUTES = [ACCOUNT_ATTRIBUTES, ACCOUNT_STATUS_ATTRIBUTES, USER_ATTRIBUTES, API_ATTRIBUTES]

/** Languages are named in the language itself. */
const LANGUAGE_NAMES: ReadonlySet<string> = new Set(LANGUAGES.map(({ name }) => name))

/** Every text that is declared outside of the pages and that a translated page shows. */
export const declaredTexts = (): Set<string> =>
  new Set(
    [...ATTRIBUTES.flatMap(attributeTextsOf), ...GRANT_TYPES.map(({ label }) => label)].filter(
      (text) => text !== undefined && !LANGUAGE_NAMES.has(text),
    ) as string[],
  )
