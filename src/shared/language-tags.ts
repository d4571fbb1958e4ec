/** Characters of a language tag (RFC 5646, section 4.4.1). */
const LONGEST_TAG = 35

/**
 * A language tag (BCP 47; RFC 5646) in its canonical form: `PT-br` becomes `pt-BR`. Undefined: it is not well-formed, or it has
 * extensions or private use, which say nothing about the language of a text.
 */
export function canonicalLanguageTag(tag: string): string | undefined {
  if (tag.length > LONGEST_TAG) return undefined
  try {
    const locale = new Intl.Locale(tag)
    return locale.toString() === locale.baseName && !/^und\b/.test(locale.baseName) ? locale.baseName : undefined
  } catch {
    return undefined
  }
}
