import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** What a test makes an authenticator or browser do otherwise than they should. */
export interface Deviation {
  readonly origin?: string
  readonly rpId?: string
  readonly challenge?: string
  readonly counter?: number
  readonly isUserVerified?: boolean
  readonly userHandle?: string
  readonly credentialId?: string
  readonly type?: string
  /** The page was in a frame of another site. */
  readonly isFramed?: boolean
}

/** `PublicKeyCredentialCreationOptionsJSON`, as far as the authenticator reads it. */
interface CreationOptions {
  readonly rp: { readonly id: string }
  readonly user: { readonly id: string }
  readonly challenge: string
}

interface RequestOptions {
  readonly rpId: string
  readonly challenge: string
}

const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest()

const bytes = (length: number, major: number): Buffer => {
  if (length < 24) return Buffer.from([(major << 5) | length])
  return length < 256
    ? Buffer.from([(major << 5) | 24, length])
    : Buffer.from([(major << 5) | 25, length >> 8, length & 255])
}

/** CBOR (RFC 8949), as far as an attestation needs it. */
function cbor(value: number | string | Buffer | Map<number | string, unknown>): Buffer {
  if (typeof value === 'number') return value < 0 ? bytes(-1 - value, 1) : bytes(value, 0)
  if (typeof value === 'string') return Buffer.concat([bytes(Buffer.byteLength(value), 3), Buffer.from(value)])
  if (Buffer.isBuffer(value)) return Buffer.concat([bytes(value.length, 2), value])
  const entries = [...value].flatMap(([key, inside]) => [cbor(key), cbor(inside as never)])
  return Buffer.concat([bytes(value.size, 5), ...entries])
}

const USER_PRESENT = 0x01
const USER_VERIFIED = 0x04
const BACKUP = 0x08 | 0x10
const ATTESTED = 0x40

/**
 * An authenticator with one discoverable credential, in this process, and the browser that it belongs to.
 * @param origin of the page that asks
 * @param kind `idLength`: bytes of the credential ID; `keyPadding`: bytes that the public key has beside its own
 */
export function createSoftwareAuthenticator(
  origin: string,
  { synced = false, hasCounter = true, idLength = 32, keyPadding = 0 } = {},
) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const credentialId = randomBytes(idLength)
  const jwk = publicKey.export({ format: 'jwk' })
  const coordinate = (name: 'x' | 'y') => Buffer.from(jwk[name]!, 'base64url')
  const coseKey = cbor(
    new Map<number, number | Buffer>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, coordinate('x')],
      [-3, coordinate('y')],
      ...(keyPadding > 0 ? [[-100, Buffer.alloc(keyPadding)] as const] : []),
    ]),
  )
  let counter = 0
  let owner = Buffer.alloc(16).toString('base64url')

  const clientData = (type: string, challenge: string, deviation: Deviation): Buffer =>
    Buffer.from(
      JSON.stringify({
        type: deviation.type ?? type,
        challenge: deviation.challenge ?? challenge,
        origin: deviation.origin ?? origin,
        crossOrigin: deviation.isFramed ?? false,
      }),
    )

  function authenticatorData(rpId: string, deviation: Deviation, attested = Buffer.alloc(0)): Buffer {
    const isVerified = deviation.isUserVerified ?? true
    const kind = (synced ? BACKUP : 0) | (attested.length > 0 ? ATTESTED : 0)
    const flags = USER_PRESENT | (isVerified ? USER_VERIFIED : 0) | kind
    const count = Buffer.alloc(4)
    count.writeUInt32BE(deviation.counter ?? counter)
    return Buffer.concat([sha256(deviation.rpId ?? rpId), Buffer.from([flags]), count, attested])
  }

  const base = (deviation: Deviation) => {
    const id = deviation.credentialId ?? credentialId.toString('base64url')
    return { id, rawId: id, type: 'public-key', clientExtensionResults: {}, authenticatorAttachment: 'platform' }
  }

  return {
    credentialId,
    /** `RegistrationResponseJSON`, as text. @param attestation in place of none */
    create(options: object, deviation: Deviation = {}, attestation?: Map<string, unknown>): string {
      const { rp, user, challenge } = options as CreationOptions
      owner = user.id
      const attested = Buffer.concat([
        Buffer.alloc(16),
        Buffer.from([idLength >> 8, idLength & 255]),
        credentialId,
        coseKey,
      ])
      const authData = authenticatorData(rp.id, deviation, attested)
      const statement =
        attestation ??
        new Map<string, unknown>([
          ['fmt', 'none'],
          ['attStmt', new Map()],
        ])
      const object = cbor(new Map<string, unknown>([...statement, ['authData', authData]]))
      const response = {
        clientDataJSON: clientData('webauthn.create', challenge, deviation).toString('base64url'),
        attestationObject: object.toString('base64url'),
        transports: ['internal', 'hybrid'],
      }
      return JSON.stringify({ ...base(deviation), response })
    },
    /** `AuthenticationResponseJSON`, as text. */
    get(options: object, deviation: Deviation = {}): string {
      const { rpId, challenge } = options as RequestOptions
      if (hasCounter) counter++
      const data = authenticatorData(rpId, deviation)
      const client = clientData('webauthn.get', challenge, deviation)
      const signature = sign('sha256', Buffer.concat([data, sha256(client)]), privateKey)
      const response = {
        clientDataJSON: client.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: signature.toString('base64url'),
        userHandle: deviation.userHandle ?? owner,
      }
      return JSON.stringify({ ...base(deviation), response })
    },
  }
}

export type SoftwareAuthenticator = ReturnType<typeof createSoftwareAuthenticator>

/** What a page asks the browser for a passkey with. */
export function passkeyOptionsOn({ text }: { readonly text: string }): object {
  const [, options] = /data-options="([^"]*)"/.exec(text)!
  return JSON.parse(options!.replaceAll('&quot;', '"').replaceAll('&amp;', '&'))
}
