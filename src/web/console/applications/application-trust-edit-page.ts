import { conditionsIn, conditionTexts } from '../../../clients/trust-conditions.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Application } from '../../../management/application-operations.ts'
import type { SecretView, TrustView } from '../../../management/client-parts.ts'
import { updateApplicationTrust } from '../../../management/client-trust-update.ts'
import { type FieldError, isStale, notFound } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { checkboxField } from '../kit/choice-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { attempt, revisionOf, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { secretIdOf } from '../kit/secret-retirement-page.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationWithTrusts } from './application-new-trust-page.ts'
import { trustFields } from './application-trust-fields.ts'

interface PresentTrust extends SecretView {
  readonly trust: TrustView
}

/** @throws KeywrightError `not_found`: also for one that was replaced */
function trustOf({ secrets }: Application, secretId: string | undefined): PresentTrust {
  const id = secretIdOf(secretId)
  const found = secrets.find((secret) => secret.id === id && secret.isCurrent)
  if (!found?.trust) throw notFound('trust', String(id))
  return { ...found, trust: found.trust }
}

function fieldsOf(t: ConsoleTranslate, { trust }: PresentTrust) {
  const { trustConditions, trustAudience, trustJwks, trustSingleUse } = trustFields(t)
  const hint = trust.hasKeys
    ? t('Leave empty to keep the present keys. When the issuer gets a new key, enter the old and the new ones.')
    : trustJwks.hint
  const trustReadKeys = checkboxField({ label: t('Read the keys from the issuer instead') })
  return { trustConditions, trustAudience, trustJwks: { ...trustJwks, hint }, trustReadKeys, trustSingleUse }
}

const presentForm = (fields: ReturnType<typeof fieldsOf>, { trust }: PresentTrust): Form =>
  writeFields(fields, {
    trustConditions: conditionTexts(trust.conditions),
    trustAudience: trust.audience ?? '',
    trustJwks: '',
    trustReadKeys: false,
    trustSingleUse: trust.singleUse,
  })

interface State {
  readonly typed?: Form
  readonly fieldErrors?: readonly FieldError[]
  readonly warning?: string
}

function editPage(
  t: ConsoleTranslate,
  { client }: Application,
  secret: PresentTrust,
  { typed, fieldErrors = [], warning }: State = {},
): ConsolePage {
  const fields = fieldsOf(t, secret)
  const { trustReadKeys: _, ...withoutKeys } = fields
  const form = formView({
    fields: secret.trust.hasKeys ? fields : withoutKeys,
    typed: typed ?? presentForm(fields, secret),
    fieldErrors,
    revision: client.revision,
    action: applicationPath(client.clientId, `/trusts/${secret.id}/edit`),
    submit: t('Save'),
    cancel: applicationPath(client.clientId),
  })
  return {
    view: 'console/edit',
    title: t('Edit the trust in {issuer}', { issuer: secret.trust.issuer }),
    lead: t(
      'If the trust no longer accepts every token that it accepts now, the tokens obtained with it are revoked immediately, and the workloads need new ones. For another issuer, add a trust.',
    ),
    ...(fieldErrors.length > 0 && { status: 400 }),
    ...(warning && { status: 412, warning }),
    breadcrumbs: applicationBreadcrumbs(t, client),
    data: { form },
  }
}

export async function askTrustEdit(call: ConsoleCall): Promise<void> {
  const application = await applicationWithTrusts(call)
  call.show(editPage(call.t, application, trustOf(application, call.params.secretId)))
}

export async function editTrust(call: ConsoleCall): Promise<void> {
  const { management, who, form, files, show, goTo, t } = call
  const application = await applicationWithTrusts(call)
  const { clientId } = application.client
  const secret = trustOf(application, call.params.secretId)
  try {
    const outcome = await attempt(fieldsOf(t, secret), { form, files }, (values) =>
      updateApplicationTrust(management, who, {
        clientId,
        trustId: secret.id,
        revision: revisionOf(form),
        change: {
          conditions: conditionsIn(values.trustConditions),
          audience: values.trustAudience || null,
          singleUse: values.trustSingleUse,
          jwks: values.trustReadKeys ? null : values.trustJwks || undefined,
        },
      }),
    )
    if (outcome.fieldErrors)
      return show(editPage(t, application, secret, { typed: form, fieldErrors: outcome.fieldErrors }))
    const notice = outcome.done.areTokensRevoked ? 'trust_narrowed' : 'trust_saved'
    goTo(applicationPath(clientId, `?notice=${notice}`))
  } catch (error) {
    if (!isStale(error)) throw error
    const warning = t(
      'Another user changed this application, so nothing was saved. To save your values, submit the form again.',
    )
    show(editPage(t, await applicationWithTrusts(call), secret, { typed: form, warning }))
  }
}
