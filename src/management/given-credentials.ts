import type { AuthMethod } from '../clients/authentication-attributes.ts'
import { type CertificateInput, parseClientCertificates } from '../clients/client-certificates.ts'
import { parsePublicKeys } from '../clients/client-keys.ts'
import type { GivenCredentials } from './client-secret-rotation.ts'

/** What a request registers for a client without a client secret. */
export interface CredentialInput extends CertificateInput {
  /** A JWK set (RFC 7517) with the public keys of a client that authenticates by its private key, or with certificates (`x5c`). */
  readonly jwks?: string | undefined
}

/** The public keys or certificates in a request. @throws KeywrightError `invalid_input` */
export async function parseCredentials(authMethod: AuthMethod, input: CredentialInput): Promise<GivenCredentials> {
  const certificates = parseClientCertificates(authMethod, input)
  if (certificates) return { certificates }
  return { keys: input.jwks === undefined ? undefined : await parsePublicKeys(input.jwks) }
}
