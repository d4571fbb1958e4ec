import { describe, expect, it } from 'vitest'
import { isConfusable } from '../../src/shared/confusable-names.ts'
import { nameError, textError } from '../../src/shared/names.ts'

describe('a name', () => {
  it.each([
    ...['\u00ad', '\u3164', '\u200b\u2060', '\u2800\u2800', '\u115f', '\ufe0f', '\u034f'],
    ...[
      'Pay\u200bPal',
      'Pay\u00adPal',
      'A\u202ecmE',
      'A\u2066b\u2069',
      'a\u200eb',
      'a\u061cb',
      'Acme\u3164',
      'Acme\u2800',
    ],
    ...[
      'A\u{e0041}B',
      'two\u2028lines',
      'two\nlines',
      'tab\tbed',
      'nul\0',
      'half\ud800',
      '\ufeffAcme',
      'a\u200db',
      'a\u200cb',
    ],
  ])('%j is refused', (name) => {
    expect(nameError('a name', name, 200)).toMatch(/^a name (has 1 to|holds no)/)
  })

  it.each([
    ...['Acme Ltd', 'Müller & Söhne', 'Приложение', '例え株式会社', 'שלום', 'مثال', 'Ünïcode™ №1', '100 %'],
    ...['Party 🎉', 'Love ❤️', 'Family 👨‍👩‍👧', 'Flag 🇩🇪', '🏴󠁧󠁢󠁳󠁣󠁴󠁿 Whisky', 'می‌خواهم', 'क्‍ष'],
  ])('%j is accepted', (name) => {
    expect(nameError('a name', name, 200)).toBeUndefined()
  })

  it('of several lines is a text', () => {
    expect(textError('a text', 'one\r\n\ttwo')).toBeUndefined()
    expect(textError('a text', 'one\u202etwo')).toMatch(/direction/)
  })
})

describe("a name that is, or looks like, the instance's", () => {
  it.each([
    ['Keywright', 'Keywright'],
    ['Keywright', 'KEYWRIGHT'],
    ['Keywright', ' keywright  '],
    ['Keywright', 'Кеуwrіght'],
    ['Keywright', 'Key\u00adwright'],
    ['Keywright', 'Ｋｅｙｗｒｉｇｈｔ'],
    ['Keywright', '𝐊𝐞𝐲𝐰𝐫𝐢𝐠𝐡𝐭'],
    ['Illinois Power', 'lllinois  Power'],
    ['Acme Identity', 'Acrne\u00a0Identity'],
    ['Müller', 'Mu\u0308ller'],
  ])('%j is confusable with %j', async (instance, name) => {
    expect(await isConfusable(name, instance)).toBe(true)
  })

  it.each([
    ['Keywright', 'Keywriter'],
    ['Keywright', 'Keywright Sync'],
    ['Müller', 'Miller'],
  ])('%j is not confusable with %j', async (instance, name) => {
    expect(await isConfusable(name, instance)).toBe(false)
  })
})
