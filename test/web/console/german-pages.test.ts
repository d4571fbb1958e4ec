/** Translated pages of the console are wholly in German for users who prefer it. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CONSOLE_ROUTES } from '../../../src/web/console/console-routes.ts'
import { createCallers, fillPath, makeSamples, type Samples } from '../../guarantees/all-routes.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { hasEnglishWord, textsOf } from '../../support/page-texts.ts'

let server: Keywright
let visitors: Awaited<ReturnType<typeof createCallers>>
let samples: Samples

const FOLDER = 'src/languages/console/de'

/** English texts whose German differs. */
const ENGLISH = new Set(
  readdirSync(FOLDER)
    .flatMap((file) => Object.entries(JSON.parse(readFileSync(`${FOLDER}/${file}`, 'utf8')) as Record<string, string>))
    .filter(([text, german]) => text !== german)
    .map(([text]) => text),
)

/** Names in the database, which bootstrap writes in English. */
const NAMES = new Set([
  'Full access to the API',
  'Read and change everything that the API offers in your name.',
  'all: Read and change everything that the API offers in your name.',
])

const isEnglish = (text: string): boolean => ENGLISH.has(text) || (hasEnglishWord(text) && !NAMES.has(text))

beforeAll(async () => {
  server = await startKeywright()
  visitors = await createCallers(server)
  samples = await makeSamples(server, visitors.home, visitors.colleague)
  const value = `de.${Math.floor(Date.now() / 1000)}`
  for (const browser of Object.values(visitors.browsers)) browser.cookies.set('kw_language /', { value, path: '/' })
})
afterAll(() => server.stop())

/** Not a page of the console: a message with sample values, whose language the address names. */
const MESSAGE = '/settings/instance/email/preview/html'

const visits = CONSOLE_ROUTES.filter(
  ({ method, path, isTranslated }) => method === 'get' && isTranslated && path !== MESSAGE,
).flatMap(({ path, permission }) =>
  (permission.role === 'operator' ? (['operator'] as const) : (['admin', 'operator'] as const)).map(
    (who) => [who, path] as const,
  ),
)

describe('a translated page', () => {
  it.each([['admin', '/'] as const, ['operator', '/'] as const, ...visits])(
    'has no English text for a German %s: %s',
    async (who, path) => {
      const { text, headers } = await visitors.browsers[who].visit(fillPath(path, samples))
      if (!headers.get('content-type')?.startsWith('text/html')) return
      expect(text).toContain('<html lang="de" dir="ltr">')
      expect(headers.get('content-language')).toBe('de')
      expect(headers.get('vary')).toMatch(/Accept-Language/)
      expect(textsOf(text).filter(isEnglish)).toEqual([])
    },
  )

  it('translates the errors of its fields, and marks those of the domain as English', async () => {
    const { submit, visit } = visitors.browsers.operator
    const page = await visit('/settings/instance')
    const empty = await submit(page, /settings\/instance$/, { name: '' })
    expect([empty.status, empty.text.includes('Ihre Änderungen wurden nicht gespeichert')]).toEqual([400, true])
    expect(empty.text).toMatch(/<p class="field-error" id="field-name-error">Dieses Feld ist erforderlich\.<\/p>/)
    const wrong = await submit(page, /settings\/instance$/, { redirectSchemes: 'https' })
    expect(wrong.text).toMatch(/id="field-redirectSchemes-error"><span lang="en">[^<]+<\/span><\/p>/)
    expect(textsOf(wrong.text).filter(isEnglish)).toEqual([])
  })

  it('offers its other language', async () => {
    const { text } = await visitors.browsers.admin.visit('/')
    expect(text).toMatch(/<a href="\/language\?to=en&amp;return_to=%2F" hreflang="en" lang="en" dir="ltr">English<\/a>/)
    expect(text).toMatch(/hreflang="de" lang="de" dir="ltr" aria-current="true">Deutsch<\/a>/)
    expect(text).not.toContain('Français')
  })
})
