// This module is imported at the first use of a passkey, with its libraries: most nodes only issue tokens.
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server'
import { decodeAttestationObject, decodeClientDataJSON } from '@simplewebauthn/server/helpers'
import { z } from 'zod'
import { ALGORITHMS, userHandleOf } from './passkey-options.ts'
import type { NewCredential, StoredCredential } from './passkeys.ts'
import type { RelyingParty } from './relying-party.ts'

const base64url = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[\w-]+$/)

/** `AuthenticatorTransport` (section 5.8.4), also those of later versions. */
const TRANSPORT = /^[\w-]{1,30}$/

const CREDENTIAL = { id: base64url(1400), rawId: base64url(1400), type: z.literal('public-key') } as const

const CLIENT_DATA = { clientDataJSON: base64url(8192) } as const

/** `AuthenticationResponseJSON` (Web Authentication Level 3, section 5.1.8), without what is not read. */
const assertion = z.object({
  ...CREDENTIAL,
  response: z.object({
    ...CLIENT_DATA,
    authenticatorData: base64url(8192),
    signature: base64url(8192),
    userHandle: base64url(100).nullish(),
  }),
})

/** `RegistrationResponseJSON`, likewise. */
const registration = z.object({
  ...CREDENTIAL,
  response: z.object({
    ...CLIENT_DATA,
    attestationObject: base64url(32_768),
    transports: z.array(z.string().regex(TRANSPORT)).max(10).optional(),
  }),
})

export type Assertion = z.infer<typeof assertion>

export type RegistrationResponse = z.infer<typeof registration>

function parse<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** Undefined: it is no `AuthenticationResponseJSON`. */
export const parseAssertion = (text: string): Assertion | undefined => parse(assertion, text)

/** Undefined: it is no `RegistrationResponseJSON`. */
export const parseRegistration = (text: string): RegistrationResponse | undefined => parse(registration, text)

/** What a response must have been made for. */
export interface Expected {
  readonly relyingParty: RelyingParty
  readonly challenge: string
}

/** Why a response is refused, for the log. */
export interface Invalid {
  readonly invalid: string
}

/** The library throws for whatever is wrong with a response. */
const invalidOf = (error: unknown): Invalid => ({ invalid: error instanceof Error ? error.message : String(error) })

const expectationsOf = ({ relyingParty, challenge }: Expected) => ({
  expectedChallenge: challenge,
  expectedOrigin: relyingParty.origin,
  expectedRPID: relyingParty.id,
  requireUserVerification: true,
})

/** No page of ours can be in a frame of another site, so such a response was not asked for here. */
const isFramed = (clientDataJSON: string): boolean => Boolean(decodeClientDataJSON(clientDataJSON).crossOrigin)

const FRAMED: Invalid = { invalid: 'the page was in a frame of another site' }

/**
 * Verifies a passkey's signature (Web Authentication Level 3, section 7.2) with user verification. Returns the signature counter, which the caller
 * compares in the database.
 */
export async function verifyAssertion(
  { id, rawId, type, response }: Assertion,
  credential: StoredCredential,
  expected: Expected,
): Promise<{ readonly counter: number } | Invalid> {
  if (response.userHandle !== userHandleOf(credential.userId)) return { invalid: 'the user handle is of another user' }
  try {
    if (isFramed(response.clientDataJSON)) return FRAMED
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      ...expectationsOf(expected),
      response: { id, rawId, type, clientExtensionResults: {}, response: response as never },
      // With 0 the library does not compare: two nodes would both accept the counter.
      credential: { id, publicKey: new Uint8Array(credential.publicKey), counter: 0 },
    })
    return verified ? { counter: authenticationInfo.newCounter } : { invalid: 'the signature is wrong' }
  } catch (error) {
    return invalidOf(error)
  }
}

/**
 * Whether the attestation statement names no certificate. No attestation is requested, so browsers send none. The library would
 * fetch the revocation list that a certificate names, from any address.
 */
function hasNoCertificate(attestationObject: string): boolean {
  const decoded = decodeAttestationObject(new Uint8Array(Buffer.from(attestationObject, 'base64url')))
  const format = decoded.get('fmt')
  // `packed` without a certificate is self attestation, which browsers leave as it is.
  return format === 'none' || (format === 'packed' && !decoded.get('attStmt').get('x5c'))
}

/** Bytes of a credential ID (section 4, `Credential ID`) and of a public key, whose modulus OpenSSL limits to 2048. */
const LONGEST = { id: 1023, publicKey: 4096 } as const

/** Whether it can be stored. */
const isBounded = ({ credentialId, publicKey }: NewCredential): boolean =>
  credentialId.length > 0 && credentialId.length <= LONGEST.id && publicKey.length <= LONGEST.publicKey

/** Verifies a new credential (Web Authentication Level 3, section 7.1), made with user verification. */
export async function verifyRegistration(
  { id, rawId, type, response }: RegistrationResponse,
  expected: Expected,
): Promise<NewCredential | Invalid> {
  try {
    if (isFramed(response.clientDataJSON)) return FRAMED
    if (!hasNoCertificate(response.attestationObject)) return { invalid: 'the attestation was not requested' }
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      ...expectationsOf(expected),
      response: { id, rawId, type, clientExtensionResults: {}, response: response as never },
      supportedAlgorithmIDs: ALGORITHMS,
    })
    if (!verified || !registrationInfo) return { invalid: 'the attestation statement is wrong' }
    const { credential, credentialDeviceType } = registrationInfo
    const made: NewCredential = {
      credentialId: Buffer.from(credential.id, 'base64url'),
      publicKey: Buffer.from(credential.publicKey),
      counter: credential.counter,
      synced: credentialDeviceType === 'multiDevice',
      transports: response.transports ?? [],
    }
    return isBounded(made) ? made : { invalid: 'the credential ID or the public key is too long, or there is none' }
  } catch (error) {
    return invalidOf(error)
  }
}
