/** The longest life of an access token: 30 days, in seconds. */
export const MAX_ACCESS_TOKEN_TTL = 2_592_000

/** The longest life of a refresh token: 366 days, in seconds. */
export const MAX_REFRESH_TOKEN_TTL = 31_622_400

/**
 * The absolute end of a chain of refresh tokens of a new application: 366 days after the sign-in, in seconds. Without an end
 * a stolen refresh token that is used again and again lives for ever (OWASP ASVS 5.0, 10.4.8).
 */
export const DEFAULT_REFRESH_TOKEN_MAX_AGE = 31_622_400

/** The latest absolute end of a chain of refresh tokens: 3650 days after the sign-in, in seconds. */
export const MAX_REFRESH_TOKEN_MAX_AGE = 315_360_000

/** The longest time in which the same request receives the same access token: one day, in seconds. */
export const MAX_REUSE_WINDOW = 86_400

const lasts = (seconds: number, most: number) => Number.isInteger(seconds) && seconds >= 60 && seconds <= most

/** The error of an access token lifetime in seconds. Undefined: valid. */
export const accessTokenTtlError = (ttl: number): string | undefined =>
  lasts(ttl, MAX_ACCESS_TOKEN_TTL)
    ? undefined
    : `an access token lives 60 to ${MAX_ACCESS_TOKEN_TTL} seconds, not ${ttl}`

export const reuseWindowError = (window: number): string | undefined =>
  lasts(window, MAX_REUSE_WINDOW)
    ? undefined
    : `a token is used again for 60 to ${MAX_REUSE_WINDOW} seconds, not ${window}`

export const refreshTokenTtlError = (ttl: number): string | undefined =>
  lasts(ttl, MAX_REFRESH_TOKEN_TTL)
    ? undefined
    : `a refresh token lives 60 to ${MAX_REFRESH_TOKEN_TTL} seconds, not ${ttl}`

export const refreshTokenMaxAgeError = (age: number): string | undefined =>
  lasts(age, MAX_REFRESH_TOKEN_MAX_AGE)
    ? undefined
    : `refresh tokens end 60 to ${MAX_REFRESH_TOKEN_MAX_AGE} seconds after the sign-in, not ${age}`
