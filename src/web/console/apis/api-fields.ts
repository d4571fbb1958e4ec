import type { ApiSettings, TokenPolicy } from '../../../apis/apis.ts'
import type { ScopeText } from '../../../apis/scope-texts.ts'
import type { ApiView, ScopeView } from '../../../management/api-operations.ts'
import { SIGNING_ALGS, type SigningAlg, TOKEN_TYPES, type TokenType } from '../../../shared/algorithms.ts'
import type { Form } from '../../forms.ts'
import { durationField } from '../kit/amount-fields.ts'
import { checkboxField, radioField, selectField } from '../kit/choice-fields.ts'
import { type ValuesOf, writeFields } from '../kit/form-fields.ts'
import type { Section } from '../kit/form-view.ts'
import { textField } from '../kit/text-fields.ts'
import { scopesField } from './scopes-field.ts'

const KINDS: Record<SigningAlg, string> = {
  ES256: 'ES256 (recommended; small signatures, wide library support)',
  EdDSA: 'EdDSA (Ed25519; small signatures, newer libraries)',
  RS256: 'RS256 (RSA; large signatures, supported by every library)',
  PS256: 'PS256 (RSA-PSS; required by some regulations)',
}

export const TOKEN_TYPE_LABELS: Record<TokenType, string> = {
  'at+jwt': 'at+jwt, the standard for access tokens (RFC 9068)',
  JWT: 'JWT, for libraries that refuse at+jwt, such as Spring Security and Dovecot',
}

export const POLICIES: Record<TokenPolicy, string> = {
  none: 'Earlier tokens stay active until they expire.',
  single: 'A new token revokes the earlier one of the same client and user.',
}

const FIELDS = {
  identifier: textField({
    label: 'Identifier',
    hint: 'A URI that identifies the API. It is the audience (aud) of its tokens and cannot be changed later.',
    placeholder: 'https://api.example.com',
    required: true,
    maxLength: 500,
    mono: true,
    inputMode: 'url',
  }),
  isDefault: checkboxField({
    label: 'This is the default API',
    hint: 'Used when a token request names no API. Replaces the current default API.',
  }),
  scopes: scopesField({
    label: 'Scopes',
    hint: 'Permissions that a token can have. The title and description are shown on the allow/deny screen.',
    required: true,
  }),
  tokenTtl: durationField({
    label: 'Access token lifetime',
    hint: 'From 1 minute to 30 days. An application can override it.',
    required: true,
  }),
  policy: radioField({
    label: 'Token policy',
    choices: [
      { value: 'none', label: 'Keep earlier tokens', hint: POLICIES.none },
      { value: 'single', label: 'One active token', hint: POLICIES.single },
    ],
  }),
  signingAlg: selectField({
    label: 'Signing algorithm',
    hint: 'The resource servers of this API must support it.',
    choices: SIGNING_ALGS.map((value) => ({ value, label: KINDS[value] })),
  }),
  tokenType: selectField({
    label: 'Token type',
    hint: 'The typ header of access tokens. Applies to new tokens.',
    choices: TOKEN_TYPES.map((value) => ({ value, label: TOKEN_TYPE_LABELS[value] })),
  }),
}

export type ApiFields = typeof FIELDS
export type ApiValues = ValuesOf<ApiFields>

const SECTIONS: readonly Section<keyof ApiFields>[] = [
  { heading: 'API', fields: ['identifier', 'isDefault'] },
  { heading: 'Scopes', fields: ['scopes'] },
  { heading: 'Tokens', fields: ['tokenTtl', 'policy', 'signingAlg', 'tokenType'] },
]

/** What can be said of it: of Keywright's own the lifetime alone, and the default is moved by naming another one. */
function namesFor(view: ApiView | undefined): readonly (keyof ApiFields)[] {
  if (!view) return ['identifier', 'isDefault', 'scopes', 'tokenTtl', 'policy', 'signingAlg', 'tokenType']
  if (view.api.builtIn) return ['tokenTtl']
  const all = ['scopes', 'tokenTtl', 'policy', 'signingAlg', 'tokenType'] as const
  return view.api.isDefault ? all : ['isDefault', ...all]
}

/** @param view absent: a new one. Values of fields that are left out are undefined. */
export function fieldsFor(view: ApiView | undefined) {
  const names = namesFor(view)
  const fields = Object.fromEntries(names.map((name) => [name, FIELDS[name]])) as ApiFields
  const sections = SECTIONS.map((section) => ({
    ...section,
    fields: section.fields.filter((one) => names.includes(one)),
  }))
  return { fields, sections: sections.filter((section) => section.fields.length > 0) }
}

export const formOfNew = (): Form =>
  writeFields(FIELDS, { tokenTtl: 3600, policy: 'none', signingAlg: 'ES256', tokenType: 'at+jwt' })

export const formOfApi = ({ api, scopes }: ApiView): Form => writeFields(FIELDS, { ...api, scopes })

/** By scope, what is said otherwise than before. */
function textsOf(scopes: readonly ScopeView[], before: readonly ScopeView[]): Record<string, ScopeText> {
  const isSaid = ({ scope, title, description }: ScopeView) => {
    const present = before.find((one) => one.scope === scope) ?? { title: scope, description: '' }
    return title !== present.title || description !== present.description
  }
  return Object.fromEntries(
    scopes.filter(isSaid).map(({ scope, title, description }) => [scope, { title, description }]),
  )
}

/** What a form declares; what could not be read of it is undefined. */
export const declarationOf = ({ scopes, tokenTtl, ...values }: Partial<ApiValues>) => ({
  ...values,
  tokenTtl: tokenTtl ?? undefined,
  scopes: scopes?.map(({ scope }) => scope),
  texts: scopes && textsOf(scopes, []),
})

/** What a form says of an API that is there. */
export function changeOf(view: ApiView, values: Partial<ApiValues>) {
  const { scopes, tokenTtl, policy, signingAlg, tokenType, isDefault } = values
  const named = {
    scopes: scopes?.map(({ scope }) => scope),
    tokenTtl: tokenTtl ?? undefined,
    policy,
    signingAlg,
    tokenType,
    isDefault,
  }
  const given = Object.entries(named).filter(([, value]) => value !== undefined)
  const changes: Partial<ApiSettings> = Object.fromEntries(given)
  return { changes, texts: scopes && textsOf(scopes, view.scopes) }
}

export const removedScopes = ({ api }: ApiView, { scopes }: Partial<Pick<ApiSettings, 'scopes'>>): readonly string[] =>
  scopes ? api.scopes.filter((scope) => !scopes.includes(scope)) : []
