/** The JWS algorithms an API may have its tokens signed with (RFC 7518, section 3.1; RFC 8037). */
export const SIGNING_ALGS = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const

export type SigningAlg = (typeof SIGNING_ALGS)[number]
