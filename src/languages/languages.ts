/** A language of the pages. */
export interface Language {
  /** BCP 47, as in `lang` and `ui_locales`. */
  readonly code: LanguageCode
  /** In the language itself. */
  readonly name: string
  readonly direction: 'ltr' | 'rtl'
  /** For Intl. Codes and addresses have Latin digits in every language, so all numbers do. */
  readonly locale: string
}

export type LanguageCode = 'en' | 'de' | 'fr' | 'es' | 'pt' | 'ja' | 'ar'

const language = (code: LanguageCode, name: string, options: Partial<Language> = {}): Language => ({
  code,
  name,
  direction: 'ltr',
  locale: code,
  ...options,
})

/** English first: it serves users who prefer none of them; then German, the other language of the console. To add one: its row here, and its file in `catalogues/`. */
export const LANGUAGES: readonly Language[] = [
  language('en', 'English'),
  language('de', 'Deutsch'),
  language('fr', 'Français'),
  language('es', 'Español'),
  language('pt', 'Português'),
  language('ja', '日本語'),
  language('ar', 'العربية', { direction: 'rtl', locale: 'ar-u-nu-latn' }),
]

export const ENGLISH = LANGUAGES[0]!

/** The languages of the console. */
export const CONSOLE_LANGUAGES: readonly Language[] = LANGUAGES.slice(0, 2)

export const LANGUAGE_CODES: readonly LanguageCode[] = LANGUAGES.map(({ code }) => code)

export const languageOf = (code: string): Language | undefined => LANGUAGES.find((one) => one.code === code)

function subtagOf(tag: string): string | undefined {
  try {
    return new Intl.Locale(tag).language
  } catch {
    // Not a language tag.
    return undefined
  }
}

/** Tags of `ui_locales` that are looked at. */
const MAX_TAGS = 20

/**
 * The first language of `ui_locales` that the pages have: `fr-CA` is served in `fr` (OpenID Connect Core, section 3.1.2.1; RFC 4647,
 * section 3.4). Undefined: none, which is no error.
 */
export function matchUiLocales(uiLocales: unknown): Language | undefined {
  if (typeof uiLocales !== 'string') return undefined
  for (const tag of uiLocales.split(' ').slice(0, MAX_TAGS)) {
    const found = languageOf(subtagOf(tag) ?? '')
    if (found) return found
  }
  return undefined
}
