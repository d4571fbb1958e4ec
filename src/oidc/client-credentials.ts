import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { useOf } from '../clients/secret-uses.ts'
import { refuseEncodedNul } from '../http/request-check.ts'
import { OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import type { Form, OidcContext } from './request-state.ts'

/** What a client presents of itself (RFC 6749, section 2.3). */
export interface ClientCredentials {
  readonly clientId: string
  /** Undefined where only the client ID is given, which is all that a public client has. */
  readonly secret: string | undefined
}

const BASIC = /^basic +((?:[a-z0-9+/]{4})*(?:[a-z0-9+/]{2}==|[a-z0-9+/]{3}=)?)$/i

/** RFC 6749, appendix A: the characters of client IDs and secrets. */
const VISIBLE = /^[\x20-\x7e]*$/

const PARAMETERS = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type']

const invalidRequest = (description: string) => new OAuthError(400, 'invalid_request', description)
const invalidClient = (description: string) => new OAuthError(401, 'invalid_client', description)

function decodeHalf(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', '%20'))
    return VISIBLE.test(decoded) ? decoded : undefined
  } catch {
    return undefined
  }
}

/**
 * The credentials of a Basic header, both halves form-encoded (RFC 6749, section 2.3.1). An empty secret counts as none:
 * that is how some public clients identify themselves. Undefined for anything else.
 */
function parseBasic(header: string): ClientCredentials | undefined {
  const encoded = BASIC.exec(header)?.[1]
  if (!encoded) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  const clientId = decodeHalf(text.slice(0, colon))
  const secret = decodeHalf(text.slice(colon + 1))
  return clientId && secret !== undefined ? { clientId, secret: secret || undefined } : undefined
}

function readBasic(header: string): ClientCredentials {
  const basic = parseBasic(header)
  if (basic) return basic
  refuseEncodedNul(Buffer.from(header.split(' ')[1] ?? '', 'base64').toString())
  throw invalidClient('the Authorization header is not valid Basic authentication')
}

/** The client that a request names, in its form or in a Basic header, before anything is checked. */
export function namedClientId(ctx: OidcContext, form: Form): string | undefined {
  const named = form.client_id || parseBasic(ctx.get('authorization'))?.clientId
  return typeof named === 'string' && named.length <= 200 ? named : undefined
}

/**
 * The credentials of a request, by a Basic header or by the form, which has no empty parameters. Every endpoint reads
 * them here, so that all of them accept and refuse the same. RFC 6749, section 5.2: a client that authenticates in a way
 * that is malformed or not supported is an unknown client; one that authenticates in two ways made an invalid request.
 * @throws OAuthError 400, 401
 */
export function readClientCredentials(ctx: OidcContext, form: Form): ClientCredentials {
  const header = ctx.get('authorization')
  const repeated = PARAMETERS.find((name) => Array.isArray(form[name]))
  if (repeated) throw invalidRequest(`${repeated} is given twice`)
  const { client_id, client_secret, client_assertion } = form as Record<string, string | undefined>
  if ([header, client_secret, client_assertion].filter(Boolean).length > 1) {
    throw invalidRequest('the client must authenticate in one way only')
  }
  if (client_assertion) throw invalidClient('client assertions are not supported')
  const basic = header ? readBasic(header) : undefined
  if (basic && client_id && client_id !== basic.clientId) throw invalidRequest('client_id mismatch')
  const clientId = basic?.clientId ?? client_id
  if (!clientId) throw invalidClient('no client authentication was given')
  return { clientId, secret: basic ? basic.secret : client_secret }
}

/**
 * Puts the credentials into the form and takes the header away, so that whatever comes next, the engine included, finds
 * them in one place and need not parse them again.
 */
export function moveCredentialsToForm(ctx: OidcContext, form: Form): void {
  const { clientId, secret } = readClientCredentials(ctx, form)
  delete ctx.req.headers.authorization
  form.client_id = clientId
  if (secret !== undefined) form.client_secret = secret
}

/**
 * The client that a request proves to come from, for an endpoint that answers without the engine. A public client proves
 * nothing.
 * @throws OAuthError 400, 401
 */
export async function authenticateClient(
  { authenticator, secretUses }: OidcServices,
  ctx: OidcContext,
  form: Form,
): Promise<AuthenticatedClient> {
  const { clientId, secret } = readClientCredentials(ctx, form)
  const client = secret && (await authenticator.proveById(clientId, { secret }, false))
  if (!client) throw invalidClient('client authentication failed')
  secretUses.note(client.authentication!.secretId, ctx.ip, useOf(client.registration))
  ctx.state.client = client
  return client
}
