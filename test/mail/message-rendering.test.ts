import { expect, test } from 'vitest'
import { composeSample } from '../../src/mail/message-composition.ts'
import { contentOf, MESSAGE_KIND_NAMES, MESSAGE_KINDS } from '../../src/mail/message-kinds.ts'
import { renderMessage } from '../../src/mail/message-rendering.ts'

const BRAND = { name: 'Acme Login', accent: '#7a1fa2' }
const ISSUER = 'https://auth.example.com'

test.each(MESSAGE_KIND_NAMES)(
  'the message %s has a subject, a text and an HTML with the name of the instance',
  (kind) => {
    const { subject, text, html } = composeSample(kind, BRAND, ISSUER)
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
    const { text, html } = composeSample(kind, BRAND, ISSUER)
    for (const body of [text, html]) {
      expect(body).toMatch(/https:\/\/auth\.example\.com\/[a-z/]+\?token=/)
      expect(body).toMatch(/works once, until \d+ \w+ \d{4} at \d\d:\d\d UTC/)
    }
  },
)

test('names cannot add markup, and appear in the text as they are', () => {
  const link = { url: `${ISSUER}/password/new?token=kwl_0`, until: 'tomorrow' }
  const context = { instance: '<b>A&B</b>', recipient: `"'><script>@example.com`, link, url: () => ISSUER }
  const content = contentOf('invitation', { account: '<img src=x onerror=alert(1)>' }, context)
  const { text, html } = renderMessage(content, { name: '<b>A&B</b>', accent: '#1f5fbf' })
  expect(html).not.toMatch(/<b>|<img|<script/)
  expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;')
  expect(text).toContain('<img src=x onerror=alert(1)>')
})
