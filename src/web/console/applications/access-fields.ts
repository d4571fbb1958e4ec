import type { ChoosableApi } from '../../../management/application-forms.ts'
import type { ClientApiView } from '../../../management/client-parts.ts'
import type { FieldErrorCollector } from '../../../shared/field-error-collector.ts'
import { checkboxesField, groupedCheckboxesField, radioField, selectField } from '../kit/choice-fields.ts'
import type { Field } from '../kit/form-fields.ts'

/** An API in users's words; what is Keywright's own is no address that means anything to them. */
export const apiName = ({ identifier, builtIn }: Pick<ChoosableApi, 'identifier' | 'builtIn'>): string =>
  builtIn ? 'Keywright management API' : identifier

const FEW = 4

function someOf(scopes: ChoosableApi['scopes']): string {
  const shown = scopes.slice(0, FEW).map(({ scope }) => scope)
  return scopes.length > FEW ? `${shown.join(', ')} and ${scopes.length - FEW} more` : shown.join(', ')
}

const hintOf = (api: ChoosableApi): string =>
  api.builtIn
    ? `Allows the same management as an admin (${api.identifier}).`
    : `${api.isDefault ? "The instance's default. " : ''}Scopes: ${someOf(api.scopes)}`

interface ScopeGroup {
  readonly heading: string
  readonly scopes: readonly { readonly scope: string; readonly title: string; readonly description: string }[]
}

/** Each scope once: what an application is narrowed to counts for all its APIs that have it. */
function groupsOf(apis: readonly ChoosableApi[]): ScopeGroup[] {
  const count = new Map<string, number>()
  for (const { scope } of apis.flatMap(({ scopes }) => scopes)) count.set(scope, (count.get(scope) ?? 0) + 1)
  const own = apis.map((api) => ({
    heading: apiName(api),
    scopes: api.scopes.filter(({ scope }) => count.get(scope) === 1),
  }))
  const shared = new Map(
    apis
      .flatMap(({ scopes }) => scopes)
      .filter(({ scope }) => count.get(scope)! > 1)
      .map((one) => [one.scope, one]),
  )
  const groups = [...own, { heading: 'Shared by several APIs', scopes: [...shared.values()] }]
  return groups.filter(({ scopes }) => scopes.length > 0)
}

const hintOfScope = ({ scope, title, description }: ScopeGroup['scopes'][number]): string | undefined =>
  [title === scope ? '' : scope, description].filter(Boolean).join(': ') || undefined

/** Checkboxes below the names of their APIs. */
const scopesField = (apis: readonly ChoosableApi[]): Field<readonly string[]> =>
  groupedCheckboxesField({
    label: 'Allowed scopes',
    item: 'scope',
    groups: groupsOf(apis).map(({ heading, scopes }) => ({
      heading,
      choices: scopes.map((scope) => ({ value: scope.scope, label: scope.title, hint: hintOfScope(scope) })),
    })),
  })

/** @param apis what can be chosen */
export const accessFields = (apis: readonly ChoosableApi[], { required }: { required: boolean }) => ({
  apis: checkboxesField({
    label: 'APIs',
    required: required && apis.length > 0,
    choices: apis.map((api) => ({ value: api.identifier, label: apiName(api), hint: hintOf(api) })),
  }),
  defaultApi: selectField({
    label: 'Default API',
    choices: [
      { value: '', label: 'First selected API' },
      ...apis.map((api) => ({ value: api.identifier, label: apiName(api) })),
    ],
  }),
  narrowing: radioField({
    label: 'Scopes',
    required: true,
    choices: [
      { value: 'all', label: 'All scopes of these APIs', hint: 'Includes scopes that are added later.' },
      {
        value: 'some',
        label: 'Selected scopes only',
        hint: 'A scope that several APIs share applies to each of them.',
      },
    ],
  }),
  scopes: scopesField(apis),
})

export interface AccessValues {
  readonly apis: readonly string[]
  readonly defaultApi: string
  readonly narrowing: 'all' | 'some'
  readonly scopes: readonly string[]
}

/** What a client has, as the fields say it. */
export const accessOf = (apis: readonly ClientApiView[]): AccessValues => ({
  apis: apis.map(({ identifier }) => identifier),
  defaultApi: apis[0]?.identifier ?? '',
  narrowing: apis.some(({ isNarrowed }) => isNarrowed) ? 'some' : 'all',
  scopes: [...new Set(apis.filter(({ isNarrowed }) => isNarrowed).flatMap(({ scopes }) => scopes))],
})

/** The APIs, the default first and the others as they were. */
function inOrder(apis: readonly string[], defaultApi: string, present: readonly ClientApiView[]): string[] {
  const before = present.map(({ identifier }) => identifier)
  return [...new Set([defaultApi, ...before, ...apis])].filter((one) => apis.includes(one))
}

/** The APIs in order, and what they are narrowed to; undefined where that cannot be read. */
export function chosenAccess(
  { apis, defaultApi = '', narrowing, scopes = [] }: Partial<AccessValues>,
  fieldErrors: FieldErrorCollector,
  present: readonly ClientApiView[] = [],
): { apis?: string[]; scopes?: readonly string[] | null } {
  if (apis && defaultApi !== '' && !apis.includes(defaultApi)) {
    fieldErrors.add('defaultApi', 'select this API in the list above')
  }
  const isNarrowed = narrowing === 'some' && scopes.length > 0
  if (narrowing === 'some' && !isNarrowed) fieldErrors.add('scopes', 'select at least one scope, or allow all scopes')
  const isKnown = isNarrowed || narrowing === 'all'
  return {
    ...(apis && { apis: inOrder(apis, defaultApi, present) }),
    ...(isKnown && { scopes: isNarrowed ? scopes : null }),
  }
}
