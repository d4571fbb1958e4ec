import type { AccessToken } from './access-token.ts'
import { withAccessToken } from './fetch.ts'
import { checkMcpScopes, type McpScopes } from './mcp-scopes.ts'
import { type BindingOptions, errorResponse } from './responses.ts'
import type { Verifier } from './verifier.ts'

export { checkMcpScopes, type McpScopes } from './mcp-scopes.ts'

export interface McpOptions extends BindingOptions, McpScopes {
  /** Maximum size of a message. Default: 4 MiB, as in the MCP SDK. */
  readonly maxMessageBytes?: number
}

/** A request with its verified token and its JSON; `body` is undefined unless it is a POST with JSON. */
export type McpHandler = (request: Request, accessToken: AccessToken, body: unknown) => Response | Promise<Response>

/** What the MCP SDK calls `authInfo`. */
export interface McpAuthInfo {
  token: string
  clientId: string
  scopes: string[]
  expiresAt: number
  extra: { readonly accessToken: AccessToken }
}

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024

/** Returns the bytes of a body. Undefined if there are more than `max`. */
async function readBytes(body: ReadableStream<Uint8Array>, max: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length
    // Leaving the loop cancels the stream.
    if (length > max) return undefined
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

/** A request with the same headers and the bytes that were read from it. */
const withBody = (request: Request, body: Uint8Array): Request =>
  new Request(request.url, {
    method: request.method,
    headers: request.headers,
    body: body as Uint8Array<ArrayBuffer>,
    signal: request.signal,
  })

/** Clients compare the URL of an MCP server with its resource, so proofs (DPoP) name that origin, whatever `Host` a request has. */
const originOf = ({ settings: { resource } }: Verifier): { origin?: string } =>
  resource === undefined ? {} : { origin: new URL(resource).origin }

/**
 * Guards an MCP server (Streamable HTTP): requests without a valid access token get a 401 that names the metadata and the scopes,
 * and a message that needs further scopes gets a 403 that names them, upon which clients ask the user for them (step-up).
 */
export function withMcpAccessToken(verifier: Verifier, handler: McpHandler, options: McpOptions = {}) {
  const { maxMessageBytes = MAX_MESSAGE_BYTES } = options
  return withAccessToken(
    verifier,
    async (request: Request, token: AccessToken): Promise<Response> => {
      if (request.method !== 'POST') return await handler(request, token, undefined)
      const bytes = request.body ? await readBytes(request.body, maxMessageBytes) : new Uint8Array()
      if (!bytes) return new Response(null, { status: 413 })
      const body = parse(bytes)
      try {
        checkMcpScopes(verifier, token, { method: 'POST', body }, options)
      } catch (error) {
        const { status, headers, body: text } = errorResponse(error, verifier, options)
        return new Response(text, { status, headers })
      }
      return await handler(withBody(request, bytes), token, body)
    },
    { ...originOf(verifier), ...options },
  )
}

/**
 * Returns what the MCP SDK calls `authInfo`, for its tools. It does not contain the token itself, which a server must not pass on
 * (MCP, *Access Token Privilege Restriction*).
 */
export const authInfoOf = (accessToken: AccessToken): McpAuthInfo => ({
  token: '',
  clientId: accessToken.clientId,
  scopes: [...accessToken.scopes],
  expiresAt: accessToken.expiresAt,
  extra: { accessToken },
})
