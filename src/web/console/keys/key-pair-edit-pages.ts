import { KEY_PAIR_ATTRIBUTES } from '../../../clients/client-attributes.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import type { ApplicationChange } from '../../../management/application-operations.ts'
import { type ChangeImpact, previewKeyPairUpdate } from '../../../management/change-impact.ts'
import { type KeyPairForm, readKeyPairForm, updateKeyPair } from '../../../management/key-pair-settings.ts'
import { attributesWhere, namesOf } from '../../../shared/attributes.ts'
import type { FieldError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { type AccessValues, accessFields, accessOf } from '../applications/access-fields.ts'
import { changedAccess } from '../applications/application-edit-pages.ts'
import { APPLICATIONS_BREADCRUMBS, keyPairPath } from '../applications/application-list-page.ts'
import { attributeFields } from '../kit/attribute-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { nameInSentence } from '../kit/display-name.ts'
import { revisionOf, submit, writeFields } from '../kit/form-fields.ts'
import { compareVersions, formView } from '../kit/form-view.ts'
import { carriedForm, impactStops } from '../kit/impact-text.ts'
import { confirmPage, secretPage } from '../kit/panels.ts'
import { isStale } from './generate-keys-page.ts'

interface Subject {
  readonly isOperator: boolean
  readonly present: KeyPairForm
}

const fieldsOf = ({ isOperator, present: { client, apis, choosableApis } }: Subject) => ({
  ...attributeFields(KEY_PAIR_ATTRIBUTES, { t: toConsoleEnglish(), isOperator, current: client }),
  ...accessFields(choosableApis, { required: apis.length > 0 }),
})

type Name = keyof ReturnType<typeof fieldsOf>

const inSection = (section: string): Name[] =>
  namesOf(attributesWhere(KEY_PAIR_ATTRIBUTES, (one) => one.section === section)) as Name[]

const SECTIONS: readonly { heading: string; lead?: string; fields: Name[]; collapsed?: boolean }[] = [
  { heading: 'Key pair', fields: inSection('application') },
  { heading: 'Access', fields: ['apis', 'defaultApi', 'narrowing', 'scopes'] },
  { heading: 'Tokens', fields: inSection('tokens') },
  {
    heading: 'Legacy compatibility',
    lead: 'Options for programs that do not follow current standards. Each option makes the key pair less secure.',
    fields: inSection('legacy'),
    collapsed: true,
  },
  { heading: 'Visible to operators only', fields: inSection('operator') },
]

/** The parts of the form, each with the fields that this user is shown. */
const sectionsOf = (fields: object) =>
  SECTIONS.map((section) => ({
    ...section,
    fields: section.fields.filter((name) => Object.hasOwn(fields, name)),
  })).filter((section) => section.fields.length > 0)

const presentForm = (subject: Subject): Form => {
  const { client, apis } = subject.present
  return writeFields(fieldsOf(subject), { ...client, ...accessOf(apis) })
}

interface Drawn {
  readonly typed: Form
  readonly fieldErrors?: readonly FieldError[]
  readonly versions?: ReturnType<typeof compareVersions>
}

const breadcrumbsOf = ({ client }: KeyPairForm) => [
  ...APPLICATIONS_BREADCRUMBS,
  { href: keyPairPath(client.clientId), label: client.name },
]

function editPage(subject: Subject, { typed, fieldErrors = [], versions }: Drawn): ConsolePage {
  const { clientId, revision, name } = subject.present.client
  const fields = fieldsOf(subject)
  const action = keyPairPath(clientId, '/edit')
  const form = formView({
    fields,
    sections: sectionsOf(fields),
    typed,
    fieldErrors,
    revision,
    action,
    submit: 'Save',
    cancel: keyPairPath(clientId),
  })
  return {
    view: 'console/edit',
    title: `Edit ${nameInSentence({ name })}`,
    lead: 'New keys for this key pair keep these settings.',
    status: versions ? 412 : fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: breadcrumbsOf(subject.present),
    data: { form, versions, present: action },
  }
}

/** Undefined: the user may not change the key pair, whose page is shown instead. */
async function subjectOf(call: ConsoleCall): Promise<Subject | undefined> {
  const { management, who, params, goTo } = call
  const clientId = params.clientId!
  const present = await readKeyPairForm(management, who, { clientId })
  if (present.mayEdit && present.client.status === 'active') return { isOperator: who.role === 'operator', present }
  goTo(keyPairPath(clientId))
  return undefined
}

async function askEdit(call: ConsoleCall): Promise<void> {
  const subject = await subjectOf(call)
  if (subject) call.show(editPage(subject, { typed: presentForm(subject) }))
}

/** Both versions, and the form with what was typed, which is now a change of the later one. */
async function showStale(call: ConsoleCall): Promise<void> {
  const subject = await subjectOf(call)
  if (!subject) return
  const versions = compareVersions(toConsoleEnglish(), fieldsOf(subject), call.form, presentForm(subject))
  call.show(editPage(subject, { typed: call.form, versions }))
}

function impactPage(present: KeyPairForm, form: Form, impact: ChangeImpact): ConsolePage {
  const action = keyPairPath(present.client.clientId, '/edit')
  return confirmPage({
    title: `Save ${nameInSentence(present.client)} with fewer permissions?`,
    breadcrumbs: breadcrumbsOf(present),
    text: 'This change removes permissions that issued tokens use. Tokens within the new permissions stay active.',
    stops: impactStops(toConsoleEnglish(), impact, 'revoke {tokens} that exceed the new permissions, at once'),
    action,
    submit: 'Save and revoke',
    hidden: carriedForm(form),
    keep: { href: action, label: 'Cancel' },
  })
}

const settingsIn = (values: object) =>
  Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(KEY_PAIR_ATTRIBUTES, name)))

