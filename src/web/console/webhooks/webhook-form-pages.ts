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
import { formValuesOf, settingsOf, webhookFields } from './webhook-fields.ts'
import { breadcrumbsTo, WEBHOOKS, webhookPath } from './webhook-texts.ts'

/** The signing secret, this once. */
const signingSecretPage = (title: string, { id, name }: Webhook, secret: string): ConsolePage =>
  secretPage({
    title,
    lead: 'Your receiver verifies the signature of each message with this secret (Standard Webhooks).',
    breadcrumbs: breadcrumbsTo({ id, name }),
    values: [{ label: 'Signing secret', value: secret }],
    done: { href: webhookPath(id), label: 'Go to the webhook' },
  })

const SECTIONS = [{ fields: ['name', 'url'] as const }, { fields: ['events', 'actions'] as const }]

type Who = ConsoleCall['who']

function newPage(who: Who, typed: Form, fieldErrors: readonly FieldError[] = []): ConsolePage {
  const form = formView({
    fields: webhookFields(who),
    sections: SECTIONS,
    typed,
    fieldErrors,
    action: webhookPath('new'),
    submit: 'Add webhook',
    cancel: WEBHOOKS.href,
  })
  return {
    view: 'console/edit',
    title: 'Add webhook',
    lead: 'You then get a signing secret, with which your receiver verifies that messages come from Keywright.',
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: [WEBHOOKS],
    data: { form },
  }
}

export async function askWebhook({ who, show }: ConsoleCall): Promise<void> {
  show(newPage(who, writeFields(webhookFields(who), formValuesOf({ name: '', url: '', actions: null }))))
}

export async function addWebhook({ management, who, form, files, show }: ConsoleCall): Promise<void> {
  const outcome = await submit(
    webhookFields(who),
    { form, files },
    {
      prepare: settingsOf,
      check: (values) => checkNewWebhook(management, who, values),
      execute: (values) => createWebhook(management, who, values as Parameters<typeof createWebhook>[2]),
    },
  )
  if (outcome.fieldErrors) return show(newPage(who, form, outcome.fieldErrors))
  const { webhook, secret } = outcome.done
  show(signingSecretPage(`${webhook.name} was added`, webhook, secret))
}

const webhookOf = ({ management, who, params }: ConsoleCall): Promise<Webhook> =>
  readWebhook(management, who, { webhookId: params.webhookId! })

/** The fields depend on the role. */
const editOf = ({ who }: ConsoleCall) =>
  editSteps({
    fieldsOf: () => webhookFields(who),
    read: webhookOf,
    valuesOf: (webhook: Webhook) => formValuesOf(webhook),
    check: ({ management }, values) => checkNewWebhook(management, who, settingsOf(values)),
    save: ({ management, params }, values, revision) =>
      updateWebhook(management, who, { webhookId: params.webhookId!, ...settingsOf(values), revision }),
    frameOf: (webhook) => ({
      title: 'Edit webhook',
      lead: 'Pending events are sent to the new URL.',
      breadcrumbs: breadcrumbsTo(webhook),
    }),
    pathOf: ({ id }) => webhookPath(id),
  })

export const askWebhookChange = (call: ConsoleCall): Promise<void> => editOf(call).show(call)

export const changeWebhook = (call: ConsoleCall): Promise<void> => editOf(call).save(call)

const OVERLAP = {
  overlap: radioField({
    label: 'Current signing secret',
    choices: [
      {
        value: '0',
        label: 'Revoke now',
        hint: 'Select this if someone else may have it. Your receiver rejects messages until it has the new secret.',
      },
      { value: '3600', label: 'Keep for 1 hour' },
      {
        value: '86400',
        label: 'Keep for 1 day',
        hint: 'Each message is signed with both secrets, so your receiver can change at any time.',
      },
      { value: '604800', label: 'Keep for 7 days' },
    ],
  }),
}

function rotationPage(webhook: Webhook, typed: Form, fieldErrors: readonly FieldError[] = []): ConsolePage {
  const [path, action] = [webhookPath(webhook.id), webhookPath(webhook.id, 'secret')]
  const hasPrevious = webhook.previousSecretExpiresAt !== null
  const form = formView({
    fields: OVERLAP,
    typed,
    fieldErrors,
    action,
    submit: 'Rotate secret',
    danger: true,
    cancel: path,
  })
  return confirmPage({
    title: 'Rotate the signing secret?',
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: breadcrumbsTo(webhook),
    text: 'Your receiver verifies messages with the signing secret.',
    stops: [
      'revoke the current signing secret at the time you select',
      ...(hasPrevious ? ['revoke the previous signing secret now'] : []),
      'show the new signing secret once',
    ],
    action,
    submit: form.submit,
    keep: { href: path, label: 'Cancel' },
    form,
  })
}

export async function askSecretRotation(call: ConsoleCall): Promise<void> {
  call.show(rotationPage(await webhookOf(call), writeFields(OVERLAP, { overlap: '86400' })))
}

export async function rotateSecretNow(call: ConsoleCall): Promise<void> {
  const { management, who, params, form, show } = call
  const outcome = await attempt(OVERLAP, call, ({ overlap }) =>
    rotateWebhookSecret(management, who, { webhookId: params.webhookId!, overlap: Number(overlap) }),
  )
  if (outcome.fieldErrors) return show(rotationPage(await webhookOf(call), form, outcome.fieldErrors))
  show(signingSecretPage('New signing secret', outcome.done.webhook, outcome.done.secret))
}
