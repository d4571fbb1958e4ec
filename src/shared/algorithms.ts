/** The JWS algorithms an API may have its tokens signed with (RFC 7518, section 3.1; RFC 8037). */
export const SIGNING_ALGS = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const

/** The `typ` of access tokens: RFC 9068's, or that of plain JWTs for resource servers that know no other. */
export const TOKEN_TYPES = ['at+jwt', 'JWT'] as const

export type TokenType = (typeof TOKEN_TYPES)[number]

/**
 * The algorithms of DPoP proofs (RFC 9449, section 4.3). The same list stands in packages/resource-server/src/dpop.ts, which
 * imports nothing from here; a test compares them.
 */
export const DPOP_ALGS = ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const

/** The algorithms of client assertions (RFC 7523). */
export const CLIENT_ASSERTION_ALGS = ['ES256', 'PS256', 'EdDSA', 'Ed25519', 'RS256'] as const

export type ClientAssertionAlg = (typeof CLIENT_ASSERTION_ALGS)[number]

/** Those of ID tokens; discovery must name RS256 (OpenID Connect Discovery 1.0, section 3). */
export const ID_TOKEN_ALGS = ['RS256', 'ES256'] as const satisfies readonly SigningAlg[]

export type SigningAlg = (typeof SIGNING_ALGS)[number]
