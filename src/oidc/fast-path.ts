/**
 * The fast path: plain client_credentials requests, which are most requests, without the engine's thirty steps. It only
 * accepts. A request that is unusual, or that it would refuse, goes to the engine, so that no rule exists twice
 * (docs/adr/0003-fast-path.md).
 */
import type { IncomingHttpHeaders } from 'node:http'
import { resolveScope } from '../apis/scopes.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { CLIENT_CREDENTIALS_GRANT } from '../clients/grant-types.ts'
import { hasCertificate } from '../http/certificate-header.ts'
import { requiresProof, selectApi, type TokenRequest } from '../tokens/planned-token.ts'
import { renewClient } from './endpoint-authentication.ts'
import type { Form, OidcContext } from './request-state.ts'

const PARAMETERS = new Set(['grant_type', 'client_id', 'client_secret', 'scope', 'resource'])

/**
 * Headers of HTTP (RFC 9110 to 9112), tracing and browsers that mean nothing to the token endpoint. `origin` is not among
 * them: the engine handles CORS.
 */
const HEADERS = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'authorization',
  'baggage',
  'cache-control',
  'cdn-loop',
  'client-ip',
  'connection',
  'content-encoding',
  'content-language',
  'content-length',
  'content-type',
  'cookie',
  'correlation-context',
  'correlation-id',
  'date',
  'dnt',
  'early-data',
  'expect',
  'forwarded',
  'from',
  'host',
  'http2-settings',
  'idempotency-key',
  'keep-alive',
  'max-forwards',
  'newrelic',
  'pragma',
  'priority',
  'proxy-connection',
  'referer',
  'request-id',
  'save-data',
  'sentry-trace',
  'te',
  'traceparent',
  'tracestate',
  'transfer-encoding',
  'true-client-ip',
  'uber-trace-id',
  'upgrade',
  'upgrade-insecure-requests',
  'user-agent',
  'via',
])

/** First parts of the names that browsers (`sec-`), proxies and load balancers add. */
const HEADER_FAMILIES = /^(?:x|sec|cf|fly|fastly|akamai|cloudfront|ali|eagleeye)-/

/** Words of names that may prove something about the client: DPoP, attestation, and certificates that a proxy checked. */
const HEADER_PROOFS =
  /oauth|oidc|dpop|attest|assertion|jwt|token|cert|ssl-client|tls-client|mtls|signature|identity|principal/

const isPlainHeader = (name: string): boolean =>
  HEADERS.has(name) || (HEADER_FAMILIES.test(name) && !HEADER_PROOFS.test(name))

/** Whether no header can change what the engine would respond. */
export function hasPlainHeaders(headers: IncomingHttpHeaders): boolean {
  for (const name in headers) if (!isPlainHeader(name)) return false
  return true
}

/** Whether the form is a client_credentials request with known parameters, each once. */
function hasPlainForm(form: Form): boolean {
  if (form.grant_type !== CLIENT_CREDENTIALS_GRANT) return false
  for (const name in form) if (typeof form[name] !== 'string' || !PARAMETERS.has(name)) return false
  return true
}

const mayProve = ({ req, state: { credentials } }: OidcContext): boolean =>
  (credentials?.secret ?? credentials?.assertion) !== undefined || hasCertificate({ req })

/** Whether the fast path may serve the request, as far as the request alone says. */
export function isPlainRequest(ctx: OidcContext): boolean {
  const { req, state } = ctx
  state.isPlain ??= mayProve(ctx) && hasPlainForm(state.form ?? {}) && hasPlainHeaders(req.headers)
  return state.isPlain
}

/** The token request, or undefined where the registration does not allow it or requires more than an access token. */
function toTokenRequest(client: AuthenticatedClient, form: Form): TokenRequest | undefined {
  const { grants, clientCredentialsRefresh } = client.registration
  if (!grants.includes(CLIENT_CREDENTIALS_GRANT) || clientCredentialsRefresh) return undefined
  const { resource, scope } = form as Record<string, string | undefined>
  try {
    const api = selectApi(client.registration, resource)
    resolveScope(scope, api.scopes)
    // The request has no proof: its header is not plain.
    if (requiresProof(client.registration, api)) return undefined
  } catch {
    return undefined
  }
  return { client, resource, scope, subject: '', accountId: null, metadata: null, grantId: null }
}

/** Sets `tokenRequest` where the fast path may issue the token. A refusal by a cached registration is checked again. */
export async function authorizePlainRequest(ctx: OidcContext): Promise<void> {
  if (!isPlainRequest(ctx)) return
  const form = ctx.state.form!
  ctx.state.tokenRequest = toTokenRequest(ctx.state.client!, form)
  if (ctx.state.tokenRequest || !ctx.state.isClientCached) return
  await renewClient(ctx)
  ctx.state.tokenRequest = toTokenRequest(ctx.state.client!, form)
}
