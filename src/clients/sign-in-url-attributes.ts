import { attribute, choice, either, nullable, uri } from '../shared/attributes.ts'
import { signInUrlError } from './redirect-uris.ts'

/** Who may sign in with a password or passkey of their own while users sign in at the product of the operator. */
export type PasswordSignIn = 'everyone' | 'operators'

/** Sign-in at the operator's own product. */
export const SIGN_IN_URL_ATTRIBUTES = {
  signInUrl: attribute({
    type: nullable(uri, 'not set'),
    initial: null,
    section: 'signInUrl',
    label: 'Sign-in URL of your product',
    hint: 'Users are redirected to this page to sign in, and your back end accepts or rejects the sign-in through the management API. Leave empty to sign users in here.',
    placeholder: 'https://app.example.com/sign-in',
    description:
      'Where users sign in at your own product, which answers with `/sign-in-challenges`; null: users sign in here',
    example: 'https://app.example.com/sign-in',
    option: { help: 'Page of your product where users sign in (https); off: users sign in here', nullWord: 'off' },
    validate: signInUrlError,
  }),
  signInUrlMfa: attribute({
    type: either(
      {
        value: 'accepted',
        label: 'Accepted from your product',
        hint: 'A sign-in whose amr contains mfa counts as one with a second factor, and its acr is passed on to applications.',
      },
      {
        value: 'here',
        label: 'Only here',
        hint: 'Users who need a second factor also prove one here, whatever your product states.',
      },
    ),
    initial: false,
    section: 'signInUrl',
    label: 'Second factor of a sign-in at your product',
    description: 'Whether a second factor that your product states (`amr` with `mfa`) and its `acr` are believed',
    option: { help: 'on: believe the second factor and the acr that your product states; initially off' },
  }),
  passwordSignIn: attribute({
    type: choice<PasswordSignIn>([
      {
        value: 'everyone',
        label: 'Everyone',
        hint: 'The sign-in page offers it beside your product, also while your product cannot be reached.',
      },
      {
        value: 'operators',
        label: 'Only operators',
        hint: 'Users of accounts sign in at your product only.',
      },
    ]),
    initial: 'everyone',
    section: 'signInUrl',
    label: 'Sign-in with a password or passkey',
    hint: 'This applies while users sign in at your product.',
    description: 'Who may sign in with a password or passkey here while there is a `sign_in_url`',
    option: { help: 'Who may sign in here while there is a sign-in URL: everyone (initially) or operators' },
  }),
}
