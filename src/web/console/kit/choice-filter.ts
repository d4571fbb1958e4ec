import { type Attribute, isOperatorChoice } from '../../../shared/attributes.ts'
import type { Filter } from './list-page.ts'

/** The filter of a list by a choice. @param all the label that stands for no filter: `All statuses` */
export function choiceFilter(name: string, attribute: Attribute, all: string, isOperator: boolean): Filter {
  const { type, label } = attribute
  const choices = type.kind === 'choice' ? type.choices : []
  const offered = choices.filter(({ value }) => isOperator || !isOperatorChoice(attribute, value))
  return { name, label, choices: [{ value: '', label: all }, ...offered.map(({ value, label }) => ({ value, label }))] }
}
