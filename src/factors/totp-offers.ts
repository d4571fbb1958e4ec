import type { Knex } from 'knex'
import type { User } from '../accounts/users.ts'
import { deleteInBatches } from '../database/delete-in-batches.ts'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { newId } from '../shared/ids.ts'
import { createSealedTickets } from '../shared/sealed-tickets.ts'
import { newTotpSecret, totpUri } from './totp.ts'

/** Milliseconds in which somebody adds an authenticator app. */
const LIFETIME = 3_600_000

/** A secret that a user is about to add. It goes through the page, sealed: nothing is stored before a code confirms it. */
export interface TotpOffer {
  /** Of the factor that it becomes. */
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

/** Uses an offer: once, on all nodes, also after its factor was removed. Returns whether it was unused. */
export async function useOffer(trx: Knex, { id, expiresAt }: TotpOffer): Promise<boolean> {
  const row = { id, expires_at: new Date(expiresAt) }
  const inserted = await trx('used_totp_offers').insert(row).onConflict('id').ignore().returning('id')
  return inserted.length > 0
}

/** Deletes at most `limit` rows of offers that expired an hour ago. */
export const deleteExpiredOffers = (db: Knex, limit: number): Promise<number> =>
  deleteInBatches(db, 'used_totp_offers', "expires_at < now() - interval '1 hour'", limit)

export function createTotpOffers(db: Knex, encryptionKeys: EncryptionKeys, clock: Clock) {
  const offers = createSealedTickets<TotpOffer>(encryptionKeys, 'TOTP offer')

  const show = async (sealed: string, secret: string, { email }: Owner): Promise<ShownOffer> => ({
    sealed,
    secret,
    uri: await totpUri(secret, await instanceName(db), email),
  })

  function open(sealed: string, userId: string): TotpOffer | undefined {
    const offer = offers.open(sealed, clock.now())
    return offer?.userId === userId ? offer : undefined
  }

  return {
    /** A new secret. */
    async make(user: Owner): Promise<ShownOffer> {
      const secret = await newTotpSecret()
      const offer: TotpOffer = { id: newId(), userId: user.id, secret, expiresAt: clock.now() + LIFETIME }
      return await show(offers.seal(offer), secret, user)
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
