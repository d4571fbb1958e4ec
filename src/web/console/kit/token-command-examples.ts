import { CLIENT_CREDENTIALS_GRANT, REFRESH_TOKEN_GRANT } from '../../../clients/grant-types.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Copyable } from './panels.ts'

/** The credentials of a client that are shown once. */
export interface ShownSecrets {
  readonly clientId: string
  readonly clientSecret: string
  readonly apiKey?: string | undefined
}

/** What determines the token request formats of a client. */
export interface TokenShapes {
  readonly queryCredentials: boolean
  readonly clientCredentialsRefresh: boolean
  /** Identifiers, its default first. */
  readonly apis: readonly string[]
  /** Options of curl for what the client proves (`required-proofs.ts`); empty: nothing. */
  readonly proofs: string
}

const MACHINE = { grant_type: CLIENT_CREDENTIALS_GRANT }

// In double quotes, form-encoded text contains no character that a shell interprets.
const encoded = (form: Record<string, string>): string => new URLSearchParams(form).toString()

const REFRESH_TOKEN = String.raw`sed 's/.*"refresh_token":"\([^"]*\)".*/\1/'`

/**
 * Commands that get a token without editing, one for each request format that the client may use; with proofs one, for a start.
 * @param issuer the public origin
 */
export function tokenCommands(
  t: ConsoleTranslate,
  issuer: string,
  { clientId, clientSecret, apiKey }: ShownSecrets,
  { queryCredentials, clientCredentialsRefresh, apis, proofs }: TokenShapes,
): Copyable[] {
  const url = `${issuer}/oauth2/token`
  const credentials = { client_id: clientId, client_secret: clientSecret }
  const curl = `curl --silent${apiKey ? ` --header "x-api-key: ${apiKey}"` : ''}${proofs}`
  const basic = `--user "${clientId}:${clientSecret}"`
  const inBody = (more: Record<string, string>) =>
    `${curl} --data "${encoded({ ...MACHINE, ...credentials, ...more })}" ${url}`
  const withBasic = `${curl} ${basic} --data "${encoded(MACHINE)}" ${url}`
  const inQuery = `${curl} --request POST "${url}?${encoded({ ...MACHINE, ...credentials })}"`
  const refresh = `${curl} ${basic} --data "grant_type=${REFRESH_TOKEN_GRANT}&refresh_token=$(${withBasic} | ${REFRESH_TOKEN})" ${url}`
  const further = apis[1]
  const first = { label: t('Client secret in the request body'), value: inBody({}) }
  if (proofs !== '') return [first]
  return [
    first,
    { label: t('HTTP Basic authentication'), value: withBasic },
    ...(further === undefined
      ? []
      : [{ label: t('Token for another API: {api}', { api: further }), value: inBody({ resource: further }) }]),
    ...(queryCredentials ? [{ label: t('Client secret in query parameters'), value: inQuery }] : []),
    ...(clientCredentialsRefresh ? [{ label: t('Refresh token'), value: refresh }] : []),
  ]
}
