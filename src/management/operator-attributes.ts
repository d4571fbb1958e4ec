import { type Attributes, entriesOf } from '../shared/attributes.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { Principal } from './principal.ts'

/** @throws KeywrightError `forbidden` if somebody who is no operator filters by an attribute that only operators read */
export function checkMayFilterByExternalId({ role }: Principal, externalId: string | undefined): void {
  if (externalId !== undefined && role !== 'operator')
    throw new KeywrightError('forbidden', 'only an operator can filter by external ID')
}

/** @throws KeywrightError `forbidden` if somebody who is no operator gives an attribute that only operators set */
export function checkOperatorAttributes({ role }: Principal, attributes: Attributes, values: object): void {
  if (role === 'operator') return
  const given = values as Readonly<Record<string, unknown>>
  const found = entriesOf(attributes).find(([name, { operatorOnly }]) => operatorOnly && given[name] !== undefined)
  if (found) throw new KeywrightError('forbidden', `only an operator can set the ${found[1].label.toLowerCase()}`)
}
