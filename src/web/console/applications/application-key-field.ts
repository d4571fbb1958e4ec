import { MAX_KEY_SET_LENGTH } from '../../../clients/client-keys.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Field } from '../kit/form-fields.ts'
import { areaField } from '../kit/text-fields.ts'

/** The public keys of a client that authenticates by its private key: a JWK set (RFC 7517, section 5). */
export const jwksField = (t: ConsoleTranslate, required = false): Field<string> =>
  areaField({
    label: t('Public keys'),
    hint: t(
      'For client authentication by a private key: a JWK set (JSON) with public keys for ES256, EdDSA, PS256 or RS256. Never enter a private key.',
    ),
    placeholder: '{ "keys": [ … ] }',
    maxLength: MAX_KEY_SET_LENGTH,
    mono: true,
    rows: 8,
    required,
  })
