import { attribute, nullable, uriUpTo } from '../shared/attributes.ts'
import { linkUriError, MAX_LINK_LENGTH } from './redirect-uris.ts'

const linkUri = nullable(uriUpTo(MAX_LINK_LENGTH), 'none')

/**
 * What users see of an application on its sign-in and allow/deny pages, besides its name (client metadata, RFC 7591, section 2).
 * The cached registrations do not have these attributes, because no endpoint needs them.
 */
export const BRANDING_ATTRIBUTES = {
  clientUri: attribute({
    type: linkUri,
    initial: null,
    section: 'branding',
    label: 'Home page',
    hint: 'The website of the application.',
    placeholder: 'https://app.example.com/',
    description: 'The home page of the application, linked from the allow/deny page (RFC 7591, section 2); https only',
    example: 'https://app.example.com/',
    option: { help: 'HTTPS address of its home page, linked from the consent page; default: off', nullWord: 'off' },
    validate: (uri) => linkUriError('home page', uri),
  }),
  policyUri: attribute({
    type: linkUri,
    initial: null,
    section: 'branding',
    label: 'Privacy policy',
    hint: 'How the application uses the data of its users.',
    placeholder: 'https://app.example.com/privacy',
    description: 'The privacy policy, linked from the allow/deny page (RFC 7591, section 2); https only',
    example: 'https://app.example.com/privacy',
    option: {
      help: 'HTTPS address of its privacy policy, linked from the consent page; default: off',
      nullWord: 'off',
    },
    validate: (uri) => linkUriError('privacy policy', uri),
  }),
  tosUri: attribute({
    type: linkUri,
    initial: null,
    section: 'branding',
    label: 'Terms of service',
    hint: 'What users agree to when they use the application.',
    placeholder: 'https://app.example.com/terms',
    description: 'The terms of service, linked from the allow/deny page (RFC 7591, section 2); https only',
    example: 'https://app.example.com/terms',
    option: {
      help: 'HTTPS address of its terms of service, linked from the consent page; default: off',
      nullWord: 'off',
    },
    validate: (uri) => linkUriError('terms of service', uri),
  }),
}
