import type { Command } from 'commander'
import type { CertificateNameField } from '../clients/client-certificates.ts'
import type { CredentialInput } from '../management/given-credentials.ts'
import { textFile } from './attribute-options.ts'

export const JWKS_HELP = 'Public keys for private_key_jwt: a JWK set, or PEM (public keys, certificates)'

const NAMES: Readonly<Record<CertificateNameField, readonly [option: string, help: string]>> = {
  tlsClientAuthSubjectDn: [
    '--tls-client-auth-subject-dn <name>',
    'The subject of the certificates, such as CN=client,O=Example,C=DE',
  ],
  tlsClientAuthSanDns: ['--tls-client-auth-san-dns <name>', 'A DNS name of the certificates'],
  tlsClientAuthSanUri: ['--tls-client-auth-san-uri <uri>', 'A URI of the certificates'],
  tlsClientAuthSanIp: ['--tls-client-auth-san-ip <address>', 'An IP address of the certificates'],
  tlsClientAuthSanEmail: ['--tls-client-auth-san-email <address>', 'An email address of the certificates'],
}

/** Adds the options for what a client without a client secret authenticates by. */
export function addCredentialOptions(command: Command): Command {
  command
    .option(
      '--jwks <file>',
      `${JWKS_HELP}; a JWK set with certificates (x5c) for self_signed_tls_client_auth`,
      textFile,
    )
    .option('--certificates <file>', 'Certificates in PEM, for self_signed_tls_client_auth', textFile)
  for (const [option, help] of Object.values(NAMES)) command.option(option, `${help}, for tls_client_auth`)
  return command
}

/** The credentials that the options give. */
export function credentialsIn(options: CredentialInput): CredentialInput {
  const names = ['jwks', 'certificates', ...Object.keys(NAMES)] as (keyof CredentialInput)[]
  return Object.fromEntries(names.map((name) => [name, options[name]]))
}
