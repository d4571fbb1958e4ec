import { type ApiDetails, changeApi, declareApi } from '../../management/apis.ts'
import { type ChangeImpact, previewScopeRemoval } from '../../management/change-impact.ts'
import { type Fault, KeywrightError } from '../../shared/errors.ts'
import type { Form } from '../forms.ts'
import { changeOf, declarationOf, fieldsFor, formOfApi, formOfNew, removedScopes } from './api-fields.ts'
import { APIS, apiOf, pathOf } from './api-pages.ts'
import { apiSecretPage } from './api-secret-pages.ts'
import type { ConsolePage } from './console-page.ts'
import type { ConsoleCall, ConsoleRoute } from './console-route.ts'
import { countedUpTo } from './counts.ts'
import { attempt, type Outcome, readFields, revisionOf } from './form-fields.ts'
import { compareVersions, formView } from './form-view.ts'
import { carriedForm, impactStops } from './impact-words.ts'
import { confirmPage } from './panels.ts'
import { MORE_ROWS } from './scopes-field.ts'

function newPage(typed: Form = formOfNew(), faults: readonly Fault[] = []): ConsolePage {
  const form = formView({
    ...fieldsFor(undefined),
    typed,
    faults,
    action: '/apis/new',
    submit: 'Declare',
    cancel: '/apis',
  })
  return {
    view: 'console/edit',
    title: 'Declare an API',
    lead: 'After this you get its own client id and secret, by which it asks whether tokens are still good.',
    status: faults.length > 0 ? 400 : undefined,
    crumbs: [APIS],
    data: { form },
  }
}

async function showNew({ show }: ConsoleCall): Promise<void> {
  show(newPage())
}

async function declare({ management, who, form, files, web, show }: ConsoleCall): Promise<void> {
  if (form.has(MORE_ROWS)) return show(newPage(form))
  const { fields } = fieldsFor(undefined)
  const outcome = await attempt(fields, { form, files }, (values) => declareApi(management, who, declarationOf(values)))
  if (outcome.faults) return show(newPage(form, outcome.faults))
  const { api, clientId, clientSecret } = outcome.done
  show(
    apiSecretPage(web.issuerUrl(), {
      title: `${api.identifier} is declared`,
      lead: 'These are the API’s own credentials, by which it asks whether a token is still good.',
      identifier: api.identifier,
      clientId,
      clientSecret,
      done: { href: `/apis/${api.id}`, label: 'To the API' },
    }),
  )
}

interface Tried {
  readonly typed?: Form
  readonly faults?: readonly Fault[]
  /** Somebody else was first. */
  readonly isStale?: boolean
}

function editPage(view: ApiDetails, { typed, faults = [], isStale }: Tried = {}): ConsolePage {
  const { fields, sections } = fieldsFor(view)
  const present = formOfApi(view)
  const { revision } = view.api
  const path = pathOf(view)
  const action = `${path}/edit`
  const form = formView({
    fields,
    sections,
    typed: typed ?? present,
    faults,
    revision,
    action,
    submit: 'Save',
    cancel: path,
  })
  const versions = isStale && { versions: compareVersions(fields, typed!, present), present: action }
  return {
    view: 'console/edit',
    title: 'Edit the API',
    status: isStale ? 412 : faults.length > 0 ? 400 : undefined,
    lead: view.api.builtIn
      ? 'It is Keywright’s own: its scopes come with this version, and only the lifetime can be set.'
      : 'Changes apply to new tokens. Removing a scope also revokes the tokens that have it.',
    crumbs: [APIS, { href: path, label: view.api.identifier }],
    data: { form, ...versions },
  }
}

async function showEdit(call: ConsoleCall): Promise<void> {
  call.show(editPage(await apiOf(call)))
}

function removalPage(
  view: ApiDetails,
  removed: readonly string[],
  form: Form,
  impact: ChangeImpact | undefined,
): ConsolePage {
  const action = `${pathOf(view)}/edit`
  const [it, named] = removed.length === 1 ? ['it', 'that names it'] : ['them', 'that names one of them']
  return confirmPage({
    title: removed.length === 1 ? `Remove the scope ${removed[0]}?` : `Remove ${removed.length} scopes?`,
    crumbs: [APIS, { href: pathOf(view), label: view.api.identifier }],
    text: `To go: ${removed.join(', ')}. The API can be called by ${countedUpTo(view.callers, 'client')}.`,
    stops: [
      `refuse every request for a token ${named}, from now on`,
      'take the API away from applications that were allowed nothing else of it',
      ...(impact ? impactStops(impact, removed.length === 1 ? 'that have it' : 'that have one of them') : []),
      `forget what people read of ${it}`,
    ],
    action,
    submit: 'Remove and save',
    hidden: carriedForm(form),
    keep: { href: action, label: `Keep ${it}` },
  })
}

/** @returns the outcome; undefined: somebody else was first */
async function trySaving({ management, who, form, files }: ConsoleCall, view: ApiDetails) {
  const save = async (values: Parameters<typeof changeOf>[1]) => {
    const { identifier } = view.api
    return await changeApi(management, who, { identifier, revision: revisionOf(form), ...changeOf(view, values) })
  }
  try {
    return (await attempt(fieldsFor(view).fields, { form, files }, save)) satisfies Outcome<unknown>
  } catch (error) {
    if (error instanceof KeywrightError && error.code === 'stale') return undefined
    throw error
  }
}

async function edit(call: ConsoleCall): Promise<void> {
  const { form, show, goTo } = call
  const view = await apiOf(call)
  const isStale = revisionOf(form) !== view.api.revision
  if (isStale) return show(editPage(view, { typed: form, isStale }))
  if (form.has(MORE_ROWS)) return show(editPage(view, { typed: form }))
  const { values, faults } = readFields(fieldsFor(view).fields, form)
  const removed = removedScopes(view, values)
  if (faults.length === 0 && removed.length > 0 && !form.has('confirmed')) {
    const scopes = view.api.scopes.filter((scope) => !removed.includes(scope))
    const impact = await previewScopeRemoval(call.management, call.who, { identifier: view.api.identifier, scopes })
    return show(removalPage(view, removed, form, impact))
  }
  const outcome = await trySaving(call, view)
  if (!outcome) return show(editPage(await apiOf(call), { typed: form, isStale: true }))
  if (outcome.faults) return show(editPage(view, { typed: form, faults: outcome.faults }))
  goTo(`${pathOf(view)}?notice=saved`)
}

export const API_FORM_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/apis/new', need: declareApi.need, handle: showNew },
  { method: 'post', path: '/apis/new', need: declareApi.need, handle: declare },
  { method: 'get', path: '/apis/:apiId/edit', need: changeApi.need, handle: showEdit },
  { method: 'post', path: '/apis/:apiId/edit', need: changeApi.need, handle: edit },
]
