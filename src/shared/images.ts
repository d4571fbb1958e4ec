import { createHash } from 'node:crypto'

export const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/webp', 'image/svg+xml'] as const

/** An image without its bytes. */
export interface ImageSummary {
  /** A media type. */
  readonly type: string
  /** In bytes. */
  readonly size: number
}

/** An image whose bytes are elsewhere. */
export interface StoredImage extends ImageSummary {
  /** Changes with the bytes; without the quotes of the header. */
  readonly etag: string
}

export interface Image extends StoredImage {
  readonly bytes: Buffer
}

/** Whether the image was sent now; otherwise it is the stored one. */
export const hasBytes = (image: StoredImage): image is Image => 'bytes' in image

const SIZE_LIMIT = 256 * 1024

const hasAt = (bytes: Buffer, offset: number, signature: string): boolean =>
  bytes.subarray(offset, offset + signature.length).equals(Buffer.from(signature, 'latin1'))

/** The first element decides. An XML declaration, comments and a document type may precede it. */
function isSvg(bytes: Buffer): boolean {
  const text = bytes.toString('utf8')
  if (text.includes('\0') || !Buffer.from(text).equals(bytes)) return false
  const [root] = text.match(/<[a-z][^\s/>]*/i) ?? []
  return /^\uFEFF?\s*<(svg[\s/>]|\?xml\s|!--|!DOCTYPE svg)/.test(text) && /^<(svg:)?svg$/.test(root ?? '')
}

/**
 * The type of an image by its bytes; the type that the sender names is ignored. An SVG can contain scripts. They do not run,
 * because it is shown as an image and served with a Content-Security-Policy that allows no scripts. Undefined: another type.
 */
function imageType(bytes: Buffer): (typeof IMAGE_TYPES)[number] | undefined {
  if (hasAt(bytes, 0, '\x89PNG\r\n\x1a\n')) return 'image/png'
  if (hasAt(bytes, 0, '\xff\xd8\xff')) return 'image/jpeg'
  if (hasAt(bytes, 0, 'RIFF') && hasAt(bytes, 8, 'WEBP')) return 'image/webp'
  return isSvg(bytes) ? 'image/svg+xml' : undefined
}

/** @param type absent: found in the bytes */
export const imageOf = (bytes: Buffer, type: string = imageType(bytes) ?? 'application/octet-stream'): Image => ({
  type,
  size: bytes.length,
  bytes,
  etag: createHash('sha256').update(bytes).digest('base64url'),
})

export const summaryOfImage = ({ type, size }: ImageSummary): ImageSummary => ({ type, size })

/** The error of an image. Undefined: valid. @param what the subject of the message: `a logo` */
export function imageError(what: string, { bytes, size }: Image): string | undefined {
  if (size > SIZE_LIMIT) return `${what} has at most 256 KiB`
  return imageType(bytes) ? undefined : `${what} is a PNG, JPEG, WebP or SVG image`
}
