import { expect, it } from 'vitest'
import { LANGUAGES, languageOf, matchUiLocales } from '../../src/languages/languages.ts'
import { toEnglish, translateTo } from '../../src/languages/translator.ts'

const german = () => translateTo(languageOf('de')!)
const arabic = () => translateTo(languageOf('ar')!)

it('HTML escapes and isolates every value, and makes tags of the message alone', () => {
  const html = toEnglish().html('consent.ofAccount', { account: '<b>"Eve" & \'co\'</b>' })
  expect(html).toBe(
    'An application of <strong><bdi>&lt;b&gt;&quot;Eve&quot; &amp; &#39;co&#39;&lt;/b&gt;</bdi></strong>.',
  )
  expect(toEnglish().html('consent.revocable', {}, { applications: '/a?b=1&c="' })).toBe(
    'You can revoke access at any time in <a href="/a?b=1&amp;c=&quot;">Connected applications</a>.',
  )
})

it('a value is text: ICU syntax in it is not read', () => {
  expect(toEnglish()('consent.title', { name: "{evil} '#' <b>x</b>" })).toBe("Allow {evil} '#' <b>x</b>?")
})

it('plain text isolates values in a language that is written from right to left, and in no other', () => {
  expect(arabic()('consent.title', { name: 'Sync' })).toContain('\u2068Sync\u2069')
  expect(german()('consent.title', { name: 'Sync' })).toBe('Sync Zugriff erlauben?')
})

it('plurals and waiting times follow the rules of the language, with Latin digits', () => {
  const texts = [1, 2, 5, 12, 256].map((count) => arabic()('password.tooShort', { count }))
  expect(texts[0]).toContain('حرفًا واحدًا')
  expect(texts[1]).toContain('حرفين')
  expect(texts[2]).toContain('5 أحرف')
  expect(texts[3]).toContain('12 حرفًا')
  expect([0.2, 61, 4000].map(german().wait)).toEqual(['1 Sekunde', '2 Minuten', '2 Stunden'])
  expect([0.2, 61, 4000].map(toEnglish().wait)).toEqual(['1 second', '2 minutes', '2 hours'])
  expect(arabic().wait(300)).toMatch(/^5 /)
})

it.each([
  ['de', 'de'],
  ['fr-CA fr en', 'fr'],
  ['zh-Hans pt-BR de', 'pt'],
  ['ar-EG', 'ar'],
  ['JA', 'ja'],
  ['xx *', undefined],
  ['x_y  ; "', undefined],
  ['', undefined],
  [['de', 'fr'], undefined],
  [undefined, undefined],
])('ui_locales %j is served in %s', (uiLocales, code) => {
  expect(matchUiLocales(uiLocales)?.code).toBe(code)
})

it('of a long ui_locales only the beginning is read', () => {
  expect(matchUiLocales(`${'xx '.repeat(19)}de`)?.code).toBe('de')
  expect(matchUiLocales(`${'xx '.repeat(20)}de`)).toBeUndefined()
})

it('every language has its name in itself, and a direction that Intl knows', () => {
  for (const { code, name, direction } of LANGUAGES) {
    expect(new Intl.DisplayNames([code], { type: 'language' }).of(code)?.toLowerCase()).toBe(name.toLowerCase())
    expect(direction).toBe(code === 'ar' ? 'rtl' : 'ltr')
  }
})