/** Saves the form; or returns what that would revoke, if it is not confirmed, or what is wrong with it. */
async function save({ management, who, form, files }: ConsoleCall, subject: Subject) {
  const { client, apis } = subject.present
  const { clientId } = client
  const preview = (change: ApplicationChange) => previewKeyPairUpdate(management, who, { clientId, ...change })
  return await submit(
    fieldsOf(subject),
    { form, files },
    {
      prepare: (values, fieldErrors) => ({
        settings: settingsIn(values),
        ...changedAccess(values as Partial<AccessValues>, fieldErrors, apis),
      }),
      check: preview,
      async execute(change) {
        const impact = form.has('confirmed') ? undefined : await preview(change)
        if (impact) return { impact }
        return { saved: await updateKeyPair(management, who, { clientId, revision: revisionOf(form), ...change }) }
      },
    },
  )
}

function apiKeyPage(present: KeyPairForm, apiKey: string): ConsolePage {
  return secretPage({
    title: 'Key pair saved, API key generated',
    breadcrumbs: breadcrumbsOf(present),
    values: [{ label: 'API key', value: apiKey }],
    done: { href: keyPairPath(present.client.clientId), label: 'I have copied it' },
  })
}

async function edit(call: ConsoleCall): Promise<void> {
  const { form, show, goTo } = call
  const subject = await subjectOf(call)
  if (!subject) return
  const { present } = subject
  // Checked first: the input belongs to an old revision.
  if (present.client.revision !== revisionOf(form)) return await showStale(call)
  try {
    const outcome = await save(call, subject)
    if (outcome.fieldErrors) return show(editPage(subject, { typed: form, fieldErrors: outcome.fieldErrors }))
    if (outcome.done.impact) return show(impactPage(present, form, outcome.done.impact))
    const { apiKey } = outcome.done.saved
    if (apiKey) return show(apiKeyPage(present, apiKey))
    goTo(keyPairPath(present.client.clientId, '?notice=saved'))
  } catch (error) {
    if (!isStale(error)) throw error
    await showStale(call)
  }
}

const PATH = '/key-pairs/:clientId/edit'

/** The form that changes the settings of a key pair. */
export const KEY_PAIR_EDIT_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: PATH, permission: readKeyPairForm.permission, handle: askEdit },
  { method: 'post', path: PATH, permission: updateKeyPair.permission, handle: edit },
]
