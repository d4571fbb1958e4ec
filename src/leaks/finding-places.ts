import { withoutSecrets } from '../shared/secrets.ts'

/** Characters of a stored URL. */
const LONGEST_URL = 1000

/** Characters of a stored source. */
const LONGEST_SOURCE = 40

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

const holdsSecret = (text: string): boolean => withoutSecrets(text, Number.MAX_SAFE_INTEGER) !== text

/**
 * Where something was found, as it is stored: an http or https URL without user name, query and fragment, which may hold
 * secrets; only its origin where the path holds one. Null for anything else.
 */
export function storedUrl(text: string | undefined): string | null {
  const url = URL.parse(text ?? '')
  if (!url || !/^https?:$/.test(url.protocol)) return null
  const place = url.origin + url.pathname
  const isPlain = place.length <= LONGEST_URL && !holdsSecret(decoded(place))
  return isPlain && decoded(place) !== '' ? place : url.origin.slice(0, LONGEST_URL)
}

/** The kind of place, such as `commit` or `Gist_content`; null: none, or no such word. */
export function storedSource(text: string | undefined): string | null {
  const isWord = text !== undefined && text.length <= LONGEST_SOURCE && /^[A-Za-z]+(?:[_-][A-Za-z]+)*$/.test(text)
  return isWord && !holdsSecret(text) ? text : null
}
