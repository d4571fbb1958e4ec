import { base64url } from 'jose'
import { isSame, sha256 } from './digests.ts'
import { AccessTokenError } from './errors.ts'
import { headerOf, type VerifiableRequest } from './requests.ts'

/** Characters of a header with a certificate. */
const MAX_LENGTH = 12_000

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const PEM = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/

/** A field of Envoy's `X-Forwarded-Client-Cert`; a comma would begin a second element, which may be the client's own. */
const ENVOY_FIELD = /\s*([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^;,"]*)(;|$)/y
const ENVOY = /^(?:By|Hash|Cert|Chain|Subject|URI|DNS)=/i

const invalid = () => new AccessTokenError('certificate_wrong', 'the client certificate of the request is malformed')

function certificateOfEnvoy(text: string): string {
  const values: string[] = []
  for (let at = 0; at < text.length; at = ENVOY_FIELD.lastIndex) {
    ENVOY_FIELD.lastIndex = at
    const [, name, value] = ENVOY_FIELD.exec(text) ?? []
    if (name === undefined) throw invalid()
    if (name.toLowerCase() === 'cert') values.push(value!.replace(/^"(.*)"$/s, '$1'))
  }
  if (values.length > 1) throw invalid()
  return values[0] ?? ''
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid()
  }
}

/**
 * The DER of the certificate in a proxy's header: percent-encoded PEM (nginx, Envoy), DER in base64 (HAProxy, Caddy), or the same between
 * colons (RFC 9440). Undefined: none.
 */
function certificateIn(header: string): Uint8Array | undefined {
  const value = header.trim()
  if (value.length > MAX_LENGTH) throw invalid()
  const text = ENVOY.test(value) ? certificateOfEnvoy(value) : value
  // Caddy sends the name of its placeholder where there is no certificate.
  if (text === '' || /^\{[a-z0-9._]+\}$/.test(text)) return undefined
  const base64 = text.startsWith('-----BEGIN')
    ? PEM.exec(decodePercent(text))?.[1]?.replace(/\s/g, '')
    : (/^:(.*):$/s.exec(text)?.[1] ?? text)
  if (base64 === undefined || !BASE64.test(base64)) throw invalid()
  return base64url.decode(base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''))
}

/**
 * Verifies that the request has the certificate to which its token is bound (RFC 8705, section 3).
 * @param header in which a proxy names the certificate; undefined: `request.certificate` counts alone
 * @throws AccessTokenError `certificate_missing`, `certificate_wrong`
 */
export async function checkCertificate(
  request: VerifiableRequest,
  expected: unknown,
  header: string | undefined,
): Promise<void> {
  const named = header === undefined ? undefined : headerOf(request, header)
  const certificate = header === undefined ? request.certificate : certificateIn(named ?? '')
  if (!certificate || certificate.length === 0) {
    throw new AccessTokenError(
      'certificate_missing',
      'the access token requires the client certificate that it is bound to',
    )
  }
  if (typeof expected !== 'string' || !isSame(await sha256(certificate), expected)) {
    throw new AccessTokenError('certificate_wrong', 'the access token is bound to another client certificate')
  }
}
