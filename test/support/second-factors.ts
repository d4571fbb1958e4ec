import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { generate, generateSecret } from 'otplib'
import { insertPasskey } from '../../src/factors/passkeys.ts'
import { replaceRecoveryCodes } from '../../src/factors/recovery-codes.ts'
import { insertTotpFactor } from '../../src/factors/totp-factors.ts'
import { epochSeconds } from '../../src/shared/clock.ts'
import type { EncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { newId } from '../../src/shared/ids.ts'

const STEP = 30

/** An authenticator app that a user has added, with recovery codes. */
export interface TestApp {
  readonly secret: string
  readonly recoveryCodes: readonly string[]
  /** The code of the next step: it is valid for at least a minute, however slow the test is. */
  code(): Promise<string>
  /** Makes codes valid that were used. */
  forgetUse(): Promise<void>
}

export async function addTestApp(knex: Knex, keys: EncryptionKeys, userId: string): Promise<TestApp> {
  const secret = generateSecret({ length: 20 })
  const id = newId()
  await insertTotpFactor(knex, keys, { id, userId, name: 'Phone', secret, step: 0 })
  return {
    secret,
    recoveryCodes: await replaceRecoveryCodes(knex, userId),
    code: () => generate({ secret, epoch: epochSeconds() + STEP }),
    forgetUse: () => knex('totp_factors').where({ id }).update({ last_used_step: 0 }),
  }
}

/** A passkey that nobody can use. */
export async function addTestPasskey(knex: Knex, userId: string): Promise<void> {
  const credential = { credentialId: randomBytes(32), publicKey: randomBytes(77), counter: 0, synced: true }
  await insertPasskey(knex, { ...credential, id: newId(), userId, name: 'Laptop', transports: ['internal'] })
}
