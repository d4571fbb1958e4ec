import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import type { Context } from 'koa'
import type { Image } from '../shared/images.ts'
import { type Brand, brandCss } from './brand.ts'

interface Asset {
  readonly type: string
  readonly bytes: Buffer
  /** Absent where compression gains nothing. */
  readonly gzipped?: Buffer
  readonly hash: string
}

/** The files that pages load, each at an address that changes with its content. */
export interface Assets {
  urlOf(name: string): string
  serve(ctx: Context, version: string, name: string): void
}

const CSS = 'text/css; charset=utf-8'
const SCRIPT = 'text/javascript; charset=utf-8'
const SVG = 'image/svg+xml'

const FOREVER = 'public, max-age=31536000, immutable'

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64url').slice(0, 16)

function assetOf(type: string, bytes: Buffer): Asset {
  return { type, bytes, hash: hashOf(bytes), ...(/^text|svg/.test(type) && { gzipped: gzipSync(bytes) }) }
}

const own = (file: string): Buffer => readFileSync(new URL(`../../views/assets/${file}`, import.meta.url))

/** One file for browsers, several for those who write them: elements first, then what builds on them. */
const STYLES = ['palette', 'base', 'forms', 'layout', 'lists', 'details', 'charts', 'sign-in', 'api-docs'].map(
  (name) => `styles/${name}.css`,
)

const fixedAssets = (): [string, Asset][] => [
  ['keywright.css', assetOf(CSS, Buffer.concat(STYLES.map(own)))],
  ['submit.js', assetOf(SCRIPT, own('submit.js'))],
  ['console.js', assetOf(SCRIPT, own('console.js'))],
  ['embedded.js', assetOf(SCRIPT, own('embedded.js'))],
  ['key-generator.js', assetOf(SCRIPT, own('key-generator.js'))],
  ['passkeys.js', assetOf(SCRIPT, own('passkeys.js'))],
  ['icon.svg', assetOf(SVG, own('icon.svg'))],
]

/** Caches one asset and rebuilds it when its key changes. */
function memoized(): (key: string, make: () => Asset) => Asset {
  let last: { key: string; asset: Asset } | undefined
  return (key, make) => {
    if (last?.key !== key) last = { key, asset: make() }
    return last.asset
  }
}

function sendAsset(ctx: Context, asset: Asset, version: string): void {
  const gzipped = ctx.acceptsEncodings('gzip', 'identity') === 'gzip' ? asset.gzipped : undefined
  // Another node may know a newer look: what was not asked for by its own hash must not stay under that address.
  ctx.set('Cache-Control', version === asset.hash ? FOREVER : 'no-cache')
  ctx.set('X-Content-Type-Options', 'nosniff')
  // An SVG that is opened by itself is a document, and could run scripts in this origin.
  ctx.set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox")
  ctx.set('ETag', `"${asset.hash}${gzipped ? '-gzip' : ''}"`)
  ctx.vary('Accept-Encoding')
  ctx.status = 200
  if (ctx.fresh) {
    ctx.status = 304
    return
  }
  if (gzipped) ctx.set('Content-Encoding', 'gzip')
  ctx.type = asset.type
  ctx.body = gzipped ?? asset.bytes
}

/** Sends an image that others uploaded, at an address that changes with it. */
export const sendImage = (ctx: Context, { type, bytes, etag }: Image): void =>
  sendAsset(ctx, { type, bytes, hash: etag }, etag)

/** The stylesheet with this accent, in place of `brand.css`. @param accent `#rrggbb` */
export const accentName = (accent: string): string => `accent-${accent.slice(1)}.css`

const ACCENT_NAME = /^accent-([0-9a-f]{6})\.css$/

/** Reads every file once. */
export function createAssets(brand: Brand): Assets {
  const fixed = new Map(fixedAssets())
  const brandAsset = memoized()
  const logoAsset = memoized()
  const accentAsset = memoized()

  function find(name: string): Asset | undefined {
    const { accent, font, logo } = brand.current()
    const styles = (of: string) => () => assetOf(CSS, Buffer.from(brandCss(of, font)))
    if (name === 'brand.css') return brandAsset(`${accent} ${font}`, styles(accent))
    if (name === 'logo') return logo ? logoAsset(logo.etag, () => assetOf(logo.type, logo.bytes)) : undefined
    const [, hex] = ACCENT_NAME.exec(name) ?? []
    return hex ? accentAsset(`${hex} ${font}`, styles(`#${hex}`)) : fixed.get(name)
  }

  return {
    urlOf: (name) => `/assets/${find(name)?.hash}/${name}`,
    serve(ctx, version, name) {
      const asset = find(name)
      if (asset) sendAsset(ctx, asset, version)
    },
  }
}
