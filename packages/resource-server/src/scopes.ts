import type { JWTPayload } from 'jose'
import { type AccessToken, scopesOf } from './access-token.ts'
import { AccessTokenError } from './errors.ts'
import type { Settings } from './options.ts'

const unique = (names: readonly string[]): string[] => [...new Set(names)]

/** The scopes with all that they imply, also over several steps. */
function withImplied(scopes: readonly string[], implied: Settings['impliedScopes']): Set<string> {
  const all = new Set(scopes)
  for (const scope of all) {
    const further = Object.hasOwn(implied, scope) ? implied[scope]! : []
    for (const name of further) all.add(name)
  }
  return all
}

const isGranted = (granted: readonly string[], required: readonly string[], { impliedScopes }: Settings): boolean => {
  const all = withImplied(granted, impliedScopes)
  return required.every((scope) => all.has(scope))
}

/** @throws AccessTokenError `insufficient_scope`, with all required scopes (RFC 6750, section 3.1) */
export function checkScopes(claims: JWTPayload, required: readonly string[], settings: Settings): void {
  if (required.length === 0 || isGranted(scopesOf(claims), required, settings)) return
  const scope = unique(required).join(' ')
  throw new AccessTokenError('insufficient_scope', `the access token needs the scope ${scope}`, { scope })
}

/** Asks for a refresh token, which no API needs (OpenID Connect Core, section 11; MCP, *Refresh Tokens*). */
const OFFLINE_ACCESS = 'offline_access'

/**
 * Checks the scopes of one operation after the token was verified. The error names the scopes that the token has too: clients that
 * request exactly what the challenge names would lose them.
 * @throws AccessTokenError `insufficient_scope`
 */
export function checkOperationScopes(token: AccessToken, required: readonly string[], settings: Settings): void {
  if (isGranted(token.scopes, required, settings)) return
  const message = `the operation needs the scope ${unique(required).join(' ')}`
  const scope = unique([...token.scopes.filter((name) => name !== OFFLINE_ACCESS), ...required]).join(' ')
  throw new AccessTokenError('insufficient_scope', message, { scope, tokenId: token.id })
}
