/** The JWS algorithms an API may have its tokens signed with (RFC 7518, section 3.1; RFC 8037). */
export const SIGNING_ALGS = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const

/** Those of ID tokens; discovery must name RS256 (OpenID Connect Discovery 1.0, section 3). */
export const ID_TOKEN_ALGS = ['RS256', 'ES256'] as const satisfies readonly SigningAlg[]

export type IdTokenAlg = (typeof ID_TOKEN_ALGS)[number]

export type SigningAlg = (typeof SIGNING_ALGS)[number]
