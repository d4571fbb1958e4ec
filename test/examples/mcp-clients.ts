/** The clients of both lines of the MCP SDK, as a program on the user's machine uses them. */
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'
import { UnauthorizedError as UnauthorizedErrorOfV1 } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as ClientOfV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportOfV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

/** What a program remembers between its starts, as the SDK stores it. */
type Remembered = Record<string, unknown>

interface Tokens {
  readonly access_token: string
  readonly refresh_token?: string
  readonly scope?: string
}

export interface McpProgram {
  /** Where the SDK sent the browser last. */
  authorizationUrl(): URL
  tokens(): Tokens | undefined
  connect(): Promise<McpSession>
  /** Takes over what the browser brought to the redirect URI. */
  finish(callback: URLSearchParams): Promise<void>
}

export interface McpSession {
  call(tool: string, args?: Record<string, unknown>): Promise<string>
  close(): Promise<void>
}

/** How a program gets its client ID: it has one, or the SDK registers it, or it is the URL of its metadata document. */
export interface McpRegistration {
  readonly clientInformation?: { readonly client_id: string; readonly issuer: string }
  readonly clientMetadataUrl?: string
  readonly redirectUrl: string
  /** Adds an initial access token to the registration. */
  readonly fetch?: typeof fetch
}

/** The storage that every program with the SDK has to bring. Nothing in it knows the server. */
function createProvider({ clientInformation, clientMetadataUrl, redirectUrl }: McpRegistration, grants: string[]) {
  const remembered: Remembered = { clientInformation }
  const remember = (name: string) => (value: unknown) => {
    remembered[name] = value
  }
  const recall = (name: string) => () => remembered[name] as never
  return {
    redirectUrl,
    clientMetadataUrl,
    clientMetadata: {
      client_name: 'Notebook',
      redirect_uris: [redirectUrl],
      grant_types: grants,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    state: () => 'state-1',
    clientInformation: recall('clientInformation'),
    saveClientInformation: remember('clientInformation'),
    tokens: recall('tokens') as () => Tokens | undefined,
    saveTokens: remember('tokens'),
    redirectToAuthorization: remember('authorizationUrl') as (url: URL) => void,
    authorizationUrl: recall('authorizationUrl') as () => URL,
    saveCodeVerifier: remember('codeVerifier'),
    codeVerifier: recall('codeVerifier') as () => string,
    saveDiscoveryState: remember('discoveryState'),
    discoveryState: recall('discoveryState'),
    invalidateCredentials(what: string) {
      if (what === 'all' || what === 'tokens') remembered.tokens = undefined
    },
  }
}

const textOf = (result: unknown): string =>
  (result as { content: { text: string }[] }).content.map(({ text }) => text).join('\n')

const INFORMATION = { name: 'notebook', version: '1.0.0' }

type MakeProgram = (url: string, registration: McpRegistration, grants?: string[]) => McpProgram

const WITH_REFRESH = ['authorization_code', 'refresh_token']

export const programOfV2: MakeProgram = (url, registration, grants = WITH_REFRESH) => {
  const authProvider = createProvider(registration, grants)
  let transport: StreamableHTTPClientTransport
  return {
    ...authProvider,
    finish: (callback) => transport.finishAuth(callback),
    async connect() {
      transport = new StreamableHTTPClientTransport(new URL(url), {
        authProvider: authProvider as never,
        fetch: registration.fetch,
      })
      const client = new Client(INFORMATION)
      await client.connect(transport)
      return {
        call: async (name, args = {}) => textOf(await client.callTool({ name, arguments: args })),
        close: () => client.close(),
      }
    },
  }
}

export const programOfV1: MakeProgram = (url, registration, grants = WITH_REFRESH) => {
  const authProvider = createProvider(registration, grants)
  let transport: TransportOfV1
  return {
    ...authProvider,
    finish: (callback) => transport.finishAuth(callback.get('code')!),
    async connect() {
      transport = new TransportOfV1(new URL(url), { authProvider: authProvider as never, fetch: registration.fetch })
      const client = new ClientOfV1(INFORMATION)
      await client.connect(transport as never)
      return {
        call: async (name, args = {}) => textOf(await client.callTool({ name, arguments: args })),
        close: () => client.close(),
      }
    },
  }
}

/** Whether the SDK waits for the user, whom it has sent to the authorization server. */
export const needsUser = (error: unknown): boolean =>
  error instanceof UnauthorizedError || error instanceof UnauthorizedErrorOfV1
