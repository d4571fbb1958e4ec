import { accessTokenTtlError, refreshTokenMaxAgeError, refreshTokenTtlError } from '../../../shared/lifetimes.ts'
import { durationField } from '../kit/amount-fields.ts'
import { radioField } from '../kit/choice-fields.ts'
import { judged, nullable } from '../kit/field-changes.ts'

/** A lifetime; the rules' own sentence counts in seconds, which nobody does. */
const lifetime = (
  options: Parameters<typeof durationField>[0],
  isWrong: (seconds: number) => string | undefined,
  sentence: string,
) =>
  judged(durationField(options), (seconds) =>
    seconds !== null && isWrong(seconds) !== undefined ? sentence : undefined,
  )

/** How long an application's tokens live, and what they do to each other; by their names as settings. */
export const TOKEN_FIELDS = {
  accessTokenTtl: lifetime(
    { label: 'Access tokens last', hint: 'At most 30 days. Empty: as long as the API says.', placeholder: "the API's" },
    accessTokenTtlError,
    'an access token lasts from a minute to 30 days',
  ),
  refreshTokenTtl: lifetime(
    {
      label: 'Refresh tokens last',
      hint: 'Since their last use, at most 366 days. Empty: 30 days.',
      placeholder: '30',
      unit: 'days',
    },
    refreshTokenTtlError,
    'a refresh token lasts from a minute to 366 days',
  ),
  refreshTokenMaxAge: lifetime(
    {
      label: 'People sign in again after',
      hint: 'However much the refresh token was used, at most 3650 days. Empty: it has no such end.',
      placeholder: 'no end',
      unit: 'days',
    },
    refreshTokenMaxAgeError,
    'the end is from a minute to 3650 days after the sign-in',
  ),
  refreshTokens: radioField({
    label: 'It gets a refresh token',
    required: true,
    choices: [
      { value: 'always', label: 'Always', hint: 'Whatever it asks for, as long as it keeps access at all.' },
      { value: 'offline_access', label: 'When it asks for it', hint: 'With the scope offline_access.' },
    ],
  }),
  policy: nullable(
    radioField({
      label: 'A new access token',
      required: true,
      choices: [
        { value: '', label: 'Does what the API says' },
        { value: 'none', label: 'Leaves earlier ones alone', hint: 'Each works until its own end.' },
        { value: 'single', label: 'Ends the earlier one', hint: 'One works at a time, for each person and API.' },
      ],
    }),
  ),
}
