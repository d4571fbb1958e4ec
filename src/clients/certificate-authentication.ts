import { type Certificate, hashOfName, isIssuedBy, isValidAt } from '../shared/certificates.ts'
import type { Clock } from '../shared/clock.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { RefusalReason } from '../shared/refusal-reasons.ts'
import { type AuthMethod, usesCertificates } from './authentication-attributes.ts'
import { type AuthenticatedClient, checkAddress } from './client-authentication.ts'
import type { Registration, ValidSecret } from './registration.ts'
import type { Registrations } from './registrations.ts'

/** Why a certificate proves no client; the detail is for the log. */
export class InvalidCertificateError extends Error {
  readonly reason: RefusalReason

  constructor(reason: RefusalReason, detail: string) {
    super(detail)
    this.reason = reason
  }
}

/** Authenticates clients by the certificate that they presented in TLS (RFC 8705, section 2). */
export interface CertificateAuthenticator {
  /**
   * @param certificate undefined: the request has none
   * @param address as in `Credentials`
   * @throws InvalidCertificateError, ForbiddenNetworkError
   */
  prove(registration: Registration, certificate: Certificate | undefined, address?: string): AuthenticatedClient
}

const isOf = (hash: Buffer, { hash: registered }: ValidSecret): boolean => hash.toString('base64') === registered

/**
 * @param authorities that issue certificates to clients with `tls_client_auth`
 * @param clock the database's: on a node whose own clock is late, a retired certificate would still be valid
 */
export function createCertificateAuthenticator(
  registrations: Registrations,
  authorities: readonly Certificate[],
  clock: Clock,
): CertificateAuthenticator {
  /** The hashes of what the certificate proves under the client's method. @throws InvalidCertificateError */
  function provenBy(certificate: Certificate, { authMethod }: Registration): Buffer[] {
    const now = clock.now()
    if (!isValidAt(certificate, now))
      throw new InvalidCertificateError('certificate_invalid', 'the certificate has expired, or is not valid yet')
    if (authMethod === 'self_signed_tls_client_auth') return [certificate.thumbprint]
    if (!authorities.some((authority) => isIssuedBy(authority, certificate, now)))
      throw new InvalidCertificateError(
        'certificate_invalid',
        certificate.flaw ?? 'no trusted authority issued the certificate',
      )
    return certificate.names.map(hashOfName)
  }

  const prove: CertificateAuthenticator['prove'] = (registration, certificate, address) => {
    if (!certificate) throw new InvalidCertificateError('certificate_missing', 'the request has no client certificate')
    const proven = provenBy(certificate, registration)
    const isValid = ({ retiresAt }: ValidSecret) => retiresAt === null || retiresAt > clock.now()
    const match = registration.certificates.find((one) => isValid(one) && proven.some((hash) => isOf(hash, one)))
    if (!match) throw new InvalidCertificateError('certificate_mismatch', 'the certificate is not one of the client')
    checkAddress(registration, address)
    return {
      registration,
      authentication: { secretId: match.id, apiKeyId: null, retiresAt: match.retiresAt, apiKeyHash: null },
      renew: () => renewed(registration.clientId, certificate, address),
    }
  }

  async function renewed(clientId: string, certificate: Certificate, address?: string): Promise<AuthenticatedClient> {
    const registration = await registrations.fresh(clientId)
    if (!registration || !usesCertificates(registration))
      throw new KeywrightError('invalid_client', 'the client was replaced or archived')
    try {
      return prove(registration, certificate, address)
    } catch (error) {
      if (!(error instanceof InvalidCertificateError)) throw error
      throw new KeywrightError('invalid_client', 'the client certificate was replaced', { reason: error.reason })
    }
  }

  return { prove }
}

/** The methods by which clients can authenticate in TLS. @param config undefined: no proxy names certificates */
export function certificateMethodsOf(
  config: { readonly authorities: readonly Certificate[] } | undefined,
): AuthMethod[] {
  if (!config) return []
  return [...(config.authorities.length > 0 ? (['tls_client_auth'] as const) : []), 'self_signed_tls_client_auth']
}
