import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type Attribute, isOperatorChoice } from '../../../shared/attributes.ts'
import type { Filter } from './list-page.ts'

/** The filter of a list by a choice. @param all the label that stands for no filter: `All statuses` */
export function choiceFilter(
  t: ConsoleTranslate,
  name: string,
  attribute: Attribute,
  all: ConsoleText,
  isOperator: boolean,
): Filter {
  const { type, label } = attribute
  const choices = type.kind === 'choice' ? type.choices : []
  const offered = choices.filter(({ value }) => isOperator || !isOperatorChoice(attribute, value))
  const labelled = offered.map((one) => ({ value: one.value, label: t.declared(one.label) }))
  return { name, label: t.declared(label), choices: [{ value: '', label: t(all) }, ...labelled] }
}
