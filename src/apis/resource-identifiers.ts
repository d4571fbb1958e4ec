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
