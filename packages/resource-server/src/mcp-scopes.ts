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

/** Answers a request of the server (JSON-RPC 2.0, section 5). */
const isResponse = (message: Record<string, unknown>): boolean =>
  Object.hasOwn(message, 'result') || Object.hasOwn(message, 'error')

function scopesOfMessage(message: unknown, { tools, methods = {} }: McpScopes): readonly string[] {
  if (!isObject(message) || Array.isArray(message)) return [...all(tools), ...all(methods)]
  const { method } = message
  if (typeof method !== 'string') return isResponse(message) ? [] : [...all(tools), ...all(methods)]
  return [
    ...(Object.hasOwn(methods, method) ? methods[method]! : []),
    ...(tools && method === 'tools/call' ? scopesOfTool(message, tools) : []),
  ]
}

/**
 * Returns the scopes that the messages in the body of a POST need; several of a batch need those of each. A body that is not a
 * JSON-RPC message needs all scopes: what this module cannot read, the server might. Body parsers of Express 4 and Koa give `{}` for
 * a body that they skipped.
 * @param body the parsed JSON; undefined if it could not be parsed
 */
export function scopesOfMcpBody(body: unknown, scopes: McpScopes): string[] {
  const needed = new Set<string>()
  for (const message of Array.isArray(body) ? body : [body])
    for (const scope of scopesOfMessage(message, scopes)) needed.add(scope)
  return [...needed]
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
