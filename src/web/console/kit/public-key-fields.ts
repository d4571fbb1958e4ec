import type { AuthMethod } from '../../../clients/authentication-attributes.ts'
import { CLIENT_ATTRIBUTES } from '../../../clients/client-attributes.ts'
import { MAX_KEY_SET_LENGTH } from '../../../clients/client-keys.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Files, Form } from '../../forms.ts'
import type { Field, Fields } from './form-fields.ts'
import { areaField, urlField } from './text-fields.ts'

/** In a text with a private key, which is refused and not drawn again. */
const PRIVATE = /PRIVATE KEY|"[dk]"\s*:/

/** Of `views/assets/key-generator.js`. */
const generatorTexts = (t: ConsoleTranslate) => ({
  label: t('Generate a key pair in this browser'),
  hint: t('The key pair is for ES256. The private key stays in this browser, and the public key is entered above.'),
  failed: t('The browser could not generate a key pair. Enter a public key instead.'),
  privateLabel: t('Private key'),
  privateHint: t('Save it now: it is shown until you leave this page, and is never sent to Keywright.'),
  save: t('Save as a file'),
})

const { label, hint, placeholder } = CLIENT_ATTRIBUTES.jwksUri

/** Where a client publishes its public keys, in place of them. */
export const jwksUriField = (t: ConsoleTranslate): Field<string> =>
  urlField({ label: t.declared(label), hint: t.declared(hint!), placeholder })

/** The public keys of a client that authenticates by its private key: a JWK set (RFC 7517, section 5) or PEM, typed or in a file. */
export function jwksField(t: ConsoleTranslate, required = false): Field<string> {
  const area = areaField({
    label: t('Public keys'),
    hint: t(
      'For client authentication by a private key: a JWK set (JSON), or public keys or certificates in PEM, for ES256, EdDSA, PS256 or RS256. Never enter a private key.',
    ),
    placeholder: '-----BEGIN PUBLIC KEY-----',
    maxLength: MAX_KEY_SET_LENGTH,
    mono: true,
    rows: 8,
    required,
  })
  return {
    ...area,
    kind: 'public-keys',
    takesFile: true,
    controls(name, form) {
      const shown = PRIVATE.test(form.get(name) ?? '') ? new Map() : form
      return {
        ...area.controls(name, shown),
        fileLabel: t('Or a file with the public keys'),
        generator: generatorTexts(t),
      }
    },
    read(name, { form, files }) {
      const file = files.get(`${name}.file`)
      return area.read(name, file ? { form: new Map([[name, file.toString()]]), files } : { form, files })
    },
  }
}

type All<F extends Fields> = { readonly [Name in keyof F]: F[Name] }

/** The fields, shown with their method only. */
export const onlyWith = <F extends Fields>(authMethod: AuthMethod, fields: F): All<F> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, { ...field, onlyWith: authMethod }]),
  ) as All<F>

/** The form with the keys of a file as if they were typed, so that a page that is shown again has them. */
export function withKeyFile(form: Form, files: Files): Form {
  const file = files.get('jwks.file')
  return file && file.length <= MAX_KEY_SET_LENGTH ? new Map([...form, ['jwks', file.toString()]]) : form
}
