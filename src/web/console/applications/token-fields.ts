import { accessTokenTtlError, refreshTokenMaxAgeError, refreshTokenTtlError } from '../../../shared/lifetimes.ts'
import { durationField } from '../kit/amount-fields.ts'
import { radioField } from '../kit/choice-fields.ts'
import { nullable, validated } from '../kit/field-changes.ts'

/** A lifetime; the rules' own sentence counts in seconds, which nobody does. */
const lifetime = (
  options: Parameters<typeof durationField>[0],
  isWrong: (seconds: number) => string | undefined,
  sentence: string,
) =>
  validated(durationField(options), (seconds) =>
    seconds !== null && isWrong(seconds) !== undefined ? sentence : undefined,
  )

/** How long an application's tokens live, and what they do to each other; by their names as settings. */
export const TOKEN_FIELDS = {
  accessTokenTtl: lifetime(
    {
      label: 'Access token lifetime',
      hint: 'At most 30 days. Leave empty to use the lifetime of the API.',
      placeholder: 'from the API',
    },
    accessTokenTtlError,
    'enter a lifetime from 1 minute to 30 days',
  ),
  refreshTokenTtl: lifetime(
    {
      label: 'Refresh token lifetime',
      hint: 'Counted from the last use, at most 366 days. Leave empty for 30 days.',
      placeholder: '30',
      unit: 'days',
    },
    refreshTokenTtlError,
    'enter a lifetime from 1 minute to 366 days',
  ),
  refreshTokenMaxAge: lifetime(
    {
      label: 'Maximum session age',
      hint: 'Users must sign in again after this time, at most 3650 days. Leave empty for no limit.',
      placeholder: 'no limit',
      unit: 'days',
    },
    refreshTokenMaxAgeError,
    'enter a time from 1 minute to 3650 days',
  ),
  refreshTokens: radioField({
    label: 'Refresh token issuance',
    required: true,
    choices: [
      {
        value: 'always',
        label: 'Always',
        hint: 'With every authorization code, if the refresh token grant is allowed.',
      },
      { value: 'offline_access', label: 'On request', hint: 'With the scope offline_access.' },
    ],
  }),
  policy: nullable(
    radioField({
      label: 'Token policy',
      required: true,
      choices: [
        { value: '', label: 'Use the policy of the API' },
        { value: 'none', label: 'Keep earlier tokens', hint: 'Each token is valid until it expires.' },
        { value: 'single', label: 'Revoke the earlier token', hint: 'One active token for each user and API.' },
      ],
    }),
  ),
}
