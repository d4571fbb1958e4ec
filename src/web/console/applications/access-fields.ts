import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { ChoosableApi } from '../../../management/application-forms.ts'
import type { ClientApiView } from '../../../management/client-parts.ts'
import type { FieldErrorCollector } from '../../../shared/field-error-collector.ts'
import { checkboxesField, groupedCheckboxesField, radioField, selectField } from '../kit/choice-fields.ts'
import type { Field } from '../kit/form-fields.ts'

/** An API in users's words; what is Keywright's own is no address that means anything to them. */
export const apiName = (
  t: ConsoleTranslate,
  { identifier, builtIn }: Pick<ChoosableApi, 'identifier' | 'builtIn'>,
): string => (builtIn ? t('Keywright management API') : identifier)

const FEW = 4

function scopesText(t: ConsoleTranslate, { scopes: all }: ChoosableApi): string {
  const scopes = all
    .slice(0, FEW)
    .map(({ scope }) => scope)
    .join(', ')
  const rest = all.length - FEW
  return rest > 0 ? t('Scopes: {scopes} and {rest} more', { scopes, rest }) : t('Scopes: {scopes}', { scopes })
}

function hintOf(t: ConsoleTranslate, api: ChoosableApi): string {
  if (api.builtIn) return t('Allows the same management as an admin ({api}).', { api: api.identifier })
  const scopes = scopesText(t, api)
  return api.isDefault ? t("The instance's default. {scopes}", { scopes }) : scopes
}

interface ScopeGroup {
  readonly heading: string
  readonly scopes: readonly { readonly scope: string; readonly title: string; readonly description: string }[]
}

/** Each scope once: what an application is narrowed to counts for all its APIs that have it. */
function groupsOf(t: ConsoleTranslate, apis: readonly ChoosableApi[]): ScopeGroup[] {
  const count = new Map<string, number>()
  for (const { scope } of apis.flatMap(({ scopes }) => scopes)) count.set(scope, (count.get(scope) ?? 0) + 1)
  const own = apis.map((api) => ({
    heading: apiName(t, api),
    scopes: api.scopes.filter(({ scope }) => count.get(scope) === 1),
  }))
  const shared = new Map(
    apis
      .flatMap(({ scopes }) => scopes)
      .filter(({ scope }) => count.get(scope)! > 1)
      .map((one) => [one.scope, one]),
  )
  const groups = [...own, { heading: t('Shared by several APIs'), scopes: [...shared.values()] }]
  return groups.filter(({ scopes }) => scopes.length > 0)
}

/** The texts of Keywright's own scopes are translated; all others appear as they were entered. */
const hintOfScope = (
  t: ConsoleTranslate,
  { scope, title, description }: ScopeGroup['scopes'][number],
): string | undefined => [title === scope ? '' : scope, t.declared(description)].filter(Boolean).join(': ') || undefined

/** Checkboxes below the names of their APIs. */
const scopesField = (t: ConsoleTranslate, apis: readonly ChoosableApi[]): Field<readonly string[]> =>
  groupedCheckboxesField({
    label: t('Allowed scopes'),
    item: 'scope',
    groups: groupsOf(t, apis).map(({ heading, scopes }) => ({
      heading,
      choices: scopes.map((scope) => ({
        value: scope.scope,
        label: t.declared(scope.title),
        hint: hintOfScope(t, scope),
      })),
    })),
  })

/** @param apis what can be chosen */
export const accessFields = (
  t: ConsoleTranslate,
  apis: readonly ChoosableApi[],
  { required }: { required: boolean },
) => ({
  apis: checkboxesField({
    label: t('APIs'),
    required: required && apis.length > 0,
    choices: apis.map((api) => ({ value: api.identifier, label: apiName(t, api), hint: hintOf(t, api) })),
  }),
  defaultApi: selectField({
    label: t('Default API'),
    choices: [
      { value: '', label: t('First selected API') },
      ...apis.map((api) => ({ value: api.identifier, label: apiName(t, api) })),
    ],
  }),
  narrowing: radioField({
    label: t('Scopes'),
    required: true,
    choices: [
      { value: 'all', label: t('All scopes of these APIs'), hint: t('Includes scopes that are added later.') },
      {
        value: 'some',
        label: t('Selected scopes only'),
        hint: t('A scope that several APIs share applies to each of them.'),
      },
    ],
  }),
  scopes: scopesField(t, apis),
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
