import { expect, it } from 'vitest'
import { toConsoleEnglish, translateConsoleTo } from '../../src/languages/console/console-translator.ts'
import { languageOf } from '../../src/languages/languages.ts'

const german = translateConsoleTo(languageOf('de')!)
const english = toConsoleEnglish()

it('a text is its own English, and has a German translation', () => {
  expect(english('Settings')).toBe('Settings')
  expect(german('Settings')).toBe('Einstellungen')
  expect(english('API access of {name}.', { name: "{x} <b> '" })).toBe("API access of {x} <b> '.")
  expect(german('API access of {name}.', { name: 'Example' })).toBe('API-Zugriff von Example.')
})

it('the console is English for users of the languages that it does not have', () => {
  expect(translateConsoleTo(languageOf('fr')!)('Settings')).toBe('Settings')
  expect(translateConsoleTo(languageOf('ar')!).language.code).toBe('en')
})

it('a declared text without a translation stays English, and is marked as English in HTML', () => {
  expect(german.declared('Operator')).toBe('Betreiber')
  expect(german.declared('No such text {')).toBe('No such text {')
  expect(german.declaredHtml('Operator')).toBe('Betreiber')
  expect(german.declaredHtml('<b> is wrong')).toBe('<span lang="en">&lt;b&gt; is wrong</span>')
  expect(english.declaredHtml('<b> is wrong')).toBe('&lt;b&gt; is wrong')
})

it('numbers, durations, lists and times follow the language', () => {
  const now = Date.parse('2026-11-29T13:00:00Z')
  const ago = (seconds: number) => new Date(now - seconds * 1000)
  expect([1, 1200].map((count) => german.number(count))).toEqual(['1', '1.200'])
  expect([60, 5400, 36_000, 86_400, 100_000_001].map(english.duration)).toEqual([
    '1 minute',
    '90 minutes',
    '10 hours',
    '1 day',
    '100,000,001 seconds',
  ])
  expect([60, 5400, 36_000, 86_400].map(german.duration)).toEqual(['1 Minute', '90 Minuten', '10 Stunden', '1 Tag'])
  expect(german.list(['a', 'b', 'c'])).toBe('a, b und c')
  expect(german.moment(ago(5), now)).toEqual({
    words: 'gerade eben',
    exact: '29. November 2026 um 12:59 UTC',
    iso: '2026-11-29T12:59:55.000Z',
  })
  expect(german.moment(ago(7200), now).words).toBe('vor 2 Stunden')
  expect(english.moment(ago(7200), now).exact).toBe('29 November 2026 at 11:00 UTC')
  expect(german.date(now, { hour: '2-digit', minute: '2-digit' })).toBe('13:00')
  expect(english.date(now, { day: 'numeric', month: 'short' })).toBe('29 Nov')
})
