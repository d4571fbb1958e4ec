import { attribute, boolean } from '../shared/attributes.ts'
import { JWT_BEARER_GRANT } from './grant-types.ts'

/** The cached registrations do not have this attribute: the grant reads it while it holds the lock of the client. */
export const IDENTITY_ASSERTION_ATTRIBUTES = {
  identityAssertions: attribute({
    type: boolean,
    initial: false,
    section: 'tokens',
    label: 'Identity assertions',
    hint: 'The application obtains tokens for users by assertions of the identity provider of their account, without asking the users. Needs the grant type JWT assertion, and a provider that accepts identity assertions. Switching this off revokes these tokens.',
    description: `The application obtains access tokens for users by assertions of the identity provider of their account (Identity Assertion JWT Authorization Grant), with the grant type \`${JWT_BEARER_GRANT}\`. Switching it off revokes these tokens`,
    option: {
      help: 'Obtain tokens for users by assertions of the identity provider of their account (ID-JAG)',
      switchOffHelp: 'Obtain no tokens by identity assertions; revokes those that it has',
    },
  }),
}
