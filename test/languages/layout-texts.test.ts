/** The texts of the layout are the same in both kinds of catalogue. */
import { expect, it } from 'vitest'
import { translateConsoleTo, translateLayoutTo } from '../../src/languages/console/console-translator.ts'
import { LAYOUT_MESSAGES, layoutCatalogue } from '../../src/languages/console/layout-texts.ts'
import { CONSOLE_LANGUAGES, LANGUAGES } from '../../src/languages/languages.ts'

it.each(CONSOLE_LANGUAGES)('each has the message that the console has: $code', (language) => {
  const t = translateConsoleTo(language)
  const texts = Object.keys(LAYOUT_MESSAGES).map((text) => [text, t.declared(text)])
  expect(layoutCatalogue(language)).toEqual(Object.fromEntries(texts))
})

it.each(LANGUAGES)('are formatted with dates and numbers of the language: $code', (language) => {
  const t = translateLayoutTo(language)
  expect(t.language).toBe(language)
  const words = t('{browser} on {system}', { browser: 'Firefox', system: 'Windows' })
  expect(words).toMatch(/Firefox.*Windows|Windows.*Firefox/)
  const now = Date.UTC(2026, 10, 29, 13)
  const { words: ago, exact } = t.moment(new Date(now - 7_200_000), now)
  expect(ago).toBe(new Intl.RelativeTimeFormat(language.locale).format(-2, 'hour'))
  expect(exact).toMatch(/2026.*11:00.* UTC$/)
  expect(t.number(1234)).toBe(new Intl.NumberFormat(language.locale).format(1234))
})
