import { isDeepStrictEqual } from 'node:util'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { readApplicationForm } from '../../../management/application-forms.ts'
import { type ApplicationChange, updateApplication } from '../../../management/application-operations.ts'
import { type ChangeImpact, previewApplicationUpdate } from '../../../management/change-impact.ts'
import type { ClientApiView } from '../../../management/client-parts.ts'
import { type FieldError, KeywrightError } from '../../../shared/errors.ts'
import type { FieldErrorCollector } from '../../../shared/field-error-collector.ts'
import type { Form } from '../../forms.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { revisionOf, submit } from '../kit/form-fields.ts'
import { compareVersions, formView } from '../kit/form-view.ts'
import { carriedForm, impactStops } from '../kit/impact-text.ts'
import { confirmPage } from '../kit/panels.ts'
import { type AccessValues, chosenAccess } from './access-fields.ts'
import { applicationFields, type FormSubject, presentForm, sectionsOf, settingsOf } from './application-form.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationSecretPage } from './application-secret-page.ts'

const isOperator = ({ who }: ConsoleCall): boolean => who.role === 'operator'

type Present = NonNullable<FormSubject['present']>

interface Edited {
  readonly typed: Form
  readonly fieldErrors?: readonly FieldError[]
  readonly versions?: ReturnType<typeof compareVersions>
}

function editPage(
  t: ConsoleTranslate,
  subject: FormSubject & { present: Present },
  { typed, fieldErrors = [], versions }: Edited,
): ConsolePage {
  const { client } = subject.present
  const { clientId, name, revision } = client
  const fields = applicationFields(t, subject)
  const path = applicationPath(clientId, '/edit')
  const form = formView({
    fields,
    sections: sectionsOf(t, fields),
    typed,
    fieldErrors,
    revision,
    action: path,
    submit: t('Save'),
    cancel: applicationPath(clientId),
  })
  return {
    view: 'console/edit',
    title: t('Edit {name}', { name }),
    status: versions ? 412 : fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: applicationBreadcrumbs(t, client),
    data: { form, versions, present: path },
  }
}

async function subjectOf(call: ConsoleCall): Promise<FormSubject & { present: Present }> {
  const { management, who, params } = call
  const { choosableApis, ...present } = await readApplicationForm(management, who, { clientId: params.clientId! })
  return { isOperator: isOperator(call), choosableApis, present }
}

export async function askEdit(call: ConsoleCall): Promise<void> {
  const { t } = call
  const subject = await subjectOf(call)
  call.show(editPage(t, subject, { typed: presentForm(t, subject) }))
}

/** What of the access is another one than before; to name it all the same would make an entry in the audit log. */
export function changedAccess(
  values: Partial<AccessValues>,
  fieldErrors: FieldErrorCollector,
  present: readonly ClientApiView[],
) {
  const { apis, scopes } = chosenAccess(values, fieldErrors, present)
  const narrowed = present.filter(({ isNarrowed }) => isNarrowed)
  const before = narrowed.length > 0 ? [...new Set(narrowed.flatMap((api) => api.scopes))] : null
  const isSame = scopes === undefined || isDeepStrictEqual(scopes?.toSorted(), before?.toSorted())
  const isSameApis = isDeepStrictEqual(
    apis ?? [],
    present.map(({ identifier }) => identifier),
  )
  return { ...(apis && !isSameApis && { apis }), ...(!isSame && { scopes }) }
}

/** Both versions, and the form with what was typed, which now says that it is a change of the later one. */
async function showStale(call: ConsoleCall): Promise<void> {
  const { t } = call
  const subject = await subjectOf(call)
  const versions = compareVersions(t, applicationFields(t, subject), call.form, presentForm(t, subject))
  call.show(editPage(t, subject, { typed: call.form, versions }))
}

function impactPage(t: ConsoleTranslate, { client }: Present, form: Form, impact: ChangeImpact): ConsolePage {
  const action = applicationPath(client.clientId, '/edit')
  return confirmPage({
    title: t('Save {name} with fewer permissions?', { name: client.name }),
    breadcrumbs: applicationBreadcrumbs(t, client),
    text: t('This change removes permissions that issued tokens use. Tokens within the new permissions stay active.'),
    stops: [
      ...impactStops(t, impact, 'revoke {tokens} that exceed the new permissions, at once'),
      t('cancel sign-ins that are in progress'),
    ],
    action,
    submit: t('Save and revoke'),
    hidden: carriedForm(form),
    keep: { href: action, label: t('Cancel') },
  })
}

/** Saves what the form holds; or answers what that would revoke, where it is not confirmed, or what is wrong with it. */
async function save(call: ConsoleCall, subject: FormSubject & { present: Present }) {
  const { management, who, form, files, params, t } = call
  const clientId = params.clientId!
  const preview = (change: ApplicationChange) => previewApplicationUpdate(management, who, { clientId, ...change })
  return await submit(
    applicationFields(t, subject),
    { form, files },
    {
      prepare: (values, fieldErrors) => ({
        settings: settingsOf(values),
        ...changedAccess(values, fieldErrors, subject.present.apis),
      }),
      check: preview,
      async execute(change) {
        const impact = form.has('confirmed') ? undefined : await preview(change)
        if (impact) return { impact }
        return { saved: await updateApplication(management, who, { clientId, revision: revisionOf(form), ...change }) }
      },
    },
  )
}

export async function editApplication(call: ConsoleCall): Promise<void> {
  const { params, form, show, goTo, t } = call
  const clientId = params.clientId!
  const subject = await subjectOf(call)
  // Checked first: the input belongs to an old revision.
  if (subject.present.client.revision !== revisionOf(form)) return await showStale(call)
  try {
    const outcome = await save(call, subject)
    if (outcome.fieldErrors) return show(editPage(t, subject, { typed: form, fieldErrors: outcome.fieldErrors }))
    if (outcome.done.impact) return show(impactPage(t, subject.present, form, outcome.done.impact))
    const { client, apiKey } = outcome.done.saved
    if (!apiKey) return goTo(applicationPath(clientId, '?notice=saved'))
    const title = t('Application saved, API key generated')
    show(applicationSecretPage(call, { title, client, secrets: { apiKey }, apis: [] }))
  } catch (error) {
    if (!(error instanceof KeywrightError) || error.code !== 'stale') throw error
    await showStale(call)
  }
}
