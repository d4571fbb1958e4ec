import { DEVICE_CODE_GRANT } from '../../../clients/client-rules.ts'
import type { Client } from '../../../clients/clients.ts'
import type { Copyable } from '../kit/panels.ts'
import { type ShownSecrets, tokenCommands } from '../kit/token-command-examples.ts'

const encoded = (form: Record<string, string>): string => new URLSearchParams(form).toString()

export const discoveryOf = (issuer: string): Copyable => ({
  label: 'Discovery URL',
  value: `${issuer}/.well-known/openid-configuration`,
})

/** How it says which client it is; a public one has nothing to prove it with. */
const asItself = ({ clientId, isPublic }: Client): string =>
  isPublic ? `--data client_id=${clientId}` : `--user ${clientId}:CLIENT_SECRET`

const keyHeader = ({ apiKeyRequired }: Client): string => (apiKeyRequired ? ' --header "x-api-key: API_KEY"' : '')

/** What its default API takes: a token for `openid` alone opens nothing. */
const scopeOf = (scopes: readonly string[]): string => ['openid', ...scopes].join(' ')

function signInSteps(issuer: string, client: Client, scopes: readonly string[]): Copyable[] {
  const redirectUri = client.redirectUris[0] ?? ''
  const request = {
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: redirectUri,
    scope: scopeOf(scopes),
    state: 'STATE',
    code_challenge: 'CHALLENGE',
    code_challenge_method: 'S256',
  }
  const form = encoded({ grant_type: 'authorization_code', redirect_uri: redirectUri })
  const redemption = `--data "${form}&code=CODE&code_verifier=VERIFIER"`
  return [
    { label: 'Authorization request', value: `${issuer}/oauth2/authorize?${encoded(request)}` },
    {
      label: 'Exchange the authorization code',
      value: `curl --silent${keyHeader(client)} ${asItself(client)} ${redemption} ${issuer}/oauth2/token`,
    },
  ]
}

const deviceStep = (issuer: string, client: Client, scopes: readonly string[]): Copyable => ({
  label: 'Device authorization request',
  value: `curl --silent ${asItself(client)} --data "${encoded({ scope: scopeOf(scopes) })}" ${issuer}/oauth2/device`,
})

const ownStep = (issuer: string, client: Client): Copyable => ({
  label: 'Client credentials request',
  value: `curl --silent${keyHeader(client)} ${asItself(client)} --data grant_type=client_credentials ${issuer}/oauth2/token`,
})

/**
 * How it gets tokens, one step each; what is in capitals is for its program to fill in.
 * @param scopes what it has of its default API
 */
export function stepsOf(issuer: string, client: Client, scopes: readonly string[]): Copyable[] {
  const { grants } = client
  return [
    discoveryOf(issuer),
    ...(grants.includes('authorization_code') ? signInSteps(issuer, client, scopes) : []),
    ...(grants.includes(DEVICE_CODE_GRANT) ? [deviceStep(issuer, client, scopes)] : []),
    ...(grants.includes('client_credentials') ? [ownStep(issuer, client)] : []),
  ]
}

/** What works as it stands, with the secret in it. @param apis identifiers, its default first */
export function commandsFor(
  issuer: string,
  client: Client,
  secrets: ShownSecrets,
  apis: readonly string[],
): Copyable[] {
  return client.grants.includes('client_credentials') ? tokenCommands(issuer, secrets, { ...client, apis }) : []
}
