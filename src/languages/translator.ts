import { readFileSync } from 'node:fs'
import { IntlMessageFormat } from 'intl-messageformat'
import english from './catalogues/en.json' with { type: 'json' }
import { ENGLISH, type Language, type LanguageCode } from './languages.ts'
import { timesIn } from './moments.ts'

/** The name of a message. */
export type MessageKey = keyof typeof english

export type Catalogue = Readonly<Record<MessageKey, string>>

/** Strings are names and addresses, which others wrote; numbers are formatted. */
export type TextValues = Readonly<Record<string, string | number>>

/** The messages of one language, by their keys. */
export interface Messages<Key extends string> {
  /** Plain text. */
  (key: Key, values?: TextValues): string
  readonly language: Language
  /**
   * HTML: strings are escaped and isolated from the direction of the text around them; `<b>` is strong, `<code>` code.
   * @param links the address of each other tag of the message, by its name
   */
  html(key: Key, values?: TextValues, links?: Readonly<Record<string, string>>): string
  /** `5 minutes`. Rounded up, so that a retry after it succeeds. */
  wait(seconds: number): string
  /** A time to the minute, with its zone: `29 November 2026 at 13:00 UTC`. */
  time(at: Date): string
}

/** The texts of one language. */
export type Translate = Messages<MessageKey>

/** The messages of a language by their keys, in ICU MessageFormat. */
export const catalogueOf = ({ code }: Language): Catalogue =>
  code === ENGLISH.code
    ? english
    : JSON.parse(readFileSync(new URL(`catalogues/${code}.json`, import.meta.url), 'utf8'))

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!)

const isolatedHtml = (text: string): string => `<bdi>${escapeHtml(text)}</bdi>`

/** First strong isolate, pop directional isolate (UAX #9). */
const isolated = (text: string): string => `\u2068${text}\u2069`

const unchanged = (text: string): string => text

type Chunks = readonly (string | unknown)[]

const strong = (chunks: Chunks): string => `<strong>${chunks.join('')}</strong>`

const code = (chunks: Chunks): string => `<code>${chunks.join('')}</code>`

const linkTo = (href: string) => (chunks: Chunks) => `<a href="${escapeHtml(href)}">${chunks.join('')}</a>`

const mapStrings = (values: TextValues, change: (text: string) => string): TextValues =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? change(value) : value]),
  )

const UNITS = [
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

function waitFormat({ locale }: Language): (seconds: number) => string {
  return (seconds) => {
    const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? UNITS[2]
    const format = new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' })
    return format.format(Math.max(1, Math.ceil(seconds / size)))
  }
}

/** ICU syntax; a message without it is its own text. */
const SYNTAX = /[{<']/

/**
 * Formats messages in ICU MessageFormat. A message is parsed when it is used first.
 * @param messageOf the message of a key
 */
export function createMessages<Key extends string>(language: Language, messageOf: (key: Key) => string): Messages<Key> {
  const parsed = new Map<Key, IntlMessageFormat>()
  const change = language.direction === 'rtl' ? isolated : unchanged

  function format(key: Key, values: Readonly<Record<string, unknown>>): string {
    const message = messageOf(key)
    if (!SYNTAX.test(message)) return message
    const formatter = parsed.get(key) ?? new IntlMessageFormat(message, language.locale)
    parsed.set(key, formatter)
    return String(formatter.format(values as TextValues))
  }

  const t = (key: Key, values: TextValues = {}) => format(key, mapStrings(values, change))
  const html: Messages<Key>['html'] = (key, values = {}, links = {}) => {
    const tags = Object.entries(links).map(([name, href]) => [name, linkTo(href)])
    return format(key, { ...mapStrings(values, isolatedHtml), ...Object.fromEntries(tags), b: strong, code })
  }
  return Object.assign(t, { language, html, wait: waitFormat(language), time: timesIn(language) })
}

/** Reads the catalogue. */
function createTranslate(language: Language): Translate {
  const catalogue = catalogueOf(language)
  return createMessages(language, (key: MessageKey) => catalogue[key])
}

const translators = new Map<LanguageCode, Translate>()

/** The texts of a language, which are read when they are needed first. */
export function translateTo(language: Language): Translate {
  const translate = translators.get(language.code) ?? createTranslate(language)
  translators.set(language.code, translate)
  return translate
}

export const toEnglish = (): Translate => translateTo(ENGLISH)
