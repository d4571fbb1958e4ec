import type { NewCredential } from './passkeys.ts'
import type { RelyingParty } from './relying-party.ts'

/** COSE algorithms: EdDSA, ES256, RS256, which authenticators have. */
export const ALGORITHMS = [-8, -7, -257]

/** Milliseconds that a browser waits for its user. */
const TIMEOUT = 5 * 60_000

/** The user handle of a user: their ID, which says nothing about them. */
export const userHandleOf = (userId: string): string =>
  Buffer.from(userId.replaceAll('-', ''), 'hex').toString('base64url')

/** `PublicKeyCredentialRequestOptionsJSON`. It lists no credentials, so it says nothing about who has one. */
export const requestOptions = ({ id }: RelyingParty, challenge: string) => ({
  challenge,
  rpId: id,
  userVerification: 'required',
  timeout: TIMEOUT,
})

export interface PasskeyOwner {
  readonly id: string
  readonly email: string
  readonly name?: string | null
}

/** `PublicKeyCredentialCreationOptionsJSON`. @param existing the passkeys of the user; an authenticator has at most one */
export const creationOptions = (
  { id }: RelyingParty,
  instance: string,
  owner: PasskeyOwner,
  challenge: string,
  existing: readonly Pick<NewCredential, 'credentialId' | 'transports'>[],
) => ({
  rp: { id, name: instance },
  user: { id: userHandleOf(owner.id), name: owner.email, displayName: owner.name ?? owner.email },
  challenge,
  pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
  timeout: TIMEOUT,
  excludeCredentials: existing.map(({ credentialId, transports }) => ({
    type: 'public-key',
    id: credentialId.toString('base64url'),
    transports,
  })),
  authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
  attestation: 'none',
})
