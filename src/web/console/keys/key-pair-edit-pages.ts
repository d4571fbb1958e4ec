import { KEY_PAIR_ATTRIBUTES } from '../../../clients/client-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { ApplicationChange } from '../../../management/application-operations.ts'
import { type ChangeImpact, previewKeyPairUpdate } from '../../../management/change-impact.ts'
import { type KeyPairForm, readKeyPairForm, updateKeyPair } from '../../../management/key-pair-settings.ts'
import { attributesWhere, namesOf } from '../../../shared/attributes.ts'
import { type FieldError, isStale } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { type AccessValues, accessFields, accessOf } from '../applications/access-fields.ts'
import { changedAccess } from '../applications/application-edit-pages.ts'
import { applicationsBreadcrumbs, keyPairPath } from '../applications/application-list-page.ts'
import { attributeFields } from '../kit/attribute-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { clientName, clientNameInSentence } from '../kit/display-name.ts'
import { revisionOf, submit, writeFields } from '../kit/form-fields.ts'
import { compareVersions, formView, type Section } from '../kit/form-view.ts'
import { carriedForm, impactStops } from '../kit/impact-text.ts'
import { confirmPage, secretPage } from '../kit/panels.ts'

interface Subject {
  readonly isOperator: boolean
  readonly present: KeyPairForm
}

const fieldsOf = (t: ConsoleTranslate, { isOperator, present: { client, apis, choosableApis } }: Subject) => ({
  ...attributeFields(KEY_PAIR_ATTRIBUTES, { isOperator, t, current: client }),
  ...accessFields(t, choosableApis, { required: apis.length > 0 }),
})

type Name = keyof ReturnType<typeof fieldsOf>

const inSection = (section: string): Name[] =>
  namesOf(attributesWhere(KEY_PAIR_ATTRIBUTES, (one) => one.section === section)) as Name[]

const allSections = (t: ConsoleTranslate): readonly Section<Name>[] => [
  { heading: t('Key pair'), fields: inSection('application') },
  { heading: t('Access'), fields: ['apis', 'defaultApi', 'narrowing', 'scopes'] },
  { heading: t('Tokens'), fields: inSection('tokens') },
  {
    heading: t('Required proofs'),
    lead: t('Select what the program supports: requests without a required proof are refused.'),
    fields: inSection('proofs'),
  },
  {
    heading: t('Legacy compatibility'),
    lead: t('Options for programs that do not follow current standards. Each option makes the key pair less secure.'),
    fields: inSection('legacy'),
    collapsed: true,
  },
  { heading: t('Visible to operators only'), fields: inSection('operator') },
]

/** The parts of the form, each with the fields that this user is shown. */
const sectionsOf = (t: ConsoleTranslate, fields: object): Section<Name>[] =>
  allSections(t)
    .map((section) => ({ ...section, fields: section.fields.filter((name) => Object.hasOwn(fields, name)) }))
    .filter((section) => section.fields.length > 0)

const presentForm = (t: ConsoleTranslate, subject: Subject): Form => {
  const { client, apis } = subject.present
  return writeFields(fieldsOf(t, subject), { ...client, ...accessOf(apis) })
}

interface Drawn {
  readonly typed: Form
  readonly fieldErrors?: readonly FieldError[]
  readonly versions?: ReturnType<typeof compareVersions>
}

const breadcrumbsOf = (t: ConsoleTranslate, { client }: KeyPairForm) => [
  ...applicationsBreadcrumbs(t),
  { href: keyPairPath(client.clientId), label: clientName(t, client) },
]

function editPage(t: ConsoleTranslate, subject: Subject, { typed, fieldErrors = [], versions }: Drawn): ConsolePage {
  const { client } = subject.present
  const { clientId, revision } = client
  const fields = fieldsOf(t, subject)
  const action = keyPairPath(clientId, '/edit')
  const form = formView({
    fields,
    sections: sectionsOf(t, fields),
    typed,
    fieldErrors,
    revision,
    action,
    submit: t('Save'),
    cancel: keyPairPath(clientId),
  })
  return {
    view: 'console/edit',
    title: t('Edit {name}', { name: clientNameInSentence(t, client) }),
    lead: t('New keys for this key pair keep these settings.'),
    status: versions ? 412 : fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: breadcrumbsOf(t, subject.present),
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
  const { t } = call
  const subject = await subjectOf(call)
  if (subject) call.show(editPage(t, subject, { typed: presentForm(t, subject) }))
}

/** Both versions, and the form with what was typed, which is now a change of the later one. */
async function showStale(call: ConsoleCall): Promise<void> {
  const { t } = call
  const subject = await subjectOf(call)
  if (!subject) return
  const versions = compareVersions(t, fieldsOf(t, subject), call.form, presentForm(t, subject))
  call.show(editPage(t, subject, { typed: call.form, versions }))
}

function impactPage(t: ConsoleTranslate, present: KeyPairForm, form: Form, impact: ChangeImpact): ConsolePage {
  const action = keyPairPath(present.client.clientId, '/edit')
  return confirmPage({
    title: t('Save {name} with fewer permissions?', { name: clientNameInSentence(t, present.client) }),
    breadcrumbs: breadcrumbsOf(t, present),
    text: t('This change removes permissions that issued tokens use. Tokens within the new permissions stay active.'),
    stops: impactStops(t, impact, 'revoke {tokens} that exceed the new permissions, at once'),
    action,
    submit: t('Save and revoke'),
    hidden: carriedForm(form),
    keep: { href: action, label: t('Cancel') },
  })
}

const settingsIn = (values: object) =>
  Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(KEY_PAIR_ATTRIBUTES, name)))

/** Saves the form; or returns what that would revoke, if it is not confirmed, or what is wrong with it. */
async function save({ management, who, form, files, t }: ConsoleCall, subject: Subject) {
  const { client, apis } = subject.present
  const { clientId } = client
  const preview = (change: ApplicationChange) => previewKeyPairUpdate(management, who, { clientId, ...change })
  return await submit(
    fieldsOf(t, subject),
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

const apiKeyPage = (t: ConsoleTranslate, present: KeyPairForm, apiKey: string): ConsolePage =>
  secretPage({
    title: t('Key pair saved, API key generated'),
    breadcrumbs: breadcrumbsOf(t, present),
    values: [{ label: t('API key'), value: apiKey }],
    done: { href: keyPairPath(present.client.clientId), label: t('I have copied it') },
  })

async function edit(call: ConsoleCall): Promise<void> {
  const { form, show, goTo, t } = call
  const subject = await subjectOf(call)
  if (!subject) return
  const { present } = subject
  // Checked first: the input belongs to an old revision.
  if (present.client.revision !== revisionOf(form)) return await showStale(call)
  try {
    const outcome = await save(call, subject)
    if (outcome.fieldErrors) return show(editPage(t, subject, { typed: form, fieldErrors: outcome.fieldErrors }))
    if (outcome.done.impact) return show(impactPage(t, present, form, outcome.done.impact))
    const { apiKey } = outcome.done.saved
    if (apiKey) return show(apiKeyPage(t, present, apiKey))
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
