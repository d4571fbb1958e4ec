/** A browser in words, as far as its `User-Agent` names it. */
export interface BrowserName {
  readonly browser: string | null
  readonly system: string | null
}

type Table = readonly (readonly [pattern: RegExp, name: string])[]

/** The more special first: each browser that is built on another names that one too. */
const BROWSERS: Table = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\b(?:OPR|OPT|Opera)\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bYaBrowser\//, 'Yandex Browser'],
  [/\bDuckDuckGo\//, 'DuckDuckGo'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|Chromium|CriOS|HeadlessChrome)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
]

const SYSTEMS: Table = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
]

/** Characters that are read; a browser sends some 150. */
const LONGEST = 512

const nameIn = (table: Table, text: string): string | null => table.find(([pattern]) => pattern.test(text))?.[1] ?? null

/** What a `User-Agent` header says (RFC 9110, section 10.1.5). A client can send what it likes, so this only helps its user. */
export function browserNameOf(userAgent: string): BrowserName {
  const text = userAgent.slice(0, LONGEST)
  return { browser: nameIn(BROWSERS, text), system: nameIn(SYSTEMS, text) }
}
