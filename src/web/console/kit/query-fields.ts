import type { Sort } from '../../../management/list-order.ts'
import type { PageRequest } from '../../../management/paging.ts'
import { invalidInput } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'

/** The value of a query parameter; undefined when empty. */
export const givenIn = (query: Form, name: string): string | undefined => query.get(name)?.trim() || undefined

/** One of a few values, or none. @throws KeywrightError `invalid_input` for what no filter of ours offers */
export function choiceIn<const Value extends string>(
  query: Form,
  name: string,
  values: readonly Value[],
): Value | undefined {
  const given = givenIn(query, name)
  if (given === undefined) return undefined
  const value = values.find((one) => one === given)
  if (!value) throw invalidInput(`unknown value for the filter ${name}`, name)
  return value
}

/** A day as `<input type="date">` sends it: its beginning (UTC). @throws KeywrightError `invalid_input` */
export function dayIn(query: Form, name: string): Date | undefined {
  const given = givenIn(query, name)
  if (given === undefined) return undefined
  const day = new Date(`${given}T00:00:00Z`)
  // February 30 would become March 2.
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(given) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(given)
  if (!isDay) throw invalidInput('enter a date as YYYY-MM-DD, such as 2026-01-31', name)
  return day
}

/** The part of a list that the address names, with the number of its items. */
export const pageIn = (query: Form): PageRequest => ({
  after: givenIn(query, 'after'),
  before: givenIn(query, 'before'),
  counted: true,
})

/** How the list is sorted: by one of these, or with a minus the other way round. @throws KeywrightError `invalid_input` */
export const sortIn = <const Name extends string>(
  query: Form,
  names: readonly Name[],
  initial: Sort<NoInfer<Name>>,
): Sort<Name> =>
  choiceIn(
    query,
    'sort',
    names.flatMap((name): Sort<Name>[] => [name, `-${name}`]),
  ) ?? initial
