import { hasClientSecret, usesCertificates, usesTrusts } from '../../../clients/authentication-attributes.ts'
import { JWT_BEARER_ASSERTION } from '../../../clients/client-assertions.ts'
import type { Client } from '../../../clients/clients.ts'
import {
  AUTHORIZATION_CODE_GRANT,
  CLIENT_CREDENTIALS_GRANT,
  DEVICE_CODE_GRANT,
  grantTypesOf,
  TOKEN_EXCHANGE_GRANT,
} from '../../../clients/grant-types.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { ClientApiView } from '../../../management/client-parts.ts'
import type { Copyable } from '../kit/panels.ts'
import { proofOptions } from '../kit/required-proofs.ts'
import { type ShownSecrets, tokenCommands } from '../kit/token-command-examples.ts'

export type ShownApi = Pick<ClientApiView, 'identifier' | 'scopes' | 'dpopRequired'>

const encoded = (form: Record<string, string>): string => new URLSearchParams(form).toString()

export const discoveryOf = (t: ConsoleTranslate, issuer: string): Copyable => ({
  label: t('Discovery URL'),
  value: `${issuer}/.well-known/openid-configuration`,
})

/** How it says which client it is; a public one has nothing to prove it with. */
function asItself(client: Client): string {
  if (client.isPublic) return `--data client_id=${client.clientId}`
  if (usesCertificates(client)) return `--cert client.crt --key client.key --data client_id=${client.clientId}`
  if (usesTrusts(client))
    return `--data "client_id=${client.clientId}&client_assertion_type=${JWT_BEARER_ASSERTION}&client_assertion=TOKEN_OF_WORKLOAD"`
  return hasClientSecret(client)
    ? `--user ${client.clientId}:CLIENT_SECRET`
    : `--data "client_assertion_type=${JWT_BEARER_ASSERTION}&client_assertion=ASSERTION"`
}

const keyHeader = ({ apiKeyRequired }: Client): string => (apiKeyRequired ? ' --header "x-api-key: API_KEY"' : '')

/** A client that authenticates by a certificate presents that one. */
const certificateOnce = (client: Client) => ({
  ...client,
  certificateBoundAccessTokens: client.certificateBoundAccessTokens && !usesCertificates(client),
})

/** A request to the token endpoint. @param data the parameters of the grant, as an argument of curl */
const tokenRequest = (issuer: string, client: Client, data: string): string =>
  `curl --silent${keyHeader(client)}${proofOptions(certificateOnce(client))} ${asItself(client)} --data ${data} ${issuer}/oauth2/token`

/** What its default API takes: a token for `openid` alone opens nothing. */
const scopeOf = (scopes: readonly string[]): string => ['openid', ...scopes].join(' ')

/** Where the browser begins; before that, the request that the application must push (RFC 9126). */
function authorizationSteps(
  t: ConsoleTranslate,
  issuer: string,
  client: Client,
  request: Record<string, string>,
): Copyable[] {
  const { clientId } = client
  const sent = client.requestObjectsRequired ? { client_id: clientId, request: 'SIGNED_REQUEST' } : request
  const begin = (form: Record<string, string>): Copyable => ({
    label: t('Authorization request'),
    value: `${issuer}/oauth2/authorize?${encoded(form)}`,
  })
  if (!client.parRequired) return [begin(sent)]
  return [
    {
      label: t('Pushed authorization request'),
      value: `curl --silent ${asItself(client)} --data "${encoded(sent)}" ${issuer}/oauth2/par`,
    },
    begin({ client_id: clientId, request_uri: 'REQUEST_URI' }),
  ]
}

function signInSteps(t: ConsoleTranslate, issuer: string, client: Client, scopes: readonly string[]): Copyable[] {
  const redirectUri = client.redirectUris[0] ?? ''
  const request = {
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: redirectUri,
    scope: scopeOf(scopes),
    state: 'STATE',
    code_challenge: 'CHALLENGE',
    code_challenge_method: 'S256',
    ...(client.signedResponsesRequired && { response_mode: 'jwt' }),
  }
  const form = encoded({ grant_type: AUTHORIZATION_CODE_GRANT, redirect_uri: redirectUri })
  return [
    ...authorizationSteps(t, issuer, client, request),
    {
      label: t('Exchange the authorization code'),
      value: tokenRequest(issuer, client, `"${form}&code=CODE&code_verifier=VERIFIER"`),
    },
  ]
}

const deviceSteps = (t: ConsoleTranslate, issuer: string, client: Client, scopes: readonly string[]): Copyable[] => [
  {
    label: t('Device authorization request'),
    value: `curl --silent ${asItself(client)} --data "${encoded({ scope: scopeOf(scopes) })}" ${issuer}/oauth2/device`,
  },
]

/** RFC 8693, section 2.1. */
function exchangeSteps(t: ConsoleTranslate, issuer: string, client: Client): Copyable[] {
  const form = encoded({
    grant_type: TOKEN_EXCHANGE_GRANT,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  })
  return [
    {
      label: t('Exchange the access token of a user'),
      value: tokenRequest(issuer, client, `"${form}&subject_token=ACCESS_TOKEN&scope=SCOPE"`),
    },
  ]
}

/** The grant types whose steps are not the token request with its parameters alone. */
const STEPS: Readonly<Record<string, typeof signInSteps>> = {
  [AUTHORIZATION_CODE_GRANT]: signInSteps,
  [DEVICE_CODE_GRANT]: deviceSteps,
  [TOKEN_EXCHANGE_GRANT]: exchangeSteps,
}

type ShownGrant = ReturnType<typeof grantTypesOf>[number]

/** A token request with its parameters in capitals, which the application replaces. */
function tokenStep(
  t: ConsoleTranslate,
  issuer: string,
  client: Client,
  { value, label, parameters }: ShownGrant,
): Copyable {
  const data = [`grant_type=${value}`, ...parameters.map((name) => `${name}=${name.toUpperCase()}`)].join('&')
  const quoted = parameters.length > 0 ? `"${data}"` : data
  return {
    label: t('{grantType} request', { grantType: t.declared(label) }),
    value: tokenRequest(issuer, client, quoted),
  }
}

/**
 * The requests with which an application gets tokens. The application replaces the words in capitals.
 * @param scopes the scopes that it may request of its default API
 */
export function stepsOf(t: ConsoleTranslate, issuer: string, client: Client, scopes: readonly string[]): Copyable[] {
  const shown = grantTypesOf(client.grants).filter(
    ({ actsFor, value }) => actsFor !== null || Object.hasOwn(STEPS, value),
  )
  return [
    discoveryOf(t, issuer),
    ...shown.flatMap((grant) => STEPS[grant.value]?.(t, issuer, client, scopes) ?? tokenStep(t, issuer, client, grant)),
  ]
}

/** Token requests with the secret in them. @param apis its default first */
export function commandsFor(
  t: ConsoleTranslate,
  issuer: string,
  client: Client,
  secrets: ShownSecrets,
  apis: readonly ShownApi[],
): Copyable[] {
  if (!client.grants.includes(CLIENT_CREDENTIALS_GRANT)) return []
  const identifiers = apis.map(({ identifier }) => identifier)
  const shapes = { ...client, apis: identifiers, proofs: proofOptions(client, apis[0]) }
  return tokenCommands(t, issuer, secrets, shapes)
}
