import { attribute, nullable, text, uri } from '../shared/attributes.ts'
import { issuerError, LONGEST_ISSUER } from '../shared/issuer-identifiers.ts'
import { jwksUriError } from './redirect-uris.ts'
import { INITIAL_ACCESS_TOKEN_ATTRIBUTES } from './registration-attributes.ts'

const { grants, apis, scopes } = INITIAL_ACCESS_TOKEN_ATTRIBUTES

/** An issuer whose software statements let clients register themselves (RFC 7591, section 2.3), and what these may have. */
export const SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES = {
  issuer: attribute({
    type: text(LONGEST_ISSUER),
    section: 'issuer',
    label: 'Issuer',
    hint: 'As in the claim iss of its statements. Every application with a statement that it signed can register.',
    placeholder: 'https://directory.example.com',
    description: 'As in the claim iss of its software statements, compared exactly',
    example: 'https://directory.example.com',
    option: { help: 'The issuer, as in the claim iss of its software statements' },
    validate: (issuer) =>
      /^[\x21-\x7e]*$/.test(issuer) ? issuerError(issuer) : 'the issuer has visible ASCII characters only',
  }),
  jwksUri: attribute({
    type: nullable(uri, 'none'),
    initial: null,
    section: 'issuer',
    label: 'URL of its public keys',
    hint: 'An https URL at which the issuer publishes them as a JWK set (jwks_uri). Leave empty to enter the keys.',
    placeholder: 'https://directory.example.com/jwks.json',
    description: 'Where the issuer publishes its public keys as a JWK set, instead of `jwks`',
    example: 'https://directory.example.com/jwks.json',
    option: { help: 'https URL of its public keys, instead of --jwks', nullWord: 'off' },
    validate: jwksUriError,
  }),
  grants,
  apis,
  scopes,
}
