/** An element of DER (ITU-T X.690). */
export interface DerElement {
  /** The identifier octet. */
  readonly tag: number
  readonly content: Buffer
  /** The whole element. */
  readonly bytes: Buffer
}

export class MalformedDerError extends Error {
  override readonly name = 'MalformedDerError'
}

/** Tags with a number of 31 or more have further octets; certificates have none. */
const MULTI_BYTE_TAG = 0x1f

function lengthAt(bytes: Buffer, at: number): { length: number; start: number } {
  const first = bytes[at]
  if (first === undefined) throw new MalformedDerError('an element ends before its length')
  if (first < 0x80) return { length: first, start: at + 1 }
  const octets = first - 0x80
  if (octets < 1 || octets > 3 || at + 1 + octets > bytes.length) throw new MalformedDerError('a length is invalid')
  return { length: bytes.readUIntBE(at + 1, octets), start: at + 1 + octets }
}

function elementAt(bytes: Buffer, at: number): DerElement {
  const tag = bytes[at]
  if (tag === undefined || (tag & MULTI_BYTE_TAG) === MULTI_BYTE_TAG) throw new MalformedDerError('a tag is invalid')
  const { length, start } = lengthAt(bytes, at + 1)
  if (start + length > bytes.length) throw new MalformedDerError('an element is longer than what holds it')
  return { tag, content: bytes.subarray(start, start + length), bytes: bytes.subarray(at, start + length) }
}

/** The elements that follow one another in these bytes. @throws MalformedDerError */
export function elementsIn(bytes: Buffer): DerElement[] {
  const elements: DerElement[] = []
  for (let at = 0; at < bytes.length; at += elements.at(-1)!.bytes.length) elements.push(elementAt(bytes, at))
  return elements
}

/** The elements of a SEQUENCE or a SET. @throws MalformedDerError */
export const childrenOf = ({ content }: DerElement): DerElement[] => elementsIn(content)

/** An OBJECT IDENTIFIER in its dotted form. */
export function oidOf({ content }: DerElement): string {
  const arcs: bigint[] = []
  let value = 0n
  for (const octet of content) {
    value = (value << 7n) | BigInt(octet & 0x7f)
    if (octet >= 0x80) continue
    arcs.push(value)
    value = 0n
  }
  const [first = 0n, ...others] = arcs
  const top = first < 80n ? first / 40n : 2n
  return [top, first - top * 40n, ...others].join('.')
}

/** A byte order mark stays: without it, two different names would be equal. */
const EXACTLY = { fatal: true, ignoreBOM: true }

const STRINGS: Readonly<Record<number, (content: Buffer) => string>> = {
  12: (content) => new TextDecoder('utf-8', EXACTLY).decode(content),
  19: (content) => content.toString('latin1'),
  20: (content) => content.toString('latin1'),
  22: (content) => content.toString('latin1'),
  30: (content) => new TextDecoder('utf-16be', EXACTLY).decode(content),
}

/** The text of a string of one of the usual types; undefined: another type, or malformed. */
export function textOfString({ tag, content }: DerElement): string | undefined {
  try {
    return STRINGS[tag]?.(content)
  } catch {
    return undefined
  }
}
