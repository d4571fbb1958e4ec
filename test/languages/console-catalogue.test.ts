/** The German catalogue of the console: every text of its translated pages, each once, and no other. */
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { declaredTexts } from './declared-texts.ts'
import { literalsOf, placeholdersOf, pluralFormsOf } from './message-parts.ts'

const FOLDER = 'src/languages/console/de'
const FILES = readdirSync(FOLDER)

const entriesOf = (file: string): [string, string][] =>
  Object.entries(JSON.parse(readFileSync(`${FOLDER}/${file}`, 'utf8')))

const ENTRIES = FILES.flatMap(entriesOf)
const KEYS = new Set(ENTRIES.map(([text]) => text))

const read = (pattern: string): string =>
  globSync(pattern)
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n')

const CODE = read('src/**/*.ts')
const VIEWS = read('views/**/*.eta')

/** Whether the text is a string of the code or of a view. */
const isUsed = (text: string): boolean =>
  [`'${text.replaceAll("'", "\\'")}'`, `"${text}"`, `\`${text}\``].some(
    (literal) => CODE.includes(literal) || VIEWS.includes(literal),
  )

describe('the German catalogue of the console', () => {
  it('has a file for each area of the console, one for the shared texts and one for those that are declared elsewhere', () => {
    const areas = readdirSync('src/web/console', { withFileTypes: true }).filter((entry) => entry.isDirectory())
    const expected = [...areas.map(({ name }) => name), 'declared']
    expect(FILES.map((file) => basename(file, '.json')).sort()).toEqual(expected.sort())
  })

  it('is the type of the texts, file by file', () => {
    const imported = read('src/languages/console/console-text.ts').matchAll(/from '\.\/de\/(\w+\.json)'/g)
    expect([...imported].map(([, file]) => file).sort()).toEqual(FILES.toSorted())
  })

  it('has a text in one file only', () => {
    const seen = new Map<string, string[]>()
    for (const file of FILES) for (const [text] of entriesOf(file)) seen.set(text, [...(seen.get(text) ?? []), file])
    const twice = [...seen].filter(([, files]) => files.length > 1)
    expect(twice, 'move what several areas use to kit.json').toEqual([])
  })

  it.each(FILES)('has its texts in alphabetical order: %s', (file) => {
    const texts = entriesOf(file).map(([text]) => text)
    expect(texts).toEqual(texts.toSorted())
  })

  it('has no empty text, and none with spaces at its ends', () => {
    const wrong = ENTRIES.flat().filter((text) => text.trim() !== text || text === '')
    expect(wrong).toEqual([])
  })

  it('has the placeholders and tags of the English text', () => {
    expect(ENTRIES.map(([text, german]) => [text, placeholdersOf(german)])).toEqual(
      ENTRIES.map(([text]) => [text, placeholdersOf(text)]),
    )
  })

  it('has the plural forms of German and of English, and no other', () => {
    for (const text of ENTRIES.flat())
      for (const forms of pluralFormsOf(text)) expect([text, forms]).toEqual([text, ['one', 'other']])
  })

  it('has no text that needs escaping in HTML, beside quotation marks', () => {
    expect(ENTRIES.flat().filter((text) => /[<>&]/.test(literalsOf(text)))).toEqual([])
  })

  it('has German quotation marks', () => {
    expect(ENTRIES.filter(([, german]) => /["“](?=\w)|(?<!\w)'|'(?!\w)/.test(literalsOf(german)))).toEqual([])
  })

  it('has one word for an identity provider', () => {
    const about = ENTRIES.filter(([text]) => /identity provider/i.test(text))
    expect(about.filter(([, german]) => !german.includes('Identitätsanbieter'))).toEqual([])
  })

  it('has only texts that a page uses', () => {
    const declared = declaredTexts()
    const unused = [...KEYS].filter((text) => !declared.has(text) && !isUsed(text))
    expect(unused, 'delete them').toEqual([])
  })

  it('has every text that a view uses', () => {
    const used = [...VIEWS.matchAll(/\bgettext(?:\.html)?\('([^']+)'/g)].map(([, text]) => text!)
    expect(used.length).toBeGreaterThan(10)
    expect(used.filter((text) => !KEYS.has(text))).toEqual([])
  })

  it('has every text that is declared elsewhere and that a translated page shows', () => {
    expect([...declaredTexts()].filter((text) => !KEYS.has(text))).toEqual([])
  })
})
