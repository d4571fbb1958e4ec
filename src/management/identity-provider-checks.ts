import { upstreamSecretError } from '../identity-providers/identity-provider-secrets.ts'
import type { IdentityProviderValues } from '../identity-providers/identity-providers.ts'
import { invalidInput } from '../shared/errors.ts'

/** What concerns several attributes. @throws KeywrightError `invalid_input` */
export function checkTogether(accountId: string | null, { createsUsers, accountClaim }: IdentityProviderValues): void {
  if (accountId !== null && accountClaim !== null)
    throw invalidInput('users of a provider of an account belong to that account; no claim decides it', 'accountClaim')
  if (accountId === null && createsUsers && accountClaim === null)
    throw invalidInput('name the claim that decides the account of new users', 'accountClaim')
}

/** @throws KeywrightError `invalid_input` */
export function checkUpstreamSecret(secret: string): void {
  const message = upstreamSecretError(secret)
  if (message) throw invalidInput(message, 'clientSecret')
}
