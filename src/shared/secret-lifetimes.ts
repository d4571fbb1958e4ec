import { attribute, duration, nullable } from './attributes.ts'

const SHORTEST = 3600

/** Five years of 365 days, in seconds. */
const LONGEST = 157_680_000

/** @param secrets whose lifetime is limited, as the hint says it */
export const maxSecretLifetimeAttribute = ({ section, secrets }: { section: string; secrets: string }) =>
  attribute({
    type: nullable(duration(LONGEST, 'days'), 'no limit'),
    initial: null,
    section,
    label: 'Maximum secret lifetime',
    hint: `New ${secrets} expire after this time at the latest. Present ones do not change. Leave empty for no limit.`,
    description: `The longest lifetime of new ${secrets} in seconds; null: no limit`,
    example: 7_776_000,
    option: {
      help: `Longest lifetime of new ${secrets}, ${SHORTEST} to ${LONGEST}; default: off`,
      nullWord: 'off',
    },
    validate: (seconds) =>
      Number.isInteger(seconds) && seconds >= SHORTEST && seconds <= LONGEST
        ? undefined
        : `a client secret lives ${SHORTEST} to ${LONGEST} seconds, not ${seconds}`,
  })

/** SQL: the secret `s`, which has stopped, stopped because its expiry came. A rotation or retirement makes `retires_at` earlier. */
export const HAS_EXPIRED = 's.retires_at >= s.expires_at'

/** The kinds of secrets that are stored as a set, in which none replaces another one. */
export const IN_SETS = ['key', 'certificate', 'trust'] as const

const KINDS_IN_SETS = IN_SETS.map((kind) => `'${kind}'`).join(', ')

/** SQL: whether a row of `client_secrets` is of a kind that is stored as a set. @param s table or alias */
export const isInSet = (s: string): string => `${s}.kind IN (${KINDS_IN_SETS})`

/**
 * SQL: whether a row of `client_secrets` replaces another one of its client, if it is newer. The public keys or certificates of one set do not replace
 * each other. Where the authentication method changes, kinds replace each other; API keys are apart.
 */
export const replaces = (n: string, s: string): string =>
  `(${n}.kind = 'api_key') = (${s}.kind = 'api_key') AND (${n}.kind <> ${s}.kind OR NOT ${isInSet(n)} OR ${n}.key_set <> ${s}.key_set)`

/** SQL: whether a newer secret replaced a row of `client_secrets`. @param s table or alias */
export const isReplaced = (s = 'client_secrets'): string => `EXISTS (
  SELECT FROM client_secrets n
   WHERE n.client_id = ${s}.client_id AND n.id > ${s}.id AND ${replaces('n', s)})`

/** SQL: whether a row of `client_secrets` works. Not by `now()`: the transaction may have begun before one that retired it. */
export const works = (s: string): string => `(${s}.retires_at IS NULL OR ${s}.retires_at > clock_timestamp())`
