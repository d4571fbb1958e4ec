import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a provider does wrong. What is absent is as it must be. */
export interface Script {
  /** In place of the claims of the ID token, or added to them; undefined removes one. */
  claims?: Record<string, unknown>
  /** In the header of the ID token. */
  header?: Record<string, unknown>
  /** Signs the ID token instead of the announced key. */
  signsWith?: KeyObject
  userinfo?: Record<string, unknown>
  /** Who signs in at once where a browser arrives at the authorization endpoint. */
  user?: Record<string, unknown>
  /** Answers in place of what the endpoint would. */
  discovery?: (response: ServerResponse, metadata: Record<string, unknown>) => void
  token?: (response: ServerResponse) => void
  jwks?: (response: ServerResponse) => void
}

interface Grant {
  readonly challenge: string
  readonly redirectUri: string
  readonly nonce: string
  readonly claims: Record<string, unknown>
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const newKey = (kid: string) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' } }
}

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

/** An OpenID provider that answers as a test says. */
export async function startScriptedProvider({ clientId = 'keywright', clientSecret = 'upstream secret' } = {}) {
  let script: Script = {}
  let key = newKey('first')
  const grants = new Map<string, Grant>()
  let lastSubject: unknown
  const requests: string[] = []
  const server = createServer((request, response) => void respond(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const metadata = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    userinfo_endpoint: `${issuer}/userinfo`,
    end_session_endpoint: `${issuer}/logout`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256', 'HS256'],
    authorization_response_iss_parameter_supported: true,
  }

  function jwt(claims: object, header: object = {}): string {
    const now = Math.floor(Date.now() / 1000)
    const all = { iss: issuer, aud: clientId, iat: now, exp: now + 300, ...claims, ...script.claims }
    const input = `${encode({ alg: 'ES256', kid: key.kid, ...header, ...script.header })}.${encode(all)}`
    const signer = script.signsWith ?? key.privateKey
    const signature = sign('sha256', Buffer.from(input), { key: signer, dsaEncoding: 'ieee-p1363' })
    return `${input}.${signature.toString('base64url')}`
  }

  const idToken = ({ nonce, claims }: Grant): string => jwt({ nonce, ...claims })

  async function token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = await bodyOf(request)
    if (script.token) return script.token(response)
    const grant = grants.get(form.get('code') ?? '')
    grants.delete(form.get('code') ?? '')
    lastSubject = grant?.claims.sub
    const expected = `Basic ${Buffer.from(`${clientId}:${encodeURIComponent(clientSecret).replaceAll('%20', '+')}`).toString('base64')}`
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (request.headers.authorization !== expected) return json(response, { error: 'invalid_client' }, 401)
    if (!grant || grant.challenge !== challenge || grant.redirectUri !== form.get('redirect_uri'))
      return json(response, { error: 'invalid_grant' }, 400)
    json(response, { access_token: 'upstream access token', token_type: 'Bearer', id_token: idToken(grant) })
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url!.split('?')[0]!
    requests.push(path)
    if (path === '/.well-known/openid-configuration')
      return script.discovery ? script.discovery(response, metadata) : json(response, metadata)
    if (path === '/jwks') return script.jwks ? script.jwks(response) : json(response, { keys: [key.jwk] })
    if (path === '/userinfo') return json(response, { sub: lastSubject, ...script.userinfo })
    if (path === '/token') return await token(request, response)
    if (path === '/authorize' && script.user) {
      const location = authorize(new URL(request.url!, issuer), script.user).href
      return void response.writeHead(303, { location }).end()
    }
    response.writeHead(404).end()
  }

  /**
   * Somebody signs in at the provider. Returns where the provider sends the browser.
   * @param parameters in place of those of the response, or added; undefined removes one
   */
  function authorize(
    at: URL,
    claims: Record<string, unknown>,
    parameters: Record<string, string | undefined> = {},
  ): URL {
    const asked = at.searchParams
    const code = randomBytes(16).toString('base64url')
    const redirectUri = asked.get('redirect_uri')!
    const [nonce, challenge] = [asked.get('nonce')!, asked.get('code_challenge')!]
    grants.set(code, { challenge, redirectUri, nonce, claims })
    const response = new URL(redirectUri)
    const all = { code, state: asked.get('state')!, iss: issuer, ...parameters }
    for (const [name, value] of Object.entries(all)) if (value !== undefined) response.searchParams.set(name, value)
    return response
  }

  return {
    issuer,
    clientId,
    clientSecret,
    requests,
    /** What the provider does from now on. */
    script(next: Script): void {
      script = next
    },
    /** Signs with another key, which the next response of the JWKS has. */
    rotateKey(): void {
      key = newKey(randomBytes(4).toString('hex'))
    },
    authorize,
    /** A logout token (OpenID Connect Back-Channel Logout 1.0, section 2.4). */
    logoutToken(claims: Record<string, unknown>): string {
      const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
      return jwt({ events, jti: randomBytes(16).toString('base64url'), ...claims })
    },
    /** An Identity Assertion JWT Authorization Grant; `undefined` removes a claim. */
    identityAssertion(claims: Record<string, unknown>, header: Record<string, unknown> = {}): string {
      const all = { jti: randomBytes(16).toString('base64url'), ...claims }
      return jwt(all, { typ: 'oauth-id-jag+jwt', ...header })
    },
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

export type ScriptedProvider = Awaited<ReturnType<typeof startScriptedProvider>>
