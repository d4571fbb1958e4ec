import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import {
  checkNewWebhook,
  createWebhook,
  readWebhook,
  rotateWebhookSecret,
  updateWebhook,
} from '../../../management/webhook-operations.ts'
import type { FieldError } from '../../../shared/errors.ts'
import type { Webhook } from '../../../webhooks/webhooks.ts'
import type { Form } from '../../forms.ts'
import { radioField } from '../kit/choice-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { editSteps } from '../kit/edit-form-steps.ts'
import { attempt, submit, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { confirmPage, secretPage } from '../kit/panels.ts'
import { keptChoices } from '../kit/secret-choices.ts'
import { WEBHOOKS_PATH } from '../kit/webhook-banner.ts'
import { formValuesOf, settingsOf, webhookFields } from './webhook-fields.ts'
import { breadcrumbsTo, webhookPath, webhooksLink } from './webhook-texts.ts'

/** The signing secret, this once. */
const signingSecretPage = (t: ConsoleTranslate, title: string, { id, name }: Webhook, secret: string): ConsolePage =>
  secretPage({
    title,
    lead: t('Your receiver verifies the signature of each message with this secret (Standard Webhooks).'),
    breadcrumbs: breadcrumbsTo(t, { id, name }),
    values: [{ label: t('Signing secret'), value: secret }],
    done: { href: webhookPath(id), label: t('Go to the webhook') },
  })

const SECTIONS = [{ fields: ['name', 'url'] as const }, { fields: ['events', 'actions'] as const }]

type Who = ConsoleCall['who']

function newPage(t: ConsoleTranslate, who: Who, typed: Form, fieldErrors: readonly FieldError[] = []): ConsolePage {
  const form = formView({
    fields: webhookFields(t, who),
    sections: SECTIONS,
    typed,
    fieldErrors,
    action: webhookPath('new'),
    submit: t('Add webhook'),
    cancel: WEBHOOKS_PATH,
  })
  return {
    view: 'console/edit',
    title: t('Add webhook'),
    lead: t('You then get a signing secret, with which your receiver verifies that messages come from Keywright.'),
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: [webhooksLink(t)],
    data: { form },
  }
}

export async function askWebhook({ t, who, show }: ConsoleCall): Promise<void> {
  show(newPage(t, who, writeFields(webhookFields(t, who), formValuesOf({ name: '', url: '', actions: null }))))
}

export async function addWebhook({ t, management, who, form, files, show }: ConsoleCall): Promise<void> {
  const outcome = await submit(
    webhookFields(t, who),
    { form, files },
    {
      prepare: settingsOf,
      check: (values) => checkNewWebhook(management, who, values),
      execute: (values) => createWebhook(management, who, values as Parameters<typeof createWebhook>[2]),
    },
  )
  if (outcome.fieldErrors) return show(newPage(t, who, form, outcome.fieldErrors))
  const { webhook, secret } = outcome.done
  show(signingSecretPage(t, t('{name} was added', { name: webhook.name }), webhook, secret))
}

const webhookOf = ({ management, who, params }: ConsoleCall): Promise<Webhook> =>
  readWebhook(management, who, { webhookId: params.webhookId! })

/** The fields depend on the role. */
const editOf = ({ t, who }: ConsoleCall) =>
  editSteps({
    fieldsOf: () => webhookFields(t, who),
    read: webhookOf,
    valuesOf: (webhook: Webhook) => formValuesOf(webhook),
    check: ({ management }, values) => checkNewWebhook(management, who, settingsOf(values)),
    save: ({ management, params }, values, revision) =>
      updateWebhook(management, who, { webhookId: params.webhookId!, ...settingsOf(values), revision }),
    frameOf: (webhook) => ({
      title: t('Edit webhook'),
      lead: t('Pending events are sent to the new URL.'),
      breadcrumbs: breadcrumbsTo(t, webhook),
    }),
    pathOf: ({ id }) => webhookPath(id),
  })

export const askWebhookChange = (call: ConsoleCall): Promise<void> => editOf(call).show(call)

export const changeWebhook = (call: ConsoleCall): Promise<void> => editOf(call).save(call)

const overlapFields = (t: ConsoleTranslate) => ({
  overlap: radioField({
    label: t('Current signing secret'),
    choices: [
      {
        value: '0',
        label: t('Revoke now'),
        hint: t('Select this if someone else may have it. Your receiver rejects messages until it has the new secret.'),
      },
      ...keptChoices(t, t('Each message is signed with both secrets, so your receiver can change at any time.')),
    ],
  }),
})

function rotationPage(
  t: ConsoleTranslate,
  webhook: Webhook,
  typed: Form,
  fieldErrors: readonly FieldError[] = [],
): ConsolePage {
  const [path, action] = [webhookPath(webhook.id), webhookPath(webhook.id, 'secret')]
  const hasPrevious = webhook.previousSecretExpiresAt !== null
  const form = formView({
    fields: overlapFields(t),
    typed,
    fieldErrors,
    action,
    submit: t('Rotate secret'),
    danger: true,
    cancel: path,
  })
  return confirmPage({
    title: t('Rotate the signing secret?'),
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: breadcrumbsTo(t, webhook),
    text: t('Your receiver verifies messages with the signing secret.'),
    stops: [
      t('revoke the current signing secret at the time you select'),
      ...(hasPrevious ? [t('revoke the previous signing secret now')] : []),
      t('show the new signing secret once'),
    ],
    action,
    submit: form.submit,
    keep: { href: path, label: t('Cancel') },
    form,
  })
}

export async function askSecretRotation(call: ConsoleCall): Promise<void> {
  const { t } = call
  call.show(rotationPage(t, await webhookOf(call), writeFields(overlapFields(t), { overlap: '86400' })))
}

export async function rotateSecretNow(call: ConsoleCall): Promise<void> {
  const { t, management, who, params, form, show } = call
  const outcome = await attempt(overlapFields(t), call, ({ overlap }) =>
    rotateWebhookSecret(management, who, { webhookId: params.webhookId!, overlap: Number(overlap) }),
  )
  if (outcome.fieldErrors) return show(rotationPage(t, await webhookOf(call), form, outcome.fieldErrors))
  show(signingSecretPage(t, t('New signing secret'), outcome.done.webhook, outcome.done.secret))
}
