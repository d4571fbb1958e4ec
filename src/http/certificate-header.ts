import type { Context, Middleware } from 'koa'
import { LRUCache } from 'lru-cache'
import { isAllowedAddress } from '../shared/allowed-networks.ts'
import { type Certificate, CertificateError, certificatesInPem, parseCertificate } from '../shared/certificates.ts'

/** Characters. A chain of certificates, or one with hundreds of names, is longer. */
const MAX_LENGTH = 12_000

/** Parsed certificates by the text of their header: a client sends the same one with each request. */
const parsed = new LRUCache<string, Certificate>({ max: 200 })

/** Which header names the certificate of a client, and who may send it. */
export interface CertificateHeader {
  /** Its name in small letters. */
  readonly header: string
  /** The addresses of the proxies, in CIDR notation. */
  readonly proxies: readonly string[]
}

/** What a trusted proxy sent. */
interface SentHeader {
  readonly text: string
  readonly isRepeated: boolean
}

const sentHeaders = new WeakMap<object, SentHeader>()

function countOf(rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((text, n) => n % 2 === 0 && text.toLowerCase() === name).length
}

/**
 * Takes the certificate of the client from the header of a trusted proxy, and removes the header from every request: nothing behind can
 * mistake one that somebody else sent for a certificate. A certificate is public, so the header alone proves nothing.
 */
export function takeCertificateHeader({ header: name, proxies }: CertificateHeader): Middleware {
  return async (ctx, next) => {
    const text = ctx.req.headers[name]
    if (text !== undefined) {
      delete ctx.req.headers[name]
      if (isAllowedAddress(proxies, ctx.req.socket.remoteAddress ?? ''))
        sentHeaders.set(ctx.req, { text: String(text), isRepeated: countOf(ctx.req.rawHeaders, name) > 1 })
    }
    await next()
  }
}

/** Caddy sends the name of its placeholder where the connection has no certificate. */
const PLACEHOLDER = /^\{[a-z0-9._]+\}$/

const isEmpty = (text: string): boolean => text === '' || PLACEHOLDER.test(text)

/** Whether a trusted proxy sent a certificate, which may be malformed. */
export const hasCertificate = ({ req }: Pick<Context, 'req'>): boolean => {
  const sent = sentHeaders.get(req)
  return sent !== undefined && !isEmpty(sent.text.trim())
}

const ENVOY_FIELD = /\s*([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^;,"]*)(;|$)/y

/**
 * The values of `Cert` in the one element of Envoy's header. A second element may be the client's own. Every field is read, because the
 * quoted subject of a certificate can have any text.
 */
function certificatesOfEnvoy(text: string): string[] {
  const values: string[] = []
  for (let at = 0; at < text.length; at = ENVOY_FIELD.lastIndex) {
    ENVOY_FIELD.lastIndex = at
    const [, name, value] = ENVOY_FIELD.exec(text) ?? []
    if (name === undefined) throw new CertificateError('the header of the proxy has several elements, or is malformed')
    const plain = value!.replace(/^"(.*)"$/s, '$1')
    if (name.toLowerCase() === 'cert' && plain !== '') values.push(plain)
  }
  return values
}

const ENVOY = /^(?:By|Hash|Cert|Chain|Subject|URI|DNS)=/i
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

function one<T>(found: readonly T[]): T | undefined {
  if (found.length > 1) throw new CertificateError('the proxy sent several certificates')
  return found[0]
}

function parseBase64(text: string): Certificate {
  if (!BASE64.test(text)) throw new CertificateError('the certificate in the header of the proxy is not base64')
  return parseCertificate(Buffer.from(text, 'base64'))
}

function parsePercentEncoded(text: string): Certificate {
  let pem: string
  try {
    pem = decodeURIComponent(text)
  } catch {
    throw new CertificateError('the certificate in the header of the proxy is not percent-encoded')
  }
  return one(certificatesInPem(pem))!
}

/**
 * The certificate in a header, in the form of nginx and Envoy (PEM, percent-encoded), of HAProxy and Caddy (DER in base64) or of RFC 9440 (the
 * same between colons). Undefined: none.
 */
function certificateIn(text: string): Certificate | undefined {
  if (ENVOY.test(text)) {
    const value = one(certificatesOfEnvoy(text))
    return value === undefined ? undefined : parsePercentEncoded(value)
  }
  if (text.startsWith('-----BEGIN')) return parsePercentEncoded(text)
  return parseBase64(/^:(.*):$/s.exec(text)?.[1] ?? text)
}

/**
 * The certificate by which the client authenticated in TLS, as a trusted proxy names it. The proxy has checked that the client has its
 * private key; nothing else about it is verified. Undefined: none.
 * @throws CertificateError
 */
export function presentedCertificate({ req }: Pick<Context, 'req'>): Certificate | undefined {
  const sent = sentHeaders.get(req)
  if (!sent) return undefined
  if (sent.isRepeated) throw new CertificateError('the proxy sent several certificates')
  const text = sent.text.trim()
  if (isEmpty(text)) return undefined
  if (text.length > MAX_LENGTH) throw new CertificateError('the certificate in the header of the proxy is too long')
  const known = parsed.get(text)
  if (known) return known
  const certificate = certificateIn(text)
  if (certificate) parsed.set(text, certificate)
  return certificate
}

/** SHA-256 in base64url of the certificate of the connection (RFC 8705, section 3.1: `x5t#S256`). Undefined: none, or malformed. */
export function presentedThumbprint(ctx: Pick<Context, 'req'>): string | undefined {
  try {
    return presentedCertificate(ctx)?.thumbprint.toString('base64url')
  } catch (error) {
    if (error instanceof CertificateError) return undefined
    throw error
  }
}
