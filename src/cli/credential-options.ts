import { type Command, Option } from 'commander'
import type { CertificateNameField } from '../clients/client-certificates.ts'
import type { TrustChange } from '../clients/trust-changes.ts'
import { conditionsIn } from '../clients/trust-conditions.ts'
import { TRUST_PRESETS, trustIn } from '../clients/trust-presets.ts'
import type { TrustInput } from '../clients/workload-trusts.ts'
import type { CredentialInput } from '../management/credential-input.ts'
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

interface TrustOptions {
  readonly trustPreset?: string
  readonly trustWorkload?: string
  readonly trustIssuer?: string
  readonly trustAudience?: string
  readonly trustClaim?: string[]
  readonly trustSingleUse?: boolean
  readonly trustJwks?: string
}

/** What `credentialsIn` reads. */
export type CredentialOptions = Omit<CredentialInput, 'trust'> & TrustOptions

const CLAIM_HELP =
  'What a claim of the token must be; * is any text; repeat it for more claims, or more patterns of one'

const collected = (entry: string, before: string[] = []): string[] => [...before, entry]

/** Adds the options for a trust in an issuer. */
export function addTrustOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--trust-preset <name>', 'The platform of a workload, which gives its issuer and conditions').choices(
        TRUST_PRESETS.map(({ value }) => value),
      ),
    )
    .option(
      '--trust-workload <name>',
      `With --trust-preset, the workload: ${TRUST_PRESETS.map(({ value, workload }) => `${workload} (${value})`).join(', ')}`,
    )
    .option('--trust-issuer <url>', 'The issuer of the tokens of a workload, as in iss; for workload_identity')
    .option('--trust-claim <name=pattern>', CLAIM_HELP, collected)
    .option('--trust-audience <aud>', 'The audience of the token; default: the issuer identifier of this server')
    .option('--trust-single-use', 'Accept each token once (jti)')
    .option('--trust-jwks <file>', 'The public keys of an issuer that this server cannot reach: a JWK set', textFile)
}

/** What `trustChangeOf` reads. */
export interface TrustChangeOptions {
  readonly trustClaim?: string[]
  readonly trustAudience?: string
  readonly trustSingleUse?: 'on' | 'off'
  readonly trustJwks?: string
}

/** Adds the options for a change of a trust. */
export const addTrustChangeOptions = (command: Command): Command =>
  command
    .option('--trust-claim <name=pattern>', `${CLAIM_HELP}; all conditions are replaced`, collected)
    .option('--trust-audience <aud>', "The audience of the token; '' for the issuer identifier of this server")
    .addOption(new Option('--trust-single-use <on|off>', 'Accept each token once (jti)').choices(['on', 'off']))
    .option('--trust-jwks <file|off>', 'The public keys of the issuer; off: they are read from it', (path) =>
      path === 'off' ? '' : textFile(path),
    )

/** @throws KeywrightError `invalid_input` */
export const trustChangeOf = (options: TrustChangeOptions): TrustChange => ({
  conditions: options.trustClaim && conditionsIn(options.trustClaim),
  audience: options.trustAudience === '' ? null : options.trustAudience,
  singleUse: options.trustSingleUse && options.trustSingleUse === 'on',
  jwks: options.trustJwks === '' ? null : options.trustJwks,
})

/** The trust that the options describe. @throws KeywrightError `invalid_input` */
export const trustOf = (options: TrustOptions): TrustInput | undefined =>
  trustIn({
    preset: options.trustPreset,
    workload: options.trustWorkload,
    issuer: options.trustIssuer,
    audience: options.trustAudience,
    claims: options.trustClaim,
    singleUse: options.trustSingleUse,
    jwks: options.trustJwks,
  })

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
  return addTrustOptions(command)
}

/** The credentials that the options give. @throws KeywrightError `invalid_input` */
export function credentialsIn(options: CredentialOptions): CredentialInput {
  const names = ['jwks', 'certificates', ...Object.keys(NAMES)] as Exclude<keyof CredentialInput, 'trust'>[]
  const trust = trustOf(options)
  return { ...Object.fromEntries(names.map((name) => [name, options[name]])), ...(trust && { trust }) }
}
