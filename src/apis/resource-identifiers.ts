/** In UTF-16 code units. */
export const MAX_IDENTIFIER_LENGTH = 500

const UNPRINTABLE = /[\s\p{Cc}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]/u

/** The error of an API's identifier: an absolute URI without a fragment (RFC 8707, section 2). Undefined: valid. */
export function identifierError(identifier: string): string | undefined {
  const isWrong = identifier.includes('#') || identifier.length > MAX_IDENTIFIER_LENGTH || UNPRINTABLE.test(identifier)
  if (!isWrong && identifier.isWellFormed() && URL.canParse(identifier)) return undefined
  const shown = identifier.slice(0, MAX_IDENTIFIER_LENGTH).toWellFormed()
  return `an API's identifier is an absolute URI without a fragment, not: ${shown}`
}

/** An http or https URI with an empty path, or with `/` alone. */
const WITHOUT_PATH = /^(https?:\/\/[^/?#]+)\/?(\?.*)?$/i

/**
 * The ways to write an API's identifier, itself first. RFC 3986, section 6.2.3: in http and https URIs an empty path and
 * `/` are the same.
 */
export function spellingsOf(identifier: string): readonly string[] {
  const [, authority, query = ''] = WITHOUT_PATH.exec(identifier) ?? []
  if (authority === undefined) return [identifier]
  const spellings = [`${authority}${query}`, `${authority}/${query}`]
  return identifier === spellings[0] ? spellings : spellings.toReversed()
}

interface Identified {
  readonly identifier: string
}

/** The one that is named, exactly or in another spelling. */
export function findByIdentifier<Api extends Identified>(apis: readonly Api[], named: string): Api | undefined {
  const exact = apis.find(({ identifier }) => identifier === named)
  if (exact) return exact
  const [, other] = spellingsOf(named)
  return other === undefined ? undefined : apis.find(({ identifier }) => identifier === other)
}
