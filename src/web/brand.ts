import { type Accent, accentsOf } from '../shared/accent-colours.ts'
import { FONTS, type Font } from '../shared/fonts.ts'

/** What the operator chose the pages to brand like. */
export interface InstanceBrand {
  readonly name: string
  /** `#rrggbb`. */
  readonly accent: string
  readonly font: Font
  /** Plain text on the sign-in page; null: none. */
  readonly signInText: string | null
  /** Where users sign in at the product of the operator; null: they sign in here. */
  readonly signInUrl: string | null
  readonly logo: { readonly type: string; readonly bytes: Buffer; readonly etag: string } | null
}

const DEFAULT_BRAND: InstanceBrand = {
  name: 'Keywright',
  accent: '#1f5fbf',
  font: 'system',
  signInText: null,
  signInUrl: null,
  logo: null,
}

/** For so long a brand is shown before it is asked for again, in milliseconds. */
const FRESH_FOR = 3000

/**
 * The instance's brand. It is read at once and without failing, because the page that says that the database is away
 * has a name too.
 */
export interface Brand {
  current(): InstanceBrand
  /** Learns of changes, at most once in a few seconds; keeps what it knew when they cannot be asked for. */
  refresh(): Promise<void>
  /** What is known may be over: it is asked for again before the next page. */
  invalidate(): void
}

export function createBrand(load: () => Promise<InstanceBrand>): Brand {
  let brand = DEFAULT_BRAND
  let loadedAt = Number.NEGATIVE_INFINITY
  let loading: Promise<void> | undefined

  async function reload(): Promise<void> {
    brand = await load().catch(() => brand)
    loadedAt = performance.now()
    loading = undefined
  }

  return {
    current: () => brand,
    async refresh() {
      if (performance.now() - loadedAt < FRESH_FOR) return
      loading ??= reload()
      await loading
    },
    invalidate() {
      loadedAt = Number.NEGATIVE_INFINITY
    },
  }
}

const HEX = /^#[0-9a-f]{6}$/i

const properties = ({ fill, edge, fillHover, ink, text }: Accent): string =>
  `--kw-accent:${fill};--kw-accent-edge:${edge};--kw-accent-hover:${fillHover};--kw-on-accent:${ink};--kw-accent-text:${text}`

/** The accent of the instance or of an application, and the font, as custom properties, for either colour scheme. */
export function brandCss(accent: string, font: Font = 'system'): string {
  const { light, dark } = accentsOf(HEX.test(accent) ? accent : DEFAULT_BRAND.accent)
  const sans = `--kw-sans:${FONTS[font] ?? FONTS.system}`
  return `:root{${properties(light)};${sans}}\n@media (prefers-color-scheme:dark){:root{${properties(dark)}}}\n`
}
