import type { Context } from 'koa'
import { type ConsoleTranslate, translateConsoleTo } from '../languages/console/console-translator.ts'
import { ENGLISH, LANGUAGE_CODES, type Language, languageOf, matchUiLocales } from '../languages/languages.ts'
import { type Translate, translateTo } from '../languages/translator.ts'
import { readCookie, writeCookie } from './cookies.ts'
import { ownPath } from './return-to.ts'

/** `fr.1764430000`: the language, and when it was selected, in seconds since 1970. */
const COOKIE = 'kw_language'
const COOKIE_VALUE = /^([a-z]{2})\.(\d{1,12})$/

const YEAR = 365 * 24 * 3600 * 1000

/** Seconds. A selection this recent was made during the present sign-in, and wins over its `ui_locales` and its user's language. */
const RECENT = 3600

const now = (): number => Math.floor(Date.now() / 1000)

interface Selection {
  readonly language: Language
  readonly isRecent: boolean
}

function selectionOf(ctx: Context): Selection | undefined {
  const [, code, selectedAt] = COOKIE_VALUE.exec(readCookie(ctx, COOKIE) ?? '') ?? []
  const language = code ? languageOf(code) : undefined
  return language && { language, isRecent: now() - Number(selectedAt) < RECENT }
}

/** Keeps the language that the user selected in this browser. */
export const selectLanguage = (ctx: Context, { code }: Language): void =>
  writeCookie(ctx, COOKIE, `${code}.${now()}`, YEAR)

/** Tells the pages of this request the `ui_locales` of the application's request (OpenID Connect Core, section 3.1.2.1). */
export function setUiLocales(ctx: Context, uiLocales: string | undefined): void {
  ctx.state.uiLocales = uiLocales
}

/**
 * Tells the pages of this request the language that their user selected, in whichever browser. Null: none. The browser keeps it for pages
 * that do not know the user: those of the engine, and those after sign-out.
 */
export function setUserLanguage(ctx: Context, code: string | null): void {
  ctx.state.userLanguage = code
  const selection = selectionOf(ctx)
  const isKept = selection?.isRecent || selection?.language.code === code
  if (code !== null && !isKept) writeCookie(ctx, COOKIE, `${code}.0`, YEAR)
}

const acceptedLanguage = (ctx: Context): Language =>
  languageOf(ctx.acceptsLanguages([...LANGUAGE_CODES]) || '') ?? ENGLISH

function pageLanguage(ctx: Context): Language {
  const selection = selectionOf(ctx)
  if (selection?.isRecent) return selection.language
  const wanted = matchUiLocales(ctx.state.uiLocales ?? ctx.query.ui_locales)
  return wanted ?? languageOf(ctx.state.userLanguage ?? '') ?? selection?.language ?? acceptedLanguage(ctx)
}

/**
 * The texts of the page that answers a request: in the language that was selected in this browser during the last hour, else that of
 * `ui_locales`, else the one of the signed-in user, else the one selected in this browser earlier, else the one that the browser
 * prefers, else English.
 */
export const translateFor = (ctx: Context): Translate => translateTo(pageLanguage(ctx))

/** The texts of the page of the console that answers a request, by the same rules. The console is in fewer languages. */
export const translateConsoleFor = (ctx: Context): ConsoleTranslate => translateConsoleTo(pageLanguage(ctx))

/** A language that the user can select on a page. */
interface LanguageLink extends Pick<Language, 'code' | 'name' | 'direction'> {
  readonly href: string
}

export const LANGUAGE_PATH = '/language'

/**
 * The links that show the same page in another language. None on the answer to a form, which is not shown anew.
 * @param languages in which the page can be shown
 */
export function languageLinks(ctx: Context, languages: readonly Language[]): readonly LanguageLink[] {
  const here = ownPath(ctx.originalUrl)
  if (ctx.method === 'POST' || (here === '/' && ctx.path !== '/')) return []
  return languages.map(({ code, name, direction }) => ({
    code,
    name,
    direction,
    href: `${LANGUAGE_PATH}?${new URLSearchParams({ to: code, return_to: here })}`,
  }))
}
