import { invalidInput } from '../shared/errors.ts'
import {
  AUTHORIZATION_CODE_GRANT,
  CLIENT_CREDENTIALS_GRANT,
  DEVICE_CODE_GRANT,
  type GrantTypeValue,
  REFRESH_TOKEN_GRANT,
} from './grant-types.ts'

/**
 * What a new application can be. The type gives the settings that depend on it their first values; the
 * other settings have the defaults of the instance. It is not stored: the settings can be changed later.
 */
export interface ApplicationType {
  readonly value: string
  readonly label: string
  /** One sentence on which applications these are. */
  readonly hint: string
  readonly settings: { readonly isPublic: boolean; readonly grants: readonly GrantTypeValue[] }
  /** How its redirect URIs look; null: it needs none. */
  readonly redirectUris: { readonly hint: string; readonly placeholder: string } | null
}

const FOR_USERS: readonly GrantTypeValue[] = [AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT]

/** In the order in which the page lists them. */
export const APPLICATION_TYPES: readonly ApplicationType[] = [
  {
    value: 'web',
    label: 'Web application',
    hint: 'Runs on a server that keeps a client secret, and signs users in with their browser.',
    settings: { isPublic: false, grants: FOR_USERS },
    redirectUris: {
      hint: 'Where users return after they sign in. Enter one URI per line, exactly as the application sends it.',
      placeholder: 'https://app.example.com/callback',
    },
  },
  {
    value: 'spa',
    label: 'Single-page or mobile application',
    hint: 'Runs in a browser or on a phone, which cannot keep a client secret, and signs users in with PKCE.',
    settings: { isPublic: true, grants: FOR_USERS },
    redirectUris: {
      hint: 'Where users return after they sign in, one URI per line: a page of the application, or a custom scheme such as com.example.app:/callback.',
      placeholder: 'https://app.example.com/callback',
    },
  },
  {
    value: 'desktop',
    label: 'Desktop application',
    hint: 'Is installed on a computer, and opens the browser to sign users in with PKCE.',
    settings: { isPublic: true, grants: FOR_USERS },
    redirectUris: {
      hint: 'Where users return after they sign in, one URI per line: http://127.0.0.1/callback, for which any port matches, or a custom scheme such as com.example.app:/callback.',
      placeholder: 'http://127.0.0.1/callback',
    },
  },
  {
    value: 'service',
    label: 'Service',
    hint: 'A job, script or server that calls an API for itself, without a user.',
    settings: { isPublic: false, grants: [CLIENT_CREDENTIALS_GRANT] },
    redirectUris: null,
  },
  {
    value: 'device',
    label: 'Device',
    hint: 'A television, printer or command-line tool: users enter a short code on another device.',
    settings: { isPublic: true, grants: [REFRESH_TOKEN_GRANT, DEVICE_CODE_GRANT] },
    redirectUris: null,
  },
]

export const APPLICATION_TYPE_VALUES: readonly string[] = APPLICATION_TYPES.map(({ value }) => value)

/** @throws KeywrightError `invalid_input` */
export function applicationTypeOf(value: string): ApplicationType {
  const type = APPLICATION_TYPES.find((one) => one.value === value)
  if (!type) throw invalidInput(`use one of these types: ${APPLICATION_TYPE_VALUES.join(', ')}`, 'type')
  return type
}
