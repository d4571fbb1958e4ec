import { attribute, duration } from '../shared/attributes.ts'

/** Bounds of both lifetimes, in seconds: 5 minutes and 365 days. */
const SHORTEST = 300
const LONGEST = 31_536_000

const lifetimeError = (seconds: number): string | undefined =>
  Number.isInteger(seconds) && seconds >= SHORTEST && seconds <= LONGEST
    ? undefined
    : `a session lasts ${SHORTEST} to ${LONGEST} seconds, not ${seconds}`

/** How long sessions of browsers last (NIST SP 800-63B, section 7.2; ASVS 5.0, 7.3). */
export const SESSION_LIFETIME_ATTRIBUTES = {
  sessionIdleLifetime: attribute({
    type: duration(LONGEST, 'days'),
    initial: 259_200,
    section: 'signIn',
    label: 'Session idle lifetime',
    hint: 'Users sign in again when they have not used their browser for this time, 5 minutes to 365 days. A shorter time also applies to existing sessions.',
    description: 'Seconds after the last request, after which a user signs in again',
    example: 259_200,
    option: { help: 'Seconds without a request after which users sign in again, 300 to 31536000; initially 3 days' },
    validate: lifetimeError,
  }),
  sessionLifetime: attribute({
    type: duration(LONGEST, 'days'),
    initial: 604_800,
    section: 'signIn',
    label: 'Session absolute lifetime',
    hint: 'Users sign in again this long after their last sign-in, 5 minutes to 365 days. It also applies to existing sessions.',
    description: 'Seconds after the sign-in, after which a user signs in again, however active they are',
    example: 604_800,
    option: { help: 'Seconds after the sign-in after which users sign in again, 300 to 31536000; initially 7 days' },
    validate: lifetimeError,
  }),
}

/** The lifetimes of sessions, in seconds. */
export interface SessionLifetimes {
  /** After the last request. */
  readonly idle: number
  /** After the sign-in. */
  readonly absolute: number
}

/** SQL: a column with the `SessionLifetimes` of the instance. */
export const SESSION_LIFETIMES = `(
  SELECT json_build_object('idle', i.session_idle_lifetime, 'absolute', i.session_lifetime) FROM instance_settings i
) AS session_lifetimes`
