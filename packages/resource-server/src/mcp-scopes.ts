import type { AccessToken } from './access-token.ts'
import { checkOperationScopes } from './scopes.ts'
import type { Verifier } from './verifier.ts'

type ScopesByName = Readonly<Record<string, readonly string[]>>

/** Which scopes the operations of an MCP server need, in addition to those of every request. */
export interface McpScopes {
  /** By the name of the tool. A tool that is not listed needs the scopes of all listed ones, so that a forgotten one is not open. */
  readonly tools?: ScopesByName
  /** By the method of the JSON-RPC message, such as `resources/read`. */
  readonly methods?: ScopesByName
}

const all = (scopes: ScopesByName = {}): string[] => Object.values(scopes).flat()

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function scopesOfTool(message: Record<string, unknown>, tools: ScopesByName): readonly string[] {
  const name = isObject(message.params) ? message.params.name : undefined
  return typeof name === 'string' && Object.hasOwn(tools, name) ? tools[name]! : all(tools)
}

function scopesOfMessage(message: unknown, { tools, methods = {} }: McpScopes): readonly string[] {
  if (!isObject(message) || Array.isArray(message)) return [...all(tools), ...all(methods)]
  const { method } = message
  if (typeof method !== 'string') return []
  return [
    ...(Object.hasOwn(methods, method) ? methods[method]! : []),
    ...(tools && method === 'tools/call' ? scopesOfTool(message, tools) : []),
  ]
}

/**
 * Returns the scopes that the messages in the body of a POST need; several of a batch need those of each. A body that is not a
 * JSON-RPC message needs all scopes: what this module cannot read, the server might.
 * @param body the parsed JSON; undefined if it could not be parsed
 */
export function scopesOfMcpBody(body: unknown, scopes: McpScopes): string[] {
  const messages = Array.isArray(body) ? body : [body]
  return [...new Set(messages.flatMap((message) => scopesOfMessage(message, scopes)))]
}

/**
 * Checks the scopes of a request to an MCP server whose token was verified. Only a POST holds messages.
 * @throws AccessTokenError `insufficient_scope`
 */
export function checkMcpScopes(
  { settings }: Verifier,
  token: AccessToken,
  request: { readonly method: string; readonly body: unknown },
  scopes: McpScopes,
): void {
  if (request.method !== 'POST') return
  checkOperationScopes(token, scopesOfMcpBody(request.body, scopes), settings)
}
