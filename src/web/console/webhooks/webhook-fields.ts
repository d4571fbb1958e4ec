import { ACCOUNT_ACTIONS, AUDIT_ACTIONS } from '../../../audit/audit-actions.ts'
import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Principal } from '../../../management/principal.ts'
import { WEBHOOK_ATTRIBUTES } from '../../../webhooks/webhook-attributes.ts'
import type { Webhook, WebhookValues } from '../../../webhooks/webhooks.ts'
import { attributeFields } from '../kit/attribute-fields.ts'
import { type ChoiceGroup, groupedCheckboxesField, radioField } from '../kit/choice-fields.ts'
import type { ValuesOf } from '../kit/form-fields.ts'

const HEADINGS: Readonly<Record<string, ConsoleText>> = {
  user: 'Users',
  key_pair: 'Key pairs',
  client: 'Applications',
  mail: 'Email',
  consent: 'Consent',
  token: 'Access tokens',
  refresh_token: 'Refresh tokens',
  code: 'Authorization codes',
  leak: 'Leaked credentials',
  webhook: 'Webhooks',
  identity_provider: 'Identity providers',
  scim_token: 'SCIM tokens',
  initial_access_token: 'Initial access tokens',
  software_statement_issuer: 'Software statements',
  account: 'Accounts',
  api: 'APIs',
  signing_key: 'Signing keys',
  encryption_key: 'Encryption key',
  instance: 'This instance',
  audit: 'Activity log',
}

const nounOf = (action: string): string => action.split('.')[0]!

function groupsOf(t: ConsoleTranslate, actions: readonly string[]): ChoiceGroup[] {
  const byNoun = Map.groupBy(actions, nounOf)
  return [...byNoun].map(([noun, some]) => ({
    heading: HEADINGS[noun] ? t(HEADINGS[noun]) : noun,
    choices: some.map((action) => ({ value: action, label: action })),
  }))
}

/** An account has no events of the instance, such as those of its signing keys. */
export function webhookFields(t: ConsoleTranslate, { role }: Pick<Principal, 'role'>) {
  const { name, url } = attributeFields(WEBHOOK_ATTRIBUTES, { t, isOperator: role === 'operator' })
  return {
    name,
    url,
    events: radioField({
      label: t.declared(WEBHOOK_ATTRIBUTES.actions.label),
      required: true,
      choices: [
        { value: 'all', label: t('All events'), hint: t('Includes events of later versions.') },
        { value: 'some', label: t('Selected events only') },
      ],
    }),
    actions: groupedCheckboxesField({
      label: t('Selected events'),
      item: 'event',
      groups: groupsOf(t, role === 'operator' ? AUDIT_ACTIONS : ACCOUNT_ACTIONS),
    }),
  }
}

type FormValues = ValuesOf<ReturnType<typeof webhookFields>>

/** The settings that a form describes. Values of invalid fields are absent. */
export const settingsOf = ({ events, actions, ...values }: Partial<FormValues>): Partial<WebhookValues> => ({
  ...values,
  ...(events !== undefined && { actions: events === 'all' ? null : actions }),
})

/** A webhook as its form shows it. */
export const formValuesOf = ({ name, url, actions }: Pick<Webhook, 'name' | 'url' | 'actions'>): FormValues => ({
  name,
  url,
  events: actions === null ? 'all' : 'some',
  actions: actions ?? [],
})
