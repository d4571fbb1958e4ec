import type { AuthMethod } from '../../../clients/authentication-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Application } from '../../../management/application-operations.ts'
import { callersStop, heldTokensStop } from './effect-texts.ts'

interface ChangeOfMethod {
  readonly authMethod: AuthMethod
  readonly jwks: string
  readonly jwksUri: string
  /** Seconds for which the current credentials still work. */
  readonly overlap: number
  readonly unusedHours?: number
}

/** What the application authenticates by from now on. */
function beginning(t: ConsoleTranslate, { authMethod, jwks, jwksUri }: ChangeOfMethod): string {
  switch (authMethod) {
    case 'client_secret':
      return t('generate a client secret, which is shown once, on the next page')
    case 'private_key_jwt':
      return jwks === '' && jwksUri !== ''
        ? t('accept JWTs that the application signs by a key that it publishes at {uri}', { uri: jwksUri })
        : t('accept JWTs that the application signs by the private key of the new public key')
    case 'workload_identity':
      return t('accept tokens of the new issuer that meet its conditions')
    default:
      return t('accept the new certificate in TLS')
  }
}

/** The credentials that work now, such as `the client secret that ends in 7Qx2`. */
function formerCredentials(t: ConsoleTranslate, { client, secrets }: Application): string {
  const lastFour = secrets.find(({ isCurrent }) => isCurrent)?.lastFour
  const count = secrets.filter(({ isCurrent }) => isCurrent).length
  if (client.authMethod === 'client_secret' && lastFour)
    return t('the client secret that ends in {lastFour}', { lastFour })
  if (client.authMethod === 'private_key_jwt')
    return t('{count, plural, one {the public key} other {all # public keys}}', { count: Math.max(count, 1) })
  if (client.authMethod === 'workload_identity')
    return t('{count, plural, one {the trust} other {all # trusts}}', { count: Math.max(count, 1) })
  if (client.authMethod === 'client_secret') return t('the client secret')
  return t('{count, plural, one {the certificate} other {all # certificates}}', { count: Math.max(count, 1) })
}

function endOf(t: ConsoleTranslate, application: Application, { overlap, unusedHours }: ChangeOfMethod): string[] {
  const former = formerCredentials(t, application)
  if (overlap === 0)
    return [t('stop {former} at once', { former }), heldTokensStop(t, application), callersStop(t, application)]
  const values = { former, duration: t.duration(overlap), time: t.moment(new Date(Date.now() + overlap * 1000)).exact }
  return [
    unusedHours
      ? t('keep {former} until it is unused for {unused}, at the latest for {duration}, until {time}', {
          ...values,
          unused: t.duration(unusedHours * 3600),
        })
      : t('keep {former} for another {duration}, until {time}', values),
    t('revoke every token obtained with the earlier credentials when these end; no token is revoked now'),
  ]
}

/** What a change of the authentication method does, as items of the page that asks before it. */
export const methodStops = (t: ConsoleTranslate, application: Application, change: ChangeOfMethod): string[] => [
  beginning(t, change),
  ...endOf(t, application, change),
]

/** What ended with the change, in a sentence. */
export function stoppedMethod(
  t: ConsoleTranslate,
  { overlap, unusedHours }: Pick<ChangeOfMethod, 'overlap' | 'unusedHours'>,
): string {
  if (overlap === 0) return t('The earlier credentials and all tokens of the application are revoked.')
  const duration = t.duration(overlap)
  if (!unusedHours) return t('The earlier credentials are valid for another {duration}.', { duration })
  return t('The earlier credentials are valid for another {duration}, or until they are unused for {unused}.', {
    duration,
    unused: t.duration(unusedHours * 3600),
  })
}
