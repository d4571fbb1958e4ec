import { allowedNetworksError } from '../shared/allowed-networks.ts'
import { type Certificate, CertificateError, certificatesInPem } from '../shared/certificates.ts'
import { SettingError, setting } from './setting.ts'

/** Headers that mean something else, and that requests without a proxy have too. */
const TAKEN =
  /^(?:authorization|connection|content-.*|cookie|dpop|host|origin|transfer-encoding|user-agent|x-api-key|x-forwarded-(?:for|host|proto))$/

function headerName(value: string): string {
  const name = value.toLowerCase()
  if (!/^[a-z][a-z0-9-]{0,99}$/.test(name) || TAKEN.test(name))
    throw new SettingError('must be the name of a header of its own, such as X-SSL-Client-Cert')
  return name
}

function networks(value: string): string[] {
  const entries = value.split(',').map((entry) => entry.trim())
  const error = allowedNetworksError(entries)
  if (error) throw new SettingError(error)
  return entries
}

const MAX_AUTHORITIES = 50

function authorities(value: string): Certificate[] {
  try {
    const found = certificatesInPem(value)
    if (found.length > MAX_AUTHORITIES) throw new SettingError(`must be at most ${MAX_AUTHORITIES} certificates`)
    const other = found.find(({ x509 }) => !x509.ca)
    if (other) throw new SettingError(`the certificate of ${other.subject} is not that of an authority`)
    return found
  } catch (error) {
    throw error instanceof CertificateError ? new SettingError(error.message) : error
  }
}

/** As clients write it, without a path. */
function httpsOrigin(value: string): string {
  const url = URL.parse(value)
  if (url?.protocol !== 'https:' || url.href !== `${url.origin}/` || value.endsWith('/'))
    throw new SettingError('must be an https origin without a path, such as https://mtls.example.com')
  return url.origin
}

/** Client certificates (RFC 8705), which a proxy that terminates TLS passes on. */
export const CLIENT_CERTIFICATE_SETTINGS = {
  CLIENT_CERTIFICATE_HEADER: setting({
    parse: headerName,
    doc: 'The header in which your proxy sends the TLS certificate of a client ([how to set it up](operating/client-certificates.md)), such as `X-SSL-Client-Cert` (nginx, HAProxy, Caddy), `X-Forwarded-Client-Cert` (Envoy) or `Client-Cert` (RFC 9440). It is removed from every other request. Unset: no client authenticates by a certificate.',
  }),
  CLIENT_CERTIFICATE_PROXIES: setting({
    parse: networks,
    doc: 'The addresses of these proxies, as they connect to Keywright: a comma-separated list in CIDR notation, such as `127.0.0.1,10.0.0.0/28`. A program that sends requests from one of them can act as every client with a certificate. Required with `CLIENT_CERTIFICATE_HEADER`.',
  }),
  CLIENT_CERTIFICATE_AUTHORITIES: setting({
    parse: authorities,
    doc: 'The certificate authorities (CAs) of clients with `tls_client_auth`: their certificates in PEM, each trusted as it is listed, so list the issuing ones; usually from a file by `CLIENT_CERTIFICATE_AUTHORITIES_FILE`. Unset: only registered certificates (`self_signed_tls_client_auth`) are accepted.',
  }),
  CLIENT_CERTIFICATE_ORIGIN: setting({
    parse: httpsOrigin,
    doc: 'The origin at which your proxy asks for certificates, if it is not that of `ISSUER`, such as `https://mtls.example.com`. Discovery names the endpoints there (`mtls_endpoint_aliases`).',
  }),
}

/** How certificates of clients reach Keywright, and who issues them. */
export interface ClientCertificateConfig {
  /** In small letters. */
  readonly header: string
  /** In CIDR notation. */
  readonly proxies: readonly string[]
  readonly authorities: readonly Certificate[]
  /** Where the proxy asks for certificates; undefined: at the issuer's origin. */
  readonly origin: string | undefined
}

interface Values {
  readonly CLIENT_CERTIFICATE_HEADER?: string | undefined
  readonly CLIENT_CERTIFICATE_PROXIES?: string[] | undefined
  readonly CLIENT_CERTIFICATE_AUTHORITIES?: Certificate[] | undefined
  readonly CLIENT_CERTIFICATE_ORIGIN?: string | undefined
}

/** Undefined: no client authenticates by a certificate. */
export function clientCertificateConfigOf(values: Values, fieldErrors: string[]): ClientCertificateConfig | undefined {
  const { CLIENT_CERTIFICATE_HEADER: header, CLIENT_CERTIFICATE_PROXIES: proxies } = values
  const isReported = (name: string) => fieldErrors.some((fieldError) => fieldError.startsWith(`${name}:`))
  if (header && !proxies && !isReported('CLIENT_CERTIFICATE_PROXIES'))
    fieldErrors.push(
      'CLIENT_CERTIFICATE_PROXIES: required with CLIENT_CERTIFICATE_HEADER; name the addresses of the proxies',
    )
  for (const name of [
    'CLIENT_CERTIFICATE_PROXIES',
    'CLIENT_CERTIFICATE_AUTHORITIES',
    'CLIENT_CERTIFICATE_ORIGIN',
  ] as const)
    if (values[name] && !header && !isReported('CLIENT_CERTIFICATE_HEADER'))
      fieldErrors.push(`${name}: has no effect without CLIENT_CERTIFICATE_HEADER`)
  if (!header || !proxies) return undefined
  const { CLIENT_CERTIFICATE_AUTHORITIES: authorities = [], CLIENT_CERTIFICATE_ORIGIN: origin } = values
  return { header, proxies, authorities, origin }
}
