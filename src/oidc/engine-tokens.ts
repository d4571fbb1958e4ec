import type { EngineToken } from './engine-internals.ts'

/** A key binding that the engine has verified (RFC 9449, RFC 8705), as claims. */
export function bindingOf(token: EngineToken): Record<string, unknown> | undefined {
  const x5t = token['x5t#S256']
  if (!token.jkt && !x5t) return undefined
  return { cnf: { ...(token.jkt && { jkt: token.jkt }), ...(x5t && { 'x5t#S256': x5t }) } }
}
