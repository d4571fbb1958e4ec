import type { AuthMethod } from '../clients/authentication-attributes.ts'
import { type CertificateInput, parseClientCertificates } from '../clients/client-certificates.ts'
import { parsePublicKeys } from '../clients/client-keys.ts'
import { parseTrust, type TrustInput } from '../clients/workload-trusts.ts'
import { invalidInput } from '../shared/errors.ts'
import type { GivenCredentials } from './issued-credentials.ts'

/** What a request registers for a client without a client secret. */
export interface CredentialInput extends CertificateInput {
  /** A JWK set (RFC 7517) with the public keys of a client that authenticates by its private key, or with certificates (`x5c`). */
  readonly jwks?: string | undefined
  /** An issuer that a client with `workload_identity` trusts, with its conditions. */
  readonly trust?: TrustInput | undefined
}

/** The public keys, certificates or trust in a request. @throws KeywrightError `invalid_input` */
export async function parseCredentials(authMethod: AuthMethod, input: CredentialInput): Promise<GivenCredentials> {
  if (authMethod === 'workload_identity') {
    if (!input.trust) throw invalidInput('a client with workload_identity needs a trust in an issuer', 'trustIssuer')
    return { trusts: [await parseTrust(input.trust)] }
  }
  if (input.trust) throw invalidInput('only a client with workload_identity trusts an issuer', 'trustIssuer')
  const certificates = parseClientCertificates(authMethod, input)
  if (certificates) return { certificates }
  return { keys: input.jwks === undefined ? undefined : await parsePublicKeys(input.jwks) }
}
