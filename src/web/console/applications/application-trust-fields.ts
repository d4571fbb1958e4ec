import { MAX_KEY_SET_LENGTH } from '../../../clients/client-keys.ts'
import { TRUST_PRESETS, type TrustFields, type TrustPresetName } from '../../../clients/trust-presets.ts'
import { MAX_AUDIENCE_LENGTH } from '../../../clients/workload-trusts.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { LONGEST_ISSUER } from '../../../shared/issuer-identifiers.ts'
import { checkboxField, selectField } from '../kit/choice-fields.ts'
import { areaField, linesField, textField } from '../kit/text-fields.ts'

/** A trust in an issuer, of a client with workload identity. */
export const trustFields = (t: ConsoleTranslate) => ({
  trustPreset: selectField<TrustPresetName | ''>({
    label: t('Platform'),
    hint: t('For workload identity: determines the issuer and the conditions from the workload below.'),
    choices: [
      { value: '', label: t('Other platform') },
      ...TRUST_PRESETS.map(({ value, label }) => ({ value, label })),
    ],
  }),
  trustWorkload: textField({
    label: t('Workload'),
    hint: t(
      'GitHub Actions: organization/repository. GitLab: group/project. Kubernetes: namespace/service-account. AWS: the ARN of a role. Azure: tenant ID/object ID. Google Cloud: the email address of a service account.',
    ),
    maxLength: 500,
    mono: true,
  }),
  trustIssuer: textField({
    label: t('Issuer'),
    hint: t(
      'As in the claim iss of the tokens, compared exactly. Leave empty for GitHub Actions, GitLab.com, Azure and Google Cloud.',
    ),
    placeholder: 'https://oidc.cluster.example.com',
    maxLength: LONGEST_ISSUER,
    mono: true,
  }),
  trustConditions: linesField({
    label: t('Conditions'),
    hint: t(
      'One claim and pattern on each line, such as environment=production. All claims must match; of several lines with one claim, one must match. * stands for any text: keep patterns as narrow as you can.',
    ),
    placeholder: 'sub=system:serviceaccount:billing:export',
    maxLength: 10_000,
    mono: true,
    rows: 4,
  }),
  trustAudience: textField({
    label: t('Audience'),
    hint: t('As in the claim aud of the tokens. Leave empty for the issuer identifier of this server.'),
    maxLength: MAX_AUDIENCE_LENGTH,
    mono: true,
  }),
  trustJwks: areaField({
    label: t('Keys of the issuer'),
    hint: t('Only for an issuer that Keywright cannot reach, such as a private Kubernetes cluster: its JWK set.'),
    placeholder: '{"keys": [...]}',
    maxLength: MAX_KEY_SET_LENGTH,
    mono: true,
    rows: 4,
  }),
  trustSingleUse: checkboxField({
    label: t('Accept each token once'),
    hint: t('Needs tokens with an ID (jti). A workload must then request a new token for each use.'),
  }),
})

export const TRUST_FIELD_NAMES = [
  'trustPreset',
  'trustWorkload',
  'trustIssuer',
  'trustConditions',
  'trustAudience',
  'trustJwks',
  'trustSingleUse',
] as const

/** What the fields of a form hold before anybody typed. */
export const NO_TRUST = {
  trustPreset: '',
  trustWorkload: '',
  trustIssuer: '',
  trustConditions: [],
  trustAudience: '',
  trustJwks: '',
  trustSingleUse: false,
} as const

interface Values {
  readonly trustPreset?: string | undefined
  readonly trustWorkload?: string | undefined
  readonly trustIssuer?: string | undefined
  readonly trustConditions?: readonly string[] | undefined
  readonly trustAudience?: string | undefined
  readonly trustJwks?: string | undefined
  readonly trustSingleUse?: boolean | undefined
}

/** What a form gives. */
export const trustFieldsIn = (values: Values): TrustFields => ({
  preset: values.trustPreset,
  workload: values.trustWorkload,
  issuer: values.trustIssuer,
  claims: values.trustConditions,
  audience: values.trustAudience,
  jwks: values.trustJwks,
  singleUse: values.trustSingleUse,
})
