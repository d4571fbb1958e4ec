import { readdirSync, readFileSync } from 'node:fs'
import { CONSOLE_LANGUAGES, ENGLISH, type Language } from '../languages.ts'
import { dateLocaleOf, type Moment, momentsIn } from '../moments.ts'
import { createMessages, escapeHtml, type Messages } from '../translator.ts'
import type { ConsoleText } from './console-text.ts'
import { layoutCatalogue } from './layout-texts.ts'

/** The texts of the console in one language. The English text is the key. */
export interface ConsoleTranslate extends Messages<ConsoleText> {
  /** A text that is declared outside of the pages, such as the label of an attribute. It has no placeholders; without a translation it stays English. */
  declared(text: string): string
  /**
   * HTML of a message that may exist in English only, such as that of an error; it is marked as English then.
   * @param english how it is written in English; absent: as it is
   */
  declaredHtml(text: string, english?: string): string
  /** `1,200`. */
  number(count: number, options?: Intl.NumberFormatOptions): string
  /** Exactly, in the largest unit that needs no fraction: `10 hours`, `90 minutes`. */
  duration(seconds: number): string
  moment(at: Date, now?: number): Moment
  /** UTC. */
  date(at: Date | number, options: Intl.DateTimeFormatOptions): string
  /** `a, b, and c`. */
  list(items: readonly string[]): string
}

type Catalogue = Readonly<Record<string, string>>

const CATALOGUE = new URL('de/', import.meta.url)

const readJson = (name: string): Catalogue => JSON.parse(readFileSync(new URL(name, CATALOGUE), 'utf8'))

const readCatalogue = ({ code }: Language): Catalogue | undefined =>
  code === ENGLISH.code ? undefined : Object.assign({}, ...readdirSync(CATALOGUE).map(readJson))

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** @param catalogue the texts by their English text; absent: English */
function createConsoleTranslate(language: Language, catalogue: Catalogue | undefined): ConsoleTranslate {
  const t = createMessages(language, (text: ConsoleText) => catalogue?.[text] ?? text)
  const numbers = new Intl.NumberFormat(language.locale)
  const lists = new Intl.ListFormat(language.locale)
  const dates = dateLocaleOf(language)
  const number: ConsoleTranslate['number'] = (count, options) =>
    (options ? new Intl.NumberFormat(language.locale, options) : numbers).format(count)
  return Object.assign(t, {
    declared: (text: string) => catalogue?.[text] ?? text,
    declaredHtml(text: string, english = text) {
      if (!catalogue) return escapeHtml(english)
      return Object.hasOwn(catalogue, text)
        ? escapeHtml(catalogue[text]!)
        : `<span lang="en">${escapeHtml(english)}</span>`
    },
    number,
    duration(seconds: number) {
      const [unit, size] = UNITS.find(([, one]) => seconds % one === 0)!
      return number(seconds / size, { style: 'unit', unit, unitDisplay: 'long' })
    },
    moment: momentsIn(language, t('just now')),
    date: (at: Date | number, options: Intl.DateTimeFormatOptions) =>
      new Intl.DateTimeFormat(dates, { timeZone: 'UTC', ...options }).format(at),
    list: (items: readonly string[]) => lists.format(items),
  })
}

const translators = new Map<string, ConsoleTranslate>()

/** The texts of the console in a language, or in English where the console does not have it. A catalogue is read when it is needed first. */
export function translateConsoleTo({ code }: Language): ConsoleTranslate {
  const language = CONSOLE_LANGUAGES.find((one) => one.code === code) ?? ENGLISH
  const translate = translators.get(language.code) ?? createConsoleTranslate(language, readCatalogue(language))
  translators.set(language.code, translate)
  return translate
}

const layoutTranslators = new Map<string, ConsoleTranslate>()

/**
 * The texts of the console around a user's own pages, which are in every language. In a language that the console does not have, all others
 * are English.
 */
export function translateLayoutTo(language: Language): ConsoleTranslate {
  if (CONSOLE_LANGUAGES.includes(language)) return translateConsoleTo(language)
  const translate = layoutTranslators.get(language.code) ?? createConsoleTranslate(language, layoutCatalogue(language))
  layoutTranslators.set(language.code, translate)
  return translate
}

/** For pages that are not translated yet. */
export const toConsoleEnglish = (): ConsoleTranslate => translateConsoleTo(ENGLISH)
