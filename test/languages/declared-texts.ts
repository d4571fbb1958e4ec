import { ACCOUNT_ATTRIBUTES, ACCOUNT_STATUS_ATTRIBUTES } from '../../src/accounts/account-attributes.ts'
import { USER_ATTRIBUTES } from '../../src/accounts/user-attributes.ts'
import { API_ATTRIBUTES } from '../../src/apis/api-attributes.ts'
import { APPLICATION_TYPES } from '../../src/clients/application-types.ts'
import { ACCESS_ATTRIBUTES, CLIENT_ATTRIBUTES, KEY_PAIR_ATTRIBUTES } from '../../src/clients/client-attributes.ts'
import { FAPI_REQUIREMENTS } from '../../src/clients/fapi-rules.ts'
import { GRANT_TYPES } from '../../src/clients/grant-types.ts'
import { AVAILABILITY_ATTRIBUTES, INSTANCE_ATTRIBUTES } from '../../src/clients/instance-attributes.ts'
import {
  IDENTITY_PROVIDER_ATTRIBUTES,
  IDENTITY_PROVIDER_STATUS,
} from '../../src/identity-providers/identity-provider-attributes.ts'
import { INSPECTION_REASONS } from '../../src/inspection/inspection-reasons.ts'
import { languageOf } from '../../src/languages/languages.ts'
import { MESSAGE_KINDS } from '../../src/mail/message-kinds.ts'
import { MANAGEMENT_SCOPES } from '../../src/management/management-scopes.ts'
import { type Attribute, type Attributes, entriesOf } from '../../src/shared/attributes.ts'
import { REFUSAL_REASONS } from '../../src/shared/refusal-reasons.ts'
import { WEBHOOK_ATTRIBUTES, WEBHOOK_STATUS_ATTRIBUTES } from '../../src/webhooks/webhook-attributes.ts'

/** Every resource with attributes that pages of the console show. */
const RESOURCES: readonly Attributes[] = [
  ACCOUNT_ATTRIBUTES,
  ACCOUNT_STATUS_ATTRIBUTES,
  USER_ATTRIBUTES,
  API_ATTRIBUTES,
  CLIENT_ATTRIBUTES,
  ACCESS_ATTRIBUTES,
  KEY_PAIR_ATTRIBUTES,
  INSTANCE_ATTRIBUTES,
  AVAILABILITY_ATTRIBUTES,
  IDENTITY_PROVIDER_ATTRIBUTES,
  IDENTITY_PROVIDER_STATUS,
  WEBHOOK_ATTRIBUTES,
  WEBHOOK_STATUS_ATTRIBUTES,
]

const choicesOf = ({ type }: Attribute) => {
  if (type.kind === 'choice' || type.kind === 'choices') return type.choices
  return type.kind === 'boolean' ? [type.yes, type.no].filter((choice) => choice !== undefined) : []
}

/** A name that is the same in every language: that of an algorithm, or of a language in itself. */
const isName = ({ value, label }: { readonly value: string; readonly label: string }): boolean =>
  value === label || languageOf(value)?.name === label

/** A placeholder that is an example for machines, such as `calendar.read`, stays as it is. */
const isSentence = (placeholder: string | undefined): boolean => / .*\./.test(placeholder ?? '')

/** What the console shows of attributes: in a form, on a detail page and in the activity log. */
const textsOf = (attributes: Attributes): (string | undefined)[] =>
  entriesOf(attributes).flatMap(([, one]) => [
    one.label,
    one.hint,
    isSentence(one.placeholder) ? one.placeholder : undefined,
    one.opposite?.label,
    one.opposite?.hint,
    one.type.nullLabel,
    ...choicesOf(one).flatMap((choice) => [isName(choice) ? undefined : choice.label, choice.hint]),
  ])

/** Every text that is declared outside of the pages and that pages of the console show. */
export const declaredTexts = (): Set<string> =>
  new Set(
    [
      ...RESOURCES.flatMap(textsOf),
      // PKCE has one name in all languages.
      ...FAPI_REQUIREMENTS.map(({ requirement }) => requirement).filter((text) => text !== 'PKCE'),
      ...GRANT_TYPES.flatMap(({ label, hint }) => [label, hint]),
      ...APPLICATION_TYPES.flatMap(({ label, hint, redirectUris }) => [label, hint, redirectUris?.hint]),
      ...Object.values(MESSAGE_KINDS).flatMap(({ label, cause }) => [label, cause]),
      ...Object.values(MANAGEMENT_SCOPES),
      ...Object.values(REFUSAL_REASONS).flatMap(({ label, text }) => [label, text]),
      ...Object.values(INSPECTION_REASONS),
    ].filter((text) => text !== undefined && text !== ''),
  ) as Set<string>
