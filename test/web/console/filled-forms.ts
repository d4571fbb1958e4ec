import type { Browser, Page } from '../../support/scriptless-browser.ts'

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
const unescapeHtml = (text: string) => text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => ENTITIES[name]!)

function attributesOf(tag: string): Map<string, string> {
  const found = [...tag.matchAll(/\s([\w-]+)(?:="([^"]*)")?/g)]
  return new Map(found.map(([, name, value]) => [name!, unescapeHtml(value ?? '')]))
}

function ofInput(tag: string): [string, string] | undefined {
  const attributes = attributesOf(tag)
  const [name, type] = [attributes.get('name'), attributes.get('type')]
  if (!name || (['checkbox', 'radio'].includes(type!) && !attributes.has('checked'))) return undefined
  return [name, attributes.get('value') ?? (type === 'checkbox' ? 'on' : '')]
}

function ofSelect(tag: string, inside: string): [string, string] {
  const options = [...inside.matchAll(/<option\b([^>]*)>([^<]*)/g)].map(([, attributes, text]) => {
    const known = attributesOf(attributes!)
    return { chosen: known.has('selected'), value: known.get('value') ?? unescapeHtml(text!.trim()) }
  })
  return [attributesOf(tag).get('name')!, (options.find(({ chosen }) => chosen) ?? options[0])?.value ?? '']
}

const CONTROLS = /<input\b([^>]*)>|<textarea\b([^>]*)>\n?([\s\S]*?)<\/textarea>|<select\b([^>]*)>([\s\S]*?)<\/select>/g

/** What a browser would send of the form whose action ends so, as it was drawn. */
export function filledForm(
  { text, url, status }: Page,
  action: RegExp,
): { action: string; fields: Map<string, string> } {
  for (const [, tag, inside] of text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)) {
    const attributes = attributesOf(tag!)
    const to = new URL(attributes.get('action') ?? url, url).href
    if (attributes.get('method') !== 'post' || !action.test(to)) continue
    const fields = [...inside!.matchAll(CONTROLS)].map(([, input, area, typed, select, options]) => {
      if (input !== undefined) return ofInput(input)
      if (area !== undefined) return [attributesOf(area).get('name')!, unescapeHtml(typed!)] as [string, string]
      return ofSelect(select!, options!)
    })
    return { action: to, fields: new Map(fields.filter((field) => field !== undefined)) }
  }
  throw new Error(`no form ${action} on ${url}: ${status} ${text.slice(0, 2000)}`)
}

/** Undefined clears a field: the box is not ticked, the field is not sent. */
export type Changes = Readonly<Record<string, string | undefined>>

/** Sends the form as it was drawn, but for what somebody changed in it. */
export async function sendForm(browser: Browser, page: Page, action: RegExp, changes: Changes = {}): Promise<Page> {
  const form = filledForm(page, action)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) form.fields.delete(name)
    else form.fields.set(name, value)
  }
  const headers = { origin: new URL(form.action).origin }
  return await browser.visit(form.action, { method: 'POST', body: new URLSearchParams([...form.fields]), headers })
}
