import type { Knex } from 'knex'
import type { User } from '../accounts/users.ts'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { seal, unseal } from '../shared/envelope.ts'
import { newId } from '../shared/ids.ts'
import { newTotpSecret, totpUri } from './totp.ts'

/** Milliseconds in which somebody adds an authenticator app. */
const LIFETIME = 3_600_000

const SEALED_FOR = { purpose: 'TOTP offer' } as const

/** A secret that a user is about to add. It goes through the page, sealed: nothing is stored before a code confirms it. */
export interface TotpOffer {
  /** Of the factor that it becomes; while that exists, the offer is used up. */
  readonly id: string
  readonly userId: string
  /** Base32. */
  readonly secret: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

export type Owner = Pick<User, 'id' | 'email'>

/** What the page of a new authenticator app shows. */
export interface ShownOffer {
  readonly sealed: string
  /** Base32. */
  readonly secret: string
  /** For the QR code. */
  readonly uri: string
}

const instanceName = async (db: Knex): Promise<string> =>
  (await db('instance_settings').first<{ name: string }>('name')).name

export function createTotpOffers(db: Knex, encryptionKeys: EncryptionKeys, clock: Clock) {
  const show = async (sealed: string, secret: string, { email }: Owner): Promise<ShownOffer> => ({
    sealed,
    secret,
    uri: await totpUri(secret, await instanceName(db), email),
  })

  function open(sealed: string, userId: string): TotpOffer | undefined {
    try {
      const text = unseal(encryptionKeys, SEALED_FOR, Buffer.from(sealed, 'base64url')).toString()
      const offer: TotpOffer = JSON.parse(text)
      return offer.userId === userId && offer.expiresAt > clock.now() ? offer : undefined
    } catch {
      // Anything may be sent in its place; what does not open is not ours.
      return undefined
    }
  }

  return {
    /** A new secret. */
    async make(user: Owner): Promise<ShownOffer> {
      const secret = await newTotpSecret()
      const offer: TotpOffer = { id: newId(), userId: user.id, secret, expiresAt: clock.now() + LIFETIME }
      return await show(
        seal(encryptionKeys, SEALED_FOR, Buffer.from(JSON.stringify(offer))).toString('base64url'),
        secret,
        user,
      )
    },
    /** Undefined: it has expired, or was not made for this user. */
    open,
    /** The same offer once more, after a wrong code. Undefined as for `open`. */
    async showAgain(sealed: string, user: Owner): Promise<ShownOffer | undefined> {
      const offer = open(sealed, user.id)
      return offer && (await show(sealed, offer.secret, user))
    },
  }
}

export type TotpOffers = ReturnType<typeof createTotpOffers>
