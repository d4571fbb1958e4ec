import { attribute, boolean, colour, imageStoredApart, nullable, uriUpTo } from '../shared/attributes.ts'
import { hasBytes, imageError } from '../shared/images.ts'
import { linkUriError, MAX_LINK_LENGTH } from './redirect-uris.ts'

const linkUri = nullable(uriUpTo(MAX_LINK_LENGTH), 'not set')

/**
 * What users see of an application on its sign-in and allow/deny pages, besides its name (client metadata, RFC 7591, section 2).
 * The cached registrations do not have these attributes, because no endpoint needs them.
 */
export const BRANDING_ATTRIBUTES = {
  logo: attribute({
    type: nullable(imageStoredApart, 'not set'),
    initial: null,
    section: 'branding',
    label: 'Logo',
    hint: 'Shown on the allow/deny screen. PNG, JPEG, WebP or SVG, at most 256 KiB. A square image works best.',
    description: 'Shown on the allow/deny page, and on the sign-in page if the application is verified; null: no logo',
    option: { help: 'PNG, JPEG, WebP or SVG file of at most 256 KiB; off: no logo', nullWord: 'off' },
    validate: (logo) => (hasBytes(logo) ? imageError('a logo', logo) : undefined),
  }),
  accent: attribute({
    type: nullable(colour, 'as the instance'),
    initial: null,
    section: 'branding',
    label: 'Accent colour',
    hint: 'Used for buttons and links while users sign in to the application and allow it. A colour with low contrast is adjusted. Leave empty to use the colour of the instance.',
    placeholder: '#1f5fbf',
    description: 'The colour of buttons and links on the sign-in and allow/deny pages; null: that of the instance',
    example: '#0a7d4f',
    option: { help: 'Colour of its sign-in and consent pages; off: that of the instance', nullWord: 'off' },
  }),
  /** A change of what users recognize the application by, unless by an operator, makes it false (`client-rules.ts`). */
  isVerified: attribute({
    type: boolean,
    initial: false,
    operatorOnly: true,
    section: 'operator',
    label: 'Verified',
    hint: 'The sign-in page shows its logo too. Verify an application when you have checked who runs it. A change of its name, logo, links or redirect URIs by an account admin ends this.',
    description: 'Whether an operator has checked who runs the application; the sign-in page then shows its logo too',
    option: { flag: 'verified', jsonName: 'verified', help: 'on: the sign-in page shows its logo too; default: off' },
  }),
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
