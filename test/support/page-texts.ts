/** Words that texts in other languages and the names of the sample data do not have. */
const ENGLISH_WORDS = /\b(the|of|and|is|are|this|your|with|to|for|not|you)\b/i

export const hasEnglishWord = (text: string): boolean => ENGLISH_WORDS.test(text)

const UNSEEN = /<(head|code|pre|textarea|svg|script)\b[\s\S]*?<\/\1>/g
const IN_ENGLISH = /<(\w+)[^>]* (?:lang|hreflang)="en"[\s\S]*?<\/\1>/g

/** The texts of a page that users see or hear, without code and without what is marked as English. */
export function textsOf(html: string): string[] {
  const seen = html.replace(UNSEEN, ' ').replace(IN_ENGLISH, ' ')
  const attributes = [
    ...seen.matchAll(
      / (?:aria-label|alt|title|data-label|data-copied|data-blocked|data-failures|placeholder)="([^"]*)"/g,
    ),
  ].map(([, text]) => text!)
  const words = seen.replace(/<\/?(?:bdi|strong|b)>/g, '').split(/<[^>]*>/)
  return [...attributes, ...words].map((text) =>
    text.replaceAll('&#39;', "'").replaceAll('&quot;', '"').replace(/\s+/g, ' ').trim(),
  )
}
