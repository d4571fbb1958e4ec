import { domainToASCII } from 'node:url'

/** RFC 5321, section 4.5.3.1, as RFC 3696, erratum 1690, counts it. */
const LONGEST = 254

/** RFC 5321, section 4.1.3: `[192.0.2.1]`, `[IPv6:2001:db8::1]`. */
const ADDRESS_LITERAL = /^\[[\w.:-]+\]$/

const ASCII_DOMAIN = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/

/** Nothing that is invisible or reorders text: two addresses must not look the same. */
const LOCAL_PART = /^[^\s@\p{Cc}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]+$/u

/** In small letters, with its labels as IDNA has them (UTS #46): `bücher.example` is `xn--bcher-kva.example`. */
function asciiDomain(domain: string): string | undefined {
  if (ADDRESS_LITERAL.test(domain)) return domain.toLowerCase()
  // It reads its argument as a URL's host: what ends one there, or is decoded, is in no domain. ASCII needs no conversion.
  const isAscii = /^[\x21-\x7e]*$/.test(domain)
  const ascii = isAscii || /[%/?#\\:@]/.test(domain) ? domain.toLowerCase() : domainToASCII(domain)
  return ASCII_DOMAIN.test(ascii) ? ascii : undefined
}

function partsOf(typed: string): { local: string; domain: string } | undefined {
  const text = typed.trim()
  if (text.length > LONGEST || !text.isWellFormed()) return undefined
  const at = text.lastIndexOf('@')
  const local = text.slice(0, Math.max(at, 0)).normalize('NFC')
  const domain = asciiDomain(text.slice(at + 1))
  return at > 0 && domain && LOCAL_PART.test(local) ? { local, domain } : undefined
}

/** An address as it is stored: the local part as it was typed, in NFC, and the domain in ASCII. Undefined: not an address. */
export function normalizedEmail(typed: string): string | undefined {
  const parts = partsOf(typed)
  const address = parts && `${parts.local}@${parts.domain}`
  return address && address.length <= LONGEST ? address : undefined
}

/** The error of an email address. Undefined: valid. */
export const emailError = (typed: string): string | undefined =>
  normalizedEmail(typed) === undefined ? `not an email address: ${typed.slice(0, 300)}` : undefined

/**
 * By this two addresses are the same: for sign-in, uniqueness, look-up, search and the counting of attempts alike, because
 * another way to write an address must neither make a second user nor buy more attempts. Case is folded here and not in the
 * database, whose locale would decide. What is no address has a key too, which no user has.
 */
export function emailKey(typed: string): string {
  const parts = partsOf(typed)
  const text = parts ? `${parts.local}@${parts.domain}` : typed.trim()
  return text.toLowerCase().normalize('NFC')
}

/** Words of a search, where whole addresses and domains are written as they are stored. */
export const searchedEmails = (typed: string): string =>
  typed
    .split(/(\s+)/)
    .map((word) => {
      const parts = partsOf(word)
      if (parts) return `${parts.local}@${parts.domain}`
      return word.includes('.') ? (asciiDomain(word) ?? word) : word
    })
    .join('')
