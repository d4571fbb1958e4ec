import { deflate, deflateSync, inflateSync } from 'node:zlib'

/** How many tokens a list holds: enough to hide one among, few enough to be fetched often (8 KiB before compression). */
export const LIST_SIZE = 65_536

/** A bit for each place of a list, the lowest bit of a byte first (Token Status List, section 4.1); set: revoked. */
export type Bitmap = Uint8Array

export const emptyBitmap = (): Bitmap => new Uint8Array(LIST_SIZE / 8)

/** Sets a place; one that no list has is passed over. */
export function setPlace(bitmap: Bitmap, place: number): void {
  if (place >= 0 && place < bitmap.length * 8) bitmap[place >> 3]! |= 1 << (place & 7)
}

export const hasPlace = (bitmap: Bitmap, place: number): boolean => ((bitmap[place >> 3] ?? 0) & (1 << (place & 7))) > 0

/** Sets in `bitmap` what is set in `added`; answers whether that changed anything. */
export function addPlaces(bitmap: Bitmap, added: Bitmap): boolean {
  let changed = 0
  for (let n = 0; n < bitmap.length; n++) {
    const before = bitmap[n]!
    bitmap[n] = before | added[n]!
    changed |= before ^ bitmap[n]!
  }
  return changed !== 0
}

/** The places that are set, in order; undefined when they are more than `most`. */
export function placesOf(bitmap: Bitmap, most: number = LIST_SIZE): number[] | undefined {
  const places: number[] = []
  for (let byte = 0; byte < bitmap.length; byte++) {
    for (let rest = bitmap[byte]!; rest !== 0; rest &= rest - 1) {
      if (places.length === most) return undefined
      places.push(byte * 8 + Math.log2(rest & -rest))
    }
  }
  return places
}

/** As `lst` has it: zlib's format in base64url, at the level that the draft recommends. */
export const encodeNow = (bitmap: Bitmap): string => deflateSync(bitmap, { level: 9 }).toString('base64url')

/** The same on another thread. */
export const encode = (bitmap: Bitmap): Promise<string> =>
  new Promise((resolve, reject) => {
    deflate(bitmap, { level: 9 }, (error, packed) => (error ? reject(error) : resolve(packed.toString('base64url'))))
  })

export const decode = (lst: string, maxOutputLength = LIST_SIZE / 8): Bitmap =>
  inflateSync(Buffer.from(lst, 'base64url'), { maxOutputLength })
