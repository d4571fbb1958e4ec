import { type AttributeRow, asJsonArguments, fromColumns, toColumns } from '../shared/attribute-columns.ts'
import { initialValues, type ValuesOf } from '../shared/attributes.ts'
import { CLIENT_ATTRIBUTES, PROTOCOL_ATTRIBUTES } from './client-attributes.ts'

/** The settings of a client, without its identity. */
export type ClientSettings = ValuesOf<typeof CLIENT_ATTRIBUTES>

/** The columns of `clients` that hold settings. */
export type SettingsRow = AttributeRow

/** The defaults of a new client. */
export const DEFAULT_SETTINGS = initialValues(CLIENT_ATTRIBUTES) as Omit<ClientSettings, 'name' | 'grants'>

export const DEFAULT_PROTOCOL_SETTINGS = initialValues(PROTOCOL_ATTRIBUTES)

export const toSettings = (row: SettingsRow): ClientSettings => fromColumns(CLIENT_ATTRIBUTES, row)

export const settingsColumns = (settings: ClientSettings): SettingsRow => toColumns(CLIENT_ATTRIBUTES, settings)

/** SQL: the settings of a cached registration, from `clients c`, as arguments of `json_build_object`. */
export const SETTINGS_AS_JSON = asJsonArguments(PROTOCOL_ATTRIBUTES, 'c')
