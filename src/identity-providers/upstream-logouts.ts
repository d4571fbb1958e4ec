import type { Knex } from 'knex'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { KeywrightError } from '../shared/errors.ts'
import { unsealUpstreamSecret } from './identity-provider-secrets.ts'
import { findIdentityProvider, type IdentityProvider } from './identity-providers.ts'
import { type UpstreamLogout, verifyLogoutToken } from './logout-tokens.ts'
import { type UpstreamClient, UpstreamError } from './upstream-client.ts'

interface LogoutServices {
  readonly knex: Knex
  readonly encryptionKeys: EncryptionKeys
  readonly client: Pick<UpstreamClient, 'keysOf'>
}

/**
 * Validates a logout token that was sent for a provider. The caller makes sure that its `jti` is used once.
 * @throws KeywrightError `invalid_input`, `unavailable` (the provider's keys cannot be read)
 */
export async function readLogout(
  { knex, encryptionKeys, client }: LogoutServices,
  providerId: string,
  token: string,
): Promise<{ provider: IdentityProvider; logout: UpstreamLogout }> {
  const found = await findIdentityProvider(knex, providerId)
  if (found?.provider.status !== 'enabled')
    throw new KeywrightError('invalid_input', 'no enabled identity provider has this ID')
  const { provider, sealedSecret } = found
  const clientSecret = unsealUpstreamSecret(encryptionKeys, providerId, sealedSecret)
  try {
    const keys = await client.keysOf(`${providerId} ${provider.revision}`, { provider, clientSecret })
    return { provider, logout: await verifyLogoutToken(token, provider, keys) }
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    throw new KeywrightError('unavailable', 'the keys of the identity provider cannot be read', { cause: error })
  }
}
