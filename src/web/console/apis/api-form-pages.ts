import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import {
  type ApiDetails,
  changeApi,
  checkChangeOfApi,
  checkDeclaration,
  declareApi,
} from '../../../management/api-operations.ts'
import { type ChangeImpact, previewScopeRemoval } from '../../../management/change-impact.ts'
import { type FieldError, KeywrightError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { boundedValues } from '../kit/bounded-values.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { revisionOf, submit, writeFields } from '../kit/form-fields.ts'
import { compareVersions, formView } from '../kit/form-view.ts'
import { carriedForm, impactStops } from '../kit/impact-text.ts'
import { confirmPage } from '../kit/panels.ts'
import { withKeyFile } from '../kit/public-key-fields.ts'
import { apiCredentialFields, apiKeysIn, NO_API_KEYS } from './api-credential-fields.ts'
import { changeOf, declarationOf, fieldsFor, formOfApi, formOfNew, removedScopes } from './api-fields.ts'
import { apiOf, apisLink, pathOf } from './api-pages.ts'
import { apiSecretPage } from './api-secret-pages.ts'
import { MORE_ROWS } from './scopes-field.ts'

/** The settings, and by what the API authenticates. */
function newForm(t: ConsoleTranslate) {
  const { fields, sections } = fieldsFor(t, undefined)
  const credentials = apiCredentialFields(t)
  const names = ['authMethod', 'jwks', 'jwksUri'] as const
  const section = { heading: t('Introspection credentials'), fields: names }
  return { fields: { ...fields, ...credentials }, sections: [...sections, section] }
}

const initialForm = (t: ConsoleTranslate): Form =>
  new Map([...formOfNew(t), ...writeFields(apiCredentialFields(t), NO_API_KEYS)])

function newPage(
  t: ConsoleTranslate,
  typed: Form = initialForm(t),
  fieldErrors: readonly FieldError[] = [],
): ConsolePage {
  const form = formView({
    ...newForm(t),
    typed,
    fieldErrors,
    action: '/apis/new',
    submit: t('Add API'),
    cancel: '/apis',
  })
  return {
    view: 'console/edit',
    title: t('Add API'),
    lead: t(
      'You then get a client ID that the API uses for token introspection, with a client secret or its private key.',
    ),
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: [apisLink(t)],
    data: { form },
  }
}

async function showNew({ show, t }: ConsoleCall): Promise<void> {
  show(newPage(t))
}

async function declare({ management, who, form, files, web, show, goTo, t }: ConsoleCall): Promise<void> {
  if (form.has(MORE_ROWS)) return show(newPage(t, form))
  const { fields } = newForm(t)
  const outcome = await submit(
    fields,
    { form, files },
    {
      prepare({ authMethod, jwks, jwksUri, ...values }, fieldErrors) {
        const keys = apiKeysIn({ authMethod, jwks, jwksUri })
        if (authMethod === 'private_key_jwt' && jwks === '' && jwksUri === '')
          fieldErrors.add('jwks', 'enter public keys, or the URL at which the API publishes them')
        return { ...declarationOf(values), ...keys }
      },
      check: (declaration) => checkDeclaration(management, who, declaration),
      execute: (declaration) => declareApi(management, who, declaration as Parameters<typeof declareApi>[2]),
    },
  )
  if (outcome.fieldErrors) return show(newPage(t, withKeyFile(form, files), outcome.fieldErrors))
  const { api, clientId, clientSecret } = outcome.done
  if (!clientSecret) return goTo(`/apis/${api.id}?notice=added`)
  show(
    apiSecretPage(t, web.issuerUrl(), {
      title: t('{name} was added', { name: api.identifier }),
      lead: t('The API uses these credentials for token introspection.'),
      identifier: api.identifier,
      clientId,
      clientSecret,
      done: { href: `/apis/${api.id}`, label: t('Go to the API') },
    }),
  )
}

interface Tried {
  readonly typed?: Form
  readonly fieldErrors?: readonly FieldError[]
  /** Somebody else was first. */
  readonly isStale?: boolean
}

function editPage(
  t: ConsoleTranslate,
  view: ApiDetails,
  { typed, fieldErrors = [], isStale }: Tried = {},
): ConsolePage {
  const { fields, sections } = fieldsFor(t, view)
  const present = formOfApi(t, view)
  const { revision } = view.api
  const path = pathOf(view)
  const action = `${path}/edit`
  const form = formView({
    fields,
    sections,
    typed: typed ?? present,
    fieldErrors,
    revision,
    action,
    submit: t('Save'),
    cancel: path,
  })
  const versions = isStale && { versions: compareVersions(t, fields, typed!, present), present: action }
  return {
    view: 'console/edit',
    title: t('Edit API'),
    status: isStale ? 412 : fieldErrors.length > 0 ? 400 : undefined,
    lead: view.api.builtIn
      ? t(
          'This is the Keywright management API. Its scopes are built in; you can change only the access token lifetime.',
        )
      : t('Changes apply to new tokens. Removing a scope revokes the tokens that have it.'),
    breadcrumbs: [apisLink(t), { href: path, label: view.api.identifier }],
    data: { form, ...versions },
  }
}

async function showEdit(call: ConsoleCall): Promise<void> {
  call.show(editPage(call.t, await apiOf(call)))
}

/** @param removed at least one scope */
function removalPage(
  t: ConsoleTranslate,
  view: ApiDetails,
  removed: readonly string[],
  form: Form,
  impact: ChangeImpact | undefined,
): ConsolePage {
  const action = `${pathOf(view)}/edit`
  const isOne = removed.length === 1
  return confirmPage({
    title: isOne
      ? t('Remove the scope {scope}?', { scope: removed[0]! })
      : t('Remove {count, plural, one {# scope} other {# scopes}}?', { count: removed.length }),
    breadcrumbs: [apisLink(t), { href: pathOf(view), label: view.api.identifier }],
    text: t(
      'Scopes to remove: {scopes}. {more, select, yes {more than } other {}}{count, plural, one {# client} other {# clients}} can call this API.',
      { scopes: removed.join(', '), ...boundedValues(view.callers) },
    ),
    stops: [
      isOne ? t('reject token requests that names it') : t('reject token requests that names one of them'),
      t('remove the API from applications that have no other scope of it'),
      ...(impact
        ? impactStops(
            t,
            impact,
            isOne ? 'revoke {tokens} that have it, at once' : 'revoke {tokens} that have one of them, at once',
          )
        : []),
      isOne ? t('delete the description of it') : t('delete the description of them'),
    ],
    action,
    submit: t('Remove scopes'),
    hidden: carriedForm(form),
    keep: { href: action, label: t('Cancel') },
  })
}

/** Saves what the form holds; or answers which scopes that would remove, where it is not confirmed, or what is wrong with it. */
async function save({ management, who, form, files, t }: ConsoleCall, view: ApiDetails) {
  const check = (change: ReturnType<typeof changeIn>) => checkChangeOfApi(management, who, change)
  const changeIn = (values: Parameters<typeof changeOf>[1]) => ({
    identifier: view.api.identifier,
    ...changeOf(view, values),
  })
  return await submit(
    fieldsFor(t, view).fields,
    { form, files },
    {
      prepare: changeIn,
      check,
      async execute(change) {
        const removed = removedScopes(view, change.changes)
        if (removed.length === 0 || form.has('confirmed')) {
          return { saved: await changeApi(management, who, { ...change, revision: revisionOf(form) }) }
        }
        await check(change)
        return { removed }
      },
    },
  )
}

async function askRemoval(call: ConsoleCall, view: ApiDetails, removed: readonly string[]): Promise<void> {
  const { management, who, form, show, t } = call
  const scopes = view.api.scopes.filter((scope) => !removed.includes(scope))
  const impact = await previewScopeRemoval(management, who, { identifier: view.api.identifier, scopes })
  show(removalPage(t, view, removed, form, impact))
}

async function edit(call: ConsoleCall): Promise<void> {
  const { form, show, goTo, t } = call
  const view = await apiOf(call)
  if (revisionOf(form) !== view.api.revision) return show(editPage(t, view, { typed: form, isStale: true }))
  if (form.has(MORE_ROWS)) return show(editPage(t, view, { typed: form }))
  try {
    const outcome = await save(call, view)
    if (outcome.fieldErrors) return show(editPage(t, view, { typed: form, fieldErrors: outcome.fieldErrors }))
    if (outcome.done.removed) return await askRemoval(call, view, outcome.done.removed)
    goTo(`${pathOf(view)}?notice=saved`)
  } catch (error) {
    if (!(error instanceof KeywrightError) || error.code !== 'stale') throw error
    show(editPage(t, await apiOf(call), { typed: form, isStale: true }))
  }
}

export const API_FORM_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/apis/new', permission: declareApi.permission, handle: showNew },
  { method: 'post', path: '/apis/new', permission: declareApi.permission, handle: declare, takesFiles: true },
  { method: 'get', path: '/apis/:apiId/edit', permission: changeApi.permission, handle: showEdit },
  { method: 'post', path: '/apis/:apiId/edit', permission: changeApi.permission, handle: edit },
]
