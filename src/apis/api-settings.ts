import { initialValues, type ValuesOf } from '../shared/attributes.ts'
import { API_ATTRIBUTES } from './api-attributes.ts'

type ApiValues = ValuesOf<typeof API_ATTRIBUTES>

/** What an operator sets of an API and may change later. */
export type ApiSettings = Omit<ApiValues, 'identifier'>

/** The defaults of a new API. */
export const DEFAULT_API_SETTINGS = initialValues(API_ATTRIBUTES) as Omit<ApiSettings, 'scopes'>

/** A new API. Settings that are absent have their defaults. */
export interface NewApi extends Pick<ApiValues, 'identifier' | 'scopes'>, Partial<Omit<ApiSettings, 'scopes'>> {
  readonly builtIn?: boolean
}
