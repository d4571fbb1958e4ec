import { describe, expect, it, test } from 'vitest'
import { ENGLISH, LANGUAGES, type Language } from '../../src/languages/languages.ts'
import { toEnglish, translateTo } from '../../src/languages/translator.ts'
import { composeSample } from '../../src/mail/message-composition.ts'
import type { MessageContent, MessageContext } from '../../src/mail/message-declaration.ts'
import { contentOf, MESSAGE_KIND_NAMES, MESSAGE_KINDS, type MessageKindName } from '../../src/mail/message-kinds.ts'
import { renderMessage } from '../../src/mail/message-rendering.ts'
import { EVERY_TEXT } from './every-kind.ts'

const BRAND = { name: 'Acme Login', accent: '#7a1fa2' }
const ISSUER = 'https://auth.example.com'

test.each(MESSAGE_KIND_NAMES)(
  'the message %s has a subject, a text and an HTML with the name of the instance',
  (kind) => {
    const { subject, text, html } = composeSample(kind, ENGLISH, BRAND, ISSUER)
    expect(subject).toMatch(/^[^\r\n]{5,120}$/)
    for (const body of [text, html]) {
      expect(body).toContain('Acme Login')
      expect(body).not.toMatch(/undefined|null|\[object/)
    }
    expect(html).toContain('#7a1fa2')
    expect(html).toContain('prefers-color-scheme: dark')
    expect(html).not.toMatch(/<script|<img|<link|src=/)
  },
)

test.each(MESSAGE_KIND_NAMES.filter((kind) => MESSAGE_KINDS[kind].purpose))(
  'the message %s has its link in the text and in the HTML, and tells when it stops working',
  (kind) => {
    const { text, html } = composeSample(kind, ENGLISH, BRAND, ISSUER)
    for (const body of [text, html]) {
      expect(body).toMatch(/https:\/\/auth\.example\.com\/[a-z/]+\?token=/)
      expect(body).toMatch(/works once, until \d+ \w+ \d{4} at \d\d:\d\d UTC/)
    }
  },
)

test('names cannot add markup, and appear in the text as they are', () => {
  const link = { url: `${ISSUER}/password/new?token=kwl_0`, until: 'tomorrow' }
  const t = toEnglish()
  const context = { t, instance: '<b>A&B</b>', recipient: `"'><script>@example.com`, link, url: () => ISSUER }
  const content = contentOf('invitation', { account: '<img src=x onerror=alert(1)>' }, context)
  const { text, html } = renderMessage(content, { name: '<b>A&B</b>', accent: '#1f5fbf' }, t)
  expect(html).not.toMatch(/<b>|<img|<script/)
  expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;')
  expect(text).toContain('<img src=x onerror=alert(1)>')
})

const contextIn = (language: Language): MessageContext => {
  const t = translateTo(language)
  const link = { url: `${ISSUER}/password/new?token=kwl_0`, until: t.time(new Date('2026-11-29T13:00:00Z')) }
  return { t, instance: BRAND.name, recipient: 'ada@example.com', link, url: (path) => ISSUER + path }
}

/** What the catalogues say; the rest are values. */
const wordsOf = ({ subject, paragraphs, facts = [], button, notes = [] }: MessageContent): string[] => [
  subject,
  ...paragraphs,
  ...facts.map(([label]) => label),
  ...(button ? [button.label] : []),
  ...notes,
]

const valuesOf = ({ facts = [], button }: MessageContent): string[] => [
  ...facts.map(([, value]) => value),
  ...(button ? [button.url] : []),
]

/** The text that an HTML shows. */
const shownBy = (html: string): string =>
  html
    .replace(/<style>[\s\S]*?<\/style>|<[^>]+>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')

/** Words that another language has too. */
const SHARED: readonly string[] = ['Client']

/** Right-to-left and left-to-right isolates, and the mark at the beginning of a line. */
const withoutControls = (text: string): string => text.replace(/[\u2066-\u2069\u200f]/g, '')

describe.each(LANGUAGES.map((language) => [language.code, language] as const))('messages in %s', (code, language) => {
  const context = contextIn(language)

  const each = (check: (content: MessageContent, kind: MessageKindName, parameters: object) => void) => {
    for (const [kind, parameters] of EVERY_TEXT) check(contentOf(kind, parameters, context), kind, parameters)
  }

  it('have no placeholder and no missing value, and a subject of one line', () => {
    each((content) => {
      expect(content.subject).toMatch(/^[^\r\n]{5,120}$/)
      for (const text of [...wordsOf(content), ...valuesOf(content)]) {
        expect(text).not.toMatch(/[{}<>]|undefined|null|NaN|\[object|Invalid/)
        expect(text.trim()).toBe(text)
      }
    })
  })

  it.skipIf(code === 'en')('have no word of English', () => {
    each((content, kind, parameters) => {
      const english = contentOf(kind, parameters, contextIn(ENGLISH))
      const both = wordsOf(content).filter((text) => wordsOf(english).includes(text) && !SHARED.includes(text))
      expect(both).toEqual([])
      // The values are the same, but for times and descriptions of users.
      expect(wordsOf(content)).toHaveLength(wordsOf(english).length)
      expect(content.button?.url).toBe(english.button?.url)
    })
    const { html } = renderMessage(
      contentOf('new_browser', MESSAGE_KINDS.new_browser.sample, context),
      BRAND,
      context.t,
    )
    expect(html).not.toContain(toEnglish()('mail.addressFallback'))
  })

  it('say the same as plain text and as HTML, in the same order, and tell their language', () => {
    each((content) => {
      const message = renderMessage(content, BRAND, context.t)
      expect(message.language).toBe(code)
      expect(message.html).toMatch(new RegExp(`<html lang="${code}" dir="${language.direction}">`))
      // Mail programs remove the outermost elements.
      expect(message.html).toMatch(new RegExp(`<table [^>]*lang="${code}" dir="${language.direction}"`))
      for (const body of [message.text, shownBy(message.html)].map(withoutControls)) {
        let end = 0
        const { facts = [], paragraphs, button, notes = [] } = content
        for (const part of [...paragraphs, ...facts.flat(), ...(button ? [button.label, button.url] : []), ...notes]) {
          const at = body.indexOf(withoutControls(part), end)
          expect([part, at >= end]).toEqual([part, true])
          end = at + withoutControls(part).length
        }
      }
    })
  })

  it('have dates and times in the language, with their zone', () => {
    const month = new Intl.DateTimeFormat(language.locale, { month: 'long' }).format(new Date('2026-11-29T12:00:00Z'))
    const { text } = renderMessage(
      contentOf('new_browser', MESSAGE_KINDS.new_browser.sample, context),
      BRAND,
      context.t,
    )
    expect(text).toContain(month)
    expect(text).toMatch(/29.*12:00 UTC/)
  })
})

test('lines in Arabic begin on the right, also where an address or a name comes first', () => {
  const context = contextIn(LANGUAGES.find(({ code }) => code === 'ar')!)
  const strong = /[\p{Script=Latin}\p{Script=Arabic}\u200f]/u
  for (const [kind, parameters] of EVERY_TEXT) {
    const { text, subject } = renderMessage(contentOf(kind, parameters, context), BRAND, context.t)
    const body = text.slice(0, text.indexOf('\n-- \n'))
    const lines = [subject, ...body.split('\n')].filter((line) => line !== '' && !line.startsWith('https:'))
    // An isolated part does not count (UAX #9, P2).
    for (const line of lines) {
      const first = strong.exec(line.replace(/\u2068[^\u2069]*\u2069/g, ''))?.[0]
      expect([line, first]).toEqual([line, expect.stringMatching(/[\p{Script=Arabic}\u200f]/u)])
    }
  }
})
