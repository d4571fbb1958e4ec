import { CLIENT_CREDENTIALS_GRANT } from '../../../clients/grant-types.ts'
import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { sentence } from '../../to-sentence.ts'
import type { WebServices } from '../../web-services.ts'

/** Client authentication. */
export type TryShape = 'body' | 'basic' | 'query'

/** A token request of a client. */
export interface TryRequest {
  readonly clientId: string
  /** Visible ASCII, as RFC 6749, appendix A, has it; so is the API key. */
  readonly clientSecret: string
  readonly apiKey?: string | undefined
  /** Absent or empty: the client's default API. */
  readonly resource?: string | undefined
  /** Absent or empty: whatever the client gets without asking. */
  readonly scope?: string | undefined
  readonly shape: TryShape
  /** The IP address of the user; recorded as the caller where a proxy is trusted. */
  readonly ip?: string | undefined
}

/** The result. Secrets are masked except for the last four characters. */
export interface TryOutcome {
  readonly succeeded: boolean
  readonly status: number
  /** Explanation in one or two sentences. */
  readonly summary: string
  /** The request as HTTP has it. */
  readonly request: string
  readonly answer: string
  /** The parts of the access token that can be read, as JSON. */
  readonly token?: { readonly header: string; readonly claims: string } | undefined
}

/** Milliseconds. */
const TIMEOUT = 10_000

const FORM = 'application/x-www-form-urlencoded'

/** Both halves are form-encoded (RFC 6749, section 2.3.1). */
const basicOf = ({ clientId, clientSecret }: TryRequest): string =>
  [clientId, clientSecret].map((half) => new URLSearchParams({ '': half }).toString().slice(1)).join(':')

/** @param toBase64 encodes the Basic credentials */
function partsOf(request: TryRequest, toBase64: (text: string) => string) {
  const { clientId, clientSecret, apiKey, resource, scope, shape } = request
  const credentials: Record<string, string> =
    shape === 'basic' ? {} : { client_id: clientId, client_secret: clientSecret }
  const wanted = { grant_type: CLIENT_CREDENTIALS_GRANT, ...(resource && { resource }), ...(scope && { scope }) }
  const parameters = new URLSearchParams({ ...wanted, ...credentials }).toString()
  const headers: Record<string, string> = {
    'Content-Type': FORM,
    ...(shape === 'basic' && { Authorization: `Basic ${toBase64(basicOf(request))}` }),
    ...(apiKey && { 'X-API-Key': apiKey }),
  }
  return shape === 'query' ? { search: `?${parameters}`, headers, body: '' } : { search: '', headers, body: parameters }
}

// Asterisks, because no encoding changes them.
const masked = (secret: string): string => `********${secret.length > 12 ? secret.slice(-4) : ''}`

function requestText(issuer: string, request: TryRequest): string {
  const { clientSecret, apiKey } = request
  const shown = { ...request, clientSecret: masked(clientSecret), apiKey: apiKey && masked(apiKey) }
  const { search, headers, body } = partsOf(shown, (text) => `base64(${text})`)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`POST ${issuer}/oauth2/token${search}`, ...lines, ...(body ? ['', body] : [])].join('\n')
}

const pretty = (value: unknown): string => JSON.stringify(value, null, 2)

function parsed(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function decoded(jwt: unknown): TryOutcome['token'] {
  if (typeof jwt !== 'string') return undefined
  const [header, claims] = jwt.split('.').map((part) => parsed(Buffer.from(part, 'base64url').toString()))
  return header && claims && { header: pretty(header), claims: pretty(claims) }
}

const ERROR_TEXTS: Readonly<Record<string, ConsoleText>> = {
  invalid_client: 'The client ID or client secret is wrong or no longer valid.',
  unauthorized_client: 'This client is not allowed to use the client credentials grant.',
  invalid_target: 'This client is not allowed to call this API.',
  rate_limit_exceeded: 'This client has exceeded its rate limit.',
  invalid_scope: 'The API does not have this scope, or the client is not allowed to use it.',
}

function errorText(t: ConsoleTranslate, answer: Record<string, unknown>): string {
  const { error, error_description: description } = answer
  const text = t(ERROR_TEXTS[String(error)] ?? 'The request failed.')
  return typeof description === 'string'
    ? t('{text} Error description: {description}', { text, description: sentence(description) })
    : text
}

function successText(t: ConsoleTranslate, { expires_in: expiresIn, scope }: Record<string, unknown>): string {
  const time = t.wait(Number(expiresIn))
  return typeof scope === 'string' && scope
    ? t('Token issued with the scope {scope}. It expires in {time}.', { scope, time })
    : t('Token issued. It expires in {time}.', { time })
}

/**
 * Sends the token request over HTTP as the client would.
 * @throws Error when the token endpoint cannot be reached, or summary nothing in time
 */
export async function tryToken(
  t: ConsoleTranslate,
  { issuerUrl, ownUrl }: Pick<WebServices, 'issuerUrl' | 'ownUrl'>,
  request: TryRequest,
): Promise<TryOutcome> {
  const { search, headers, body } = partsOf(request, (text) => Buffer.from(text).toString('base64'))
  const from = request.ip && { 'X-Forwarded-For': request.ip }
  const response = await fetch(`${ownUrl()}/oauth2/token${search}`, {
    method: 'POST',
    headers: { ...headers, ...from },
    body,
    signal: AbortSignal.timeout(TIMEOUT),
  })
  const text = await response.text()
  const answer = parsed(text)
  const succeeded = response.ok && typeof answer.access_token === 'string'
  return {
    succeeded,
    status: response.status,
    summary: succeeded ? successText(t, answer) : errorText(t, answer),
    request: requestText(issuerUrl(), request),
    answer: Object.keys(answer).length > 0 ? pretty(answer) : text.slice(0, 2000),
    token: decoded(answer.access_token),
  }
}
