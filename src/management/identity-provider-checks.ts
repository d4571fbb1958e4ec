import { upstreamSecretError } from '../identity-providers/identity-provider-secrets.ts'
import type { IdentityProviderValues } from '../identity-providers/identity-providers.ts'
import { discoveryProblem } from '../identity-providers/provider-metadata.ts'
import { UpstreamError } from '../identity-providers/upstream-client.ts'
import { invalidInput, KeywrightError } from '../shared/errors.ts'
import type { Management } from './operation.ts'
import type { Principal } from './principal.ts'
import { isProgram } from './recent-sign-in.ts'

/** What concerns several attributes. @throws KeywrightError `invalid_input` */
export function checkTogether(
  accountId: string | null,
  { createsUsers, accountClaim, operators }: IdentityProviderValues,
): void {
  if (accountId !== null && accountClaim !== null)
    throw invalidInput('users of a provider of an account belong to that account; no claim decides it', 'accountClaim')
  if (accountId !== null && operators)
    throw invalidInput('operators sign in through providers of the instance only', 'operators')
  if (accountId === null && createsUsers && accountClaim === null)
    throw invalidInput('name the claim that decides the account of new users', 'accountClaim')
}

/**
 * Who controls a provider through which operators sign in can act as an operator. So no program lets operators sign in, nor changes such a
 * provider.
 * @throws KeywrightError `forbidden`
 */
export function checkMayAffectOperators(principal: Principal, ...providers: readonly { operators: boolean }[]): void {
  if (isProgram(principal) && providers.some(({ operators }) => operators))
    throw new KeywrightError(
      'forbidden',
      'only an operator can change an identity provider through which operators sign in',
    )
}

/** @throws KeywrightError `invalid_input` */
export function checkUpstreamSecret(secret: string): void {
  const message = upstreamSecretError(secret)
  if (message) throw invalidInput(message, 'clientSecret')
}

/** Asks the provider, so that a wrong issuer is found now and not by users. @throws KeywrightError `invalid_input` */
export async function checkDiscovery(
  { upstream }: Management,
  principal: Principal,
  provider: IdentityProviderValues,
  clientSecret: string,
): Promise<void> {
  try {
    await upstream?.check({ provider, clientSecret })
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    const isHidden = upstream?.hidesResponses === true && principal.accountId !== null
    const problem = discoveryProblem(error, provider, isHidden)
    // Not the error itself: a host that is not found would look like a database that is down.
    const cause = new Error(error.message)
    throw new KeywrightError('invalid_input', problem.message, { cause, fieldErrors: [problem] })
  }
}
