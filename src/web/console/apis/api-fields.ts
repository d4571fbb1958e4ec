import { API_ATTRIBUTES, BUILT_IN_API_ATTRIBUTES } from '../../../apis/api-attributes.ts'
import { type ApiSettings, DEFAULT_API_SETTINGS } from '../../../apis/api-settings.ts'
import type { ScopeText } from '../../../apis/scope-texts.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { ApiView, NamedScope } from '../../../management/api-operations.ts'
import { type Attributes, attributesWhere, namesOf } from '../../../shared/attributes.ts'
import type { Form } from '../../forms.ts'
import { attributeFields } from '../kit/attribute-fields.ts'
import { type ValuesOf, writeFields } from '../kit/form-fields.ts'
import { scopesField } from './scopes-field.ts'

/** The scopes have a field of their own, which also sets their texts. */
const fieldsOf = (t: ConsoleTranslate, current: ApiView['api'] | undefined) => ({
  ...attributeFields(API_ATTRIBUTES, { t, isOperator: true, current }),
  scopes: scopesField({
    label: t.declared(API_ATTRIBUTES.scopes.label),
    hint: t.declared(API_ATTRIBUTES.scopes.hint!),
    required: true,
  }),
})

export type ApiFields = ReturnType<typeof fieldsOf>
export type ApiValues = ValuesOf<ApiFields>

const sectionsIn = (t: ConsoleTranslate) => [
  { heading: t('API'), name: 'api' },
  { heading: t('Scopes'), name: 'scopes' },
  { heading: t('Tokens'), name: 'tokens' },
]

/** The attributes that the form sets: another API becomes the default in its own form. */
function attributesFor(view: ApiView | undefined): Attributes {
  if (!view) return API_ATTRIBUTES
  if (view.api.builtIn) return BUILT_IN_API_ATTRIBUTES
  return attributesWhere(
    API_ATTRIBUTES,
    (one) => !one.isFixed && !(view.api.isDefault && one === API_ATTRIBUTES.isDefault),
  )
}

/** @param view absent: a new API. Values of fields that are left out are undefined. */
export function fieldsFor(t: ConsoleTranslate, view: ApiView | undefined) {
  const attributes = attributesFor(view)
  const all: Readonly<Record<string, unknown>> = fieldsOf(t, view?.api)
  const fields = Object.fromEntries(namesOf(attributes).map((name) => [name, all[name]])) as ApiFields
  const sections = sectionsIn(t).map(({ heading, name }) => ({
    heading,
    fields: namesOf(attributesWhere(attributes, ({ section }) => section === name)) as (keyof ApiFields)[],
  }))
  return { fields, sections: sections.filter((section) => section.fields.length > 0) }
}

export const formOfNew = (t: ConsoleTranslate): Form => writeFields(fieldsOf(t, undefined), DEFAULT_API_SETTINGS)

export const formOfApi = (t: ConsoleTranslate, { api, scopes }: ApiView): Form =>
  writeFields(fieldsOf(t, api), { ...api, scopes })

/** The texts that differ from those before, by scope. */
function textsOf(scopes: readonly NamedScope[], before: readonly NamedScope[]): Record<string, ScopeText> {
  const isChanged = ({ scope, title, description }: NamedScope) => {
    const present = before.find((one) => one.scope === scope) ?? { title: scope, description: '' }
    return title !== present.title || description !== present.description
  }
  return Object.fromEntries(
    scopes.filter(isChanged).map(({ scope, title, description }) => [scope, { title, description }]),
  )
}

const settingsOf = ({ scopes, ...values }: Partial<ApiValues>) => ({
  ...values,
  ...(scopes && { scopes: scopes.map(({ scope }) => scope) }),
})

/** The API that a form declares. Values of invalid fields are absent. */
export const declarationOf = (values: Partial<ApiValues>) => ({
  ...settingsOf(values),
  texts: values.scopes && textsOf(values.scopes, []),
})

/** The change of an API by its form. */
export const changeOf = (view: ApiView, values: Partial<ApiValues>) => ({
  changes: settingsOf(values),
  texts: values.scopes && textsOf(values.scopes, view.scopes),
})

export const removedScopes = ({ api }: ApiView, { scopes }: Partial<Pick<ApiSettings, 'scopes'>>): readonly string[] =>
  scopes ? api.scopes.filter((scope) => !scopes.includes(scope)) : []
