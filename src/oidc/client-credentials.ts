import { claimedIdentity, JWT_BEARER_ASSERTION } from '../clients/client-assertions.ts'
import { refuseEncodedNul } from '../http/request-check.ts'
import type { RefusalReason } from '../shared/refusal-reasons.ts'
import { OAuthError } from './engine-errors.ts'
import type { Form, OidcContext, RequestCredentials } from './request-state.ts'

const BASIC = /^basic +((?:[a-z0-9+/]{4})*(?:[a-z0-9+/]{2}==|[a-z0-9+/]{3}=)?)$/i

/** RFC 6749, appendix A: the characters of client IDs and client secrets. */
const VISIBLE = /^[\x20-\x7e]*$/

const PARAMETERS = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type']

const invalidRequest = (description: string) => new OAuthError(400, 'invalid_request', description)
const invalidClient = (description: string, reason: RefusalReason = 'credentials_malformed') =>
  new OAuthError(401, 'invalid_client', description, { reason })

function decodePart(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', '%20'))
    return VISIBLE.test(decoded) ? decoded : undefined
  } catch {
    return undefined
  }
}

/**
 * The credentials of a Basic header, both parts form-encoded (RFC 6749, section 2.3.1); undefined where the header is
 * malformed. An empty secret counts as none: some public clients identify themselves that way.
 */
function parseBasic(header: string): RequestCredentials | undefined {
  const encoded = BASIC.exec(header)?.[1]
  if (!encoded) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  const clientId = decodePart(text.slice(0, colon))
  const secret = decodePart(text.slice(colon + 1))
  return clientId && secret !== undefined ? { clientId, secret: secret || undefined } : undefined
}

function readBasic(header: string): RequestCredentials {
  const basic = parseBasic(header)
  if (basic) return basic
  refuseEncodedNul(Buffer.from(header.split(' ')[1] ?? '', 'base64').toString())
  throw invalidClient('the Authorization header is not valid Basic authentication')
}

/** The client ID in the form or in a Basic header, before the client is authenticated. */
export function namedClientId(ctx: OidcContext, form: Form): string | undefined {
  const named = form.client_id || parseBasic(ctx.get('authorization'))?.clientId
  return typeof named === 'string' && named.length <= 200 ? named : undefined
}

/**
 * The client assertion in the form. One that the client signed names its client, and `client_id` may repeat the name (RFC 7521, section 4.2).
 * One of another issuer does not, so `client_id` names the client (RFC 7523, section 3).
 */
function readAssertion({
  client_id,
  client_assertion: assertion = '',
  client_assertion_type: type,
}: Record<string, string | undefined>): RequestCredentials {
  if (type !== JWT_BEARER_ASSERTION) {
    throw invalidClient(`client_assertion_type must be ${JWT_BEARER_ASSERTION}`)
  }
  const { clientId: claimed, isOwn } = claimedIdentity(assertion)
  if (client_id && isOwn && client_id !== claimed) throw invalidRequest('client_id mismatch')
  const clientId = client_id || claimed
  if (!clientId) throw invalidClient('the client assertion is no JWT with a subject', 'assertion_invalid')
  return { clientId, secret: undefined, assertion }
}

/**
 * The credentials in a Basic header or in the form, for every endpoint. The form has no empty parameters. RFC 6749,
 * section 5.2: a malformed or unsupported method is `invalid_client`; two methods at once are `invalid_request`.
 * @throws OAuthError 400, 401
 */
export function readClientCredentials(ctx: OidcContext, form: Form): RequestCredentials {
  const header = ctx.get('authorization')
  const repeated = PARAMETERS.find((name) => Array.isArray(form[name]))
  if (repeated) throw invalidRequest(`${repeated} is given twice`)
  const { client_id, client_secret, client_assertion } = form as Record<string, string | undefined>
  if ([header, client_secret, client_assertion].filter(Boolean).length > 1) {
    throw invalidRequest('the client must authenticate in one way only')
  }
  if (client_assertion) return readAssertion(form as Record<string, string | undefined>)
  const basic = header ? readBasic(header) : undefined
  if (basic && client_id && client_id !== basic.clientId) throw invalidRequest('client_id mismatch')
  const clientId = basic?.clientId ?? client_id
  if (!clientId) throw invalidClient('no client authentication was given', 'credentials_missing')
  return { clientId, secret: basic ? basic.secret : client_secret }
}

/** The engine asks whether the client has authenticated where it compares a client secret, so it gets one that nobody has. */
function hideAssertion(form: Form): void {
  delete form.client_assertion
  delete form.client_assertion_type
  form.client_secret = 'assertion'
}

/**
 * Reads the credentials, puts them into the form and removes the header, so that the engine finds them in one place and
 * does not parse them again.
 * @throws OAuthError 400, 401
 */
export function moveCredentialsToForm(ctx: OidcContext, form: Form): RequestCredentials {
  const credentials = readClientCredentials(ctx, form)
  delete ctx.req.headers.authorization
  form.client_id = credentials.clientId
  if (credentials.secret !== undefined) form.client_secret = credentials.secret
  if (credentials.assertion !== undefined) hideAssertion(form)
  return credentials
}
