/** The catalogues hold the same messages, and the pages use each of them. */
import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LANGUAGE_CODES } from '../../src/languages/languages.ts'
import { literalsOf, placeholdersOf, pluralFormsOf } from './message-parts.ts'

const catalogueOf = (code: string): Record<string, string> =>
  JSON.parse(readFileSync(`src/languages/catalogues/${code}.json`, 'utf8'))

const english = catalogueOf('en')
const others = LANGUAGE_CODES.filter((code) => code !== 'en')

const read = (pattern: string): string =>
  globSync(pattern)
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n')

const CODE = read('src/**/*.ts')
// Views of the console use texts of its own catalogue beside these messages, by `gettext`.
const VIEWS = read('views/**/*.eta')

describe('the catalogues', () => {
  it('exist for every language, and for no other', () => {
    const files = globSync('src/languages/catalogues/*.json').map((path) => /(\w+)\.json$/.exec(path)![1])
    expect(files.sort()).toEqual([...LANGUAGE_CODES].sort())
  })

  it.each(others)('have every message of the English one, in the same order, and no other: %s', (code) => {
    expect(Object.keys(catalogueOf(code))).toEqual(Object.keys(english))
  })

  it.each(LANGUAGE_CODES)('have no empty message, and none with spaces at its ends: %s', (code) => {
    expect(
      Object.entries(catalogueOf(code)).filter(([, message]) => message.trim() !== message || message === ''),
    ).toEqual([])
  })

  it.each(others)('have the placeholders and tags of the English message: %s', (code) => {
    const placeholders = Object.entries(catalogueOf(code)).map(([key, message]) => [key, placeholdersOf(message)])
    expect(placeholders).toEqual(Object.entries(english).map(([key, message]) => [key, placeholdersOf(message)]))
  })

  it.each(LANGUAGE_CODES)('have the plural forms that the language needs, and no other: %s', (code) => {
    const needed = [...new Intl.PluralRules(code).resolvedOptions().pluralCategories].sort()
    for (const [key, message] of Object.entries(catalogueOf(code)))
      for (const forms of pluralFormsOf(message)) expect([key, forms]).toEqual([key, needed])
  })

  it.each(LANGUAGE_CODES)('have text that needs no escaping in HTML: %s', (code) => {
    const wrong = Object.entries(catalogueOf(code)).filter(([, message]) => /[<>&"]/.test(literalsOf(message)))
    expect(wrong).toEqual([])
  })

  it('have no-break spaces where French has a space beside punctuation, so that it does not begin or end a line', () => {
    expect(Object.entries(catalogueOf('fr')).filter(([, message]) => / [?!:;»]|« /.test(message))).toEqual([])
  })

  it('have full-width punctuation and no space beside it in Japanese', () => {
    const wrong = /[^ -~][,.!?:;()]|[,.!?:;()][^ -~]|[、。！？：（）「」] | [、。！？：（）「」]/
    expect(Object.entries(catalogueOf('ja')).filter(([, message]) => wrong.test(message))).toEqual([])
  })

  it('have Arabic commas, semicolons and question marks in Arabic', () => {
    expect(Object.entries(catalogueOf('ar')).filter(([, message]) => /[,;?]/.test(literalsOf(message)))).toEqual([])
  })

  it('have no French “de” before a name, which becomes “d’” before a vowel', () => {
    const wrong = /\bde (?:<b>)?\{(?:name|account|client|browser|site|email|instance|application)\}/i
    expect(Object.entries(catalogueOf('fr')).filter(([, message]) => wrong.test(message))).toEqual([])
  })

  it('have only messages that a page uses', () => {
    const unused = Object.keys(english).filter((key) => !CODE.includes(`'${key}'`) && !VIEWS.includes(`'${key}'`))
    expect(unused, 'delete them from every catalogue').toEqual([])
  })

  it('have every message that a view uses', () => {
    const used = [...VIEWS.matchAll(/\bt(?:\.html)?\('([^']+)'/g)].map(([, key]) => key!)
    expect(used.length).toBeGreaterThan(50)
    expect(used.filter((key) => !Object.hasOwn(english, key))).toEqual([])
  })
})
