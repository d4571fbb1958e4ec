/** The stylesheets and the pages agree: no rule without its class, no class without its rule, one palette. */
import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { brandCss } from '../../src/web/brand.ts'
import type { Badge } from '../../src/web/console/kit/console-page.ts'
import type { Series } from '../../src/web/console/kit/plot.ts'

const read = (pattern: string) => globSync(pattern).map((path) => ({ path, text: readFileSync(path, 'utf8') }))

const STYLES = read('views/assets/styles/*.css').map(({ path, text }) => ({
  name: basename(path),
  text: text.replaceAll(/\/\*[\s\S]*?\*\//g, ''),
}))
/** Without messages, which hold their styles themselves. */
const VIEWS = read('views/**/*.eta').filter(({ path }) => !path.startsWith('views/mail/'))
const SCRIPTS = read('views/assets/*.js')

// The compiler holds these to the types: no tone is missing here, and none is too many.
const BADGE_TONES: Record<Badge['tone'], true> = { success: true, warning: true, error: true, neutral: true }
const SERIES_TONES: Record<Series['tone'], true> = {
  plain: true,
  second: true,
  success: true,
  error: true,
  neutral: true,
}

const toneClasses = Object.keys(SERIES_TONES).map((tone) => `tone-${tone}`)

const LIST_PAGE = readFileSync('src/web/console/kit/list-page.ts', 'utf8')

/** Of the columns and cells of a list. */
const LIST_CLASSES = [...LIST_PAGE.matchAll(/[\w)] && '([a-z-]+)'/g)].map(([, name]) => name!)

/** The class attributes whose value a template computes, with every class that it can become. */
const COMPUTED: Record<string, string[]> = {
  'badge-<%= it.tone %>': Object.keys(BADGE_TONES).map((tone) => `badge-${tone}`),
  'tone-<%= one.tone %>': toneClasses,
  'tone-<%= bar.tone %>': toneClasses,
  'tone-<%= line.tone %>': toneClasses,
  '<%= column.classes %>': LIST_CLASSES,
  '<%= classes %>': LIST_CLASSES,
}

const CLASS_ATTRIBUTE = /\sclass="((?:<%[\s\S]*?%>|[^"])*)"/g

/** A class, with templates in it as a whole: `tone-<%= bar.tone %>`. */
const CLASS = /(?:<%=[\s\S]*?%>|[^\s<])+/g

function classesOfWord(word: string): string[] {
  if (COMPUTED[word]) return COMPUTED[word]
  if (!word.includes('<%=')) return [word]
  const choices = [...word.matchAll(/[?:]\s*'([a-z -]+)'/g)].map(([, name]) => name!)
  if (choices.length === 0) throw new Error(`add what ${word} can become to COMPUTED`)
  return choices
}

function classesOfView(text: string): string[] {
  const attributes = [...text.matchAll(CLASS_ATTRIBUTE)].map(([, value]) =>
    value!.replaceAll(/<%(?!=)[\s\S]*?%>/g, ' '),
  )
  return attributes.flatMap((value) => value.match(CLASS) ?? []).flatMap(classesOfWord)
}

const classesOfScript = (text: string): string[] =>
  [...text.matchAll(/(?:className = |classList\.\w+\()'([a-z-]+)'/g)].map(([, name]) => name!)

/** What stands before each block of declarations, without the conditions of `@media` and `@container`. */
const selectorsOf = (text: string): string[] =>
  [...text.matchAll(/([^{};]+)\{/g)].map(([, selector]) => selector!.trim()).filter((one) => !one.startsWith('@'))

const classesOfSheet = (text: string): string[] =>
  selectorsOf(text).flatMap((selector) => [...selector.matchAll(/\.([a-z][\w-]*)/g)].map(([, name]) => name!))

const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort()

const written = new Set([
  ...VIEWS.flatMap(({ text }) => classesOfView(text)),
  ...SCRIPTS.flatMap(({ text }) => classesOfScript(text)),
])
const styled = new Set(STYLES.flatMap(({ text }) => classesOfSheet(text)))

describe('the stylesheets', () => {
  it('have a page for each of their classes', () => {
    expect(sorted(styled).filter((name) => !written.has(name))).toEqual([])
  })

  it('have a rule for each class of a page', () => {
    expect(sorted(written).filter((name) => !styled.has(name))).toEqual([])
  })

  it('declare each selector once in a file', () => {
    for (const { name, text } of STYLES) {
      const atTopLevel = selectorsOf(text.replaceAll(/@(?:media|container)[^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}/g, ''))
      expect([name, atTopLevel.filter((one, n) => atTopLevel.indexOf(one) !== n)]).toEqual([name, []])
    }
  })

  it('name colours in the palette only', () => {
    const others = STYLES.filter(({ name }) => name !== 'palette.css')
    const colours = others.flatMap(({ text }) => text.match(/#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|oklch)a?\([^)]*\)/gi) ?? [])
    expect(colours).toEqual([])
  })

  it('use each custom property that is declared, and declare each that they use', () => {
    const all = [...STYLES.map(({ text }) => text), brandCss('#123456')].join('\n')
    const declared = sorted([...all.matchAll(/(--[\w-]+):/g)].map(([, name]) => name!))
    expect(sorted([...all.matchAll(/var\((--[\w-]+)/g)].map(([, name]) => name!))).toEqual(declared)
  })
})
