export type LogoType = 'image/png' | 'image/jpeg' | 'image/webp' | 'image/svg+xml'

const SIZE_LIMIT = 256 * 1024

const hasAt = (bytes: Buffer, offset: number, signature: string): boolean =>
  bytes.subarray(offset, offset + signature.length).equals(Buffer.from(signature, 'latin1'))

/** Its first element decides; before it there may be an XML declaration, comments and a document type. */
function isSvg(bytes: Buffer): boolean {
  const text = bytes.toString('utf8')
  if (text.includes('\0') || !Buffer.from(text).equals(bytes)) return false
  const [root] = text.match(/<[a-z][^\s/>]*/i) ?? []
  return /^\uFEFF?\s*<(svg[\s/>]|\?xml\s|!--|!DOCTYPE svg)/.test(text) && /^<(svg:)?svg$/.test(root ?? '')
}

/**
 * What kind of image it is, decided by its bytes: what an uploader says of them decides nothing. An SVG can hold scripts;
 * it is harmless only because it is shown as an image and served with a Content-Security-Policy of its own that allows
 * none. Undefined: none of these.
 */
export function logoType(bytes: Buffer): LogoType | undefined {
  if (hasAt(bytes, 0, '\x89PNG\r\n\x1a\n')) return 'image/png'
  if (hasAt(bytes, 0, '\xff\xd8\xff')) return 'image/jpeg'
  if (hasAt(bytes, 0, 'RIFF') && hasAt(bytes, 8, 'WEBP')) return 'image/webp'
  return isSvg(bytes) ? 'image/svg+xml' : undefined
}

/** Why an image cannot be the logo. Undefined: it can. */
export function logoError(bytes: Buffer): string | undefined {
  if (bytes.length > SIZE_LIMIT) return 'a logo has at most 256 KiB'
  return logoType(bytes) ? undefined : 'a logo is a PNG, JPEG, WebP or SVG image'
}
