import { createHash, randomBytes } from 'node:crypto'

/** A page as a browser without scripts sees it. */
export interface Page {
  readonly url: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Where the last redirect led, when that was not this server: an application's redirect URI. */
  readonly left?: URL
}

export interface Form {
  readonly action: string
  readonly method: string
  readonly fields: Record<string, string>
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
const unescapeHtml = (text: string) => text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => ENTITIES[name]!)

function attributes(tag: string): Record<string, string> {
  const found = [...tag.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name!, unescapeHtml(value!)])
  return Object.fromEntries(found)
}

/** A browser does not send a checkbox or a radio button that is not checked. */
const isSent = (input: string, type: string | undefined): boolean =>
  type === 'checkbox' || type === 'radio' ? /\schecked\b/.test(input.replace(/"[^"]*"/g, '')) : type !== 'submit'

/** The name of each selection box with its selected option, else its first. */
const selectedIn = (form: string): [string, string][] =>
  [...form.matchAll(/<select\b([^>]*)>([\s\S]*?)<\/select>/g)].map(([, tag, inside]) => {
    const options = [...inside!.matchAll(/<option\b([^>]*)>/g)].map(([, option]) => option!)
    const option = options.find((one) => /\sselected\b/.test(one)) ?? options[0] ?? ''
    return [attributes(tag!).name!, attributes(option).value ?? '']
  })

/** The forms of a page with what their fields hold. */
export function formsOf({ text, url }: Page): Form[] {
  return [...text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, tag, inside]) => {
    const { action, method } = attributes(tag!)
    const tags = [...inside!.matchAll(/<input\b([^>]*)>/g)].map(([, input]) => input!)
    const sent = tags.filter((input) => isSent(input, attributes(input).type)).map(attributes)
    const named = sent.filter(({ name }) => name)
    return {
      action: new URL(action ?? url, url).href,
      method: (method ?? 'get').toUpperCase(),
      fields: Object.fromEntries([...selectedIn(inside!), ...named.map(({ name, value }) => [name!, value ?? ''])]),
    }
  })
}

interface Cookie {
  readonly value: string
  readonly path: string
}

/** A browser without scripts, with a cookie jar of its own; it follows redirects until they leave the server. */
export type Browser = ReturnType<typeof openBrowser>

export function openBrowser(origin: string) {
  const jar = new Map<string, Cookie>()

  function keepCookies(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...rest] = line.split(/; */)
      const [name, value] = [pair!.slice(0, pair!.indexOf('=')), pair!.slice(pair!.indexOf('=') + 1)]
      const path = rest.find((one) => /^path=/i.test(one))?.slice(5) ?? '/'
      const gone = value === '' || rest.some((one) => /^expires=Thu, 01 Jan 1970/i.test(one))
      if (gone) jar.delete(`${name} ${path}`)
      else jar.set(`${name} ${path}`, { value, path })
    }
  }

  function cookiesFor({ pathname }: URL): string {
    const matching = [...jar].filter(([, { path }]) => pathname.startsWith(path))
    return matching.map(([key, { value }]) => `${key.split(' ')[0]}=${value}`).join('; ')
  }

  async function request(url: URL, init: RequestInit = {}): Promise<Response> {
    const headers = { accept: 'text/html', cookie: cookiesFor(url), ...(init.headers as Record<string, string>) }
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    keepCookies(response)
    return response
  }

  async function visit(address: string, init: RequestInit = {}): Promise<Page> {
    let url = new URL(address, origin)
    let response = await request(url, init)
    for (let hops = 0; response.status >= 300 && response.status < 400 && hops < 20; hops++) {
      const next = new URL(response.headers.get('location')!, url)
      const { status, headers } = response
      if (next.origin !== new URL(origin).origin) return { url: url.href, status, headers, text: '', left: next }
      url = next
      response = await request(url)
    }
    return { url: url.href, status: response.status, headers: response.headers, text: await response.text() }
  }

  /** Sends the form whose action ends so, filled in. */
  async function submit(page: Page, action: RegExp, fields: Record<string, string> = {}): Promise<Page> {
    const form = formsOf(page).find((one) => action.test(one.action))
    if (!form) throw new Error(`no form ${action} on ${page.url}: ${page.status} ${page.text.slice(0, 2000)}`)
    const body = new URLSearchParams({ ...form.fields, ...fields })
    if (form.method === 'GET') return await visit(`${form.action}?${body}`)
    return await visit(form.action, { method: 'POST', body, headers: { origin: new URL(form.action).origin } })
  }

  /** Sends the form whose action ends so; answers the address that it redirects to, and does not go there. */
  async function redirectOf(page: Page, action: RegExp): Promise<URL> {
    const form = formsOf(page).find((one) => action.test(one.action))!
    const headers = { origin: new URL(form.action).origin }
    const sent = { method: 'POST', body: new URLSearchParams(form.fields), headers }
    return new URL((await request(new URL(form.action), sent)).headers.get('location')!, form.action)
  }

  /** The status of an address, whose redirect is not followed. */
  async function statusOf(address: string): Promise<number> {
    const response = await request(new URL(address, origin))
    await response.arrayBuffer()
    return response.status
  }

  return { visit, submit, redirectOf, statusOf, cookies: jar }
}

/** Goes through sign-in as somebody, by the page that asks for it. */
export async function signIn(browser: Browser, page: Page, email: string, password: string): Promise<Page> {
  return await browser.submit(page, /sign-in$|signin$/, { email, password })
}

/** RFC 7636. */
export function createPkce() {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}
