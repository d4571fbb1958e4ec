import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { isRetirable } from '../../../management/client-parts.ts'
import type { ClientSecrets, SecretWithCallers } from '../../../management/client-secrets-reading.ts'
import { notFound } from '../../../shared/errors.ts'
import type { ConsolePage, PageLink } from './console-page.ts'
import { confirmPage } from './panels.ts'
import { callersOf, secretFacts } from './secret-blocks.ts'

/** A page about one secret of a client. */
export interface SecretPlace {
  readonly breadcrumbs: readonly PageLink[]
  /** The page with all secrets of the client. */
  readonly secretsPath: string
}

/** The secret that a path names. @throws KeywrightError `not_found`: also for one that is rotated instead */
export function previousSecret({ secrets }: ClientSecrets, secretId: string | undefined): SecretWithCallers {
  const secret = secrets.find(({ id }) => String(id) === secretId)
  if (!secret || !isRetirable(secrets, secret)) throw notFound('previous secret', secretId ?? '')
  return secret
}

/** The number of the secret that a path names. @throws KeywrightError `not_found` */
export function secretIdOf(secretId = ''): number {
  if (!/^\d{1,15}$/.test(secretId)) throw notFound('previous secret', secretId.slice(0, 100))
  return Number(secretId)
}

const DAY = 86_400_000

function callersStop(t: ConsoleTranslate, { asOf }: ClientSecrets, { callers }: SecretWithCallers): string {
  const recent = callers.filter(({ lastUsedAt }) => new Date(lastUsedAt).getTime() > asOf.getTime() - DAY)
  const count = new Set(recent.map(({ ip }) => ip)).size
  if (count === 0) return t('affect no callers: none used it in the last 24 hours')
  return t('block {count, plural, one {# IP address} other {# IP addresses}} that used it in the last 24 hours', {
    count,
  })
}

/** Asks before a previous secret is retired at once, and lists its callers. */
export function retirementPage(
  t: ConsoleTranslate,
  of: ClientSecrets,
  secret: SecretWithCallers,
  place: SecretPlace,
): ConsolePage {
  const { kind, lastFour } = secret
  return confirmPage({
    title: t(
      '{kind, select, api_key {Retire the API key that ends in {lastFour}?} key {Retire the public key that ends in {lastFour}?} certificate {Retire the certificate that ends in {lastFour}?} trust {Retire the trust that ends in {lastFour}?} other {Retire the client secret that ends in {lastFour}?}}',
      { kind, lastFour },
    ),
    breadcrumbs: place.breadcrumbs,
    stops: [
      t(
        '{kind, select, api_key {stop accepting this API key} key {stop accepting this public key} certificate {stop accepting this certificate} trust {stop accepting this trust} other {stop accepting this client secret}}',
        { kind },
      ),
      callersStop(t, of, secret),
      ...(secret.kind !== 'api_key' ? [t('revoke every token obtained with it immediately')] : []),
      t(
        '{kind, select, api_key {not affect the current API key and its tokens} key {not affect the other public keys and their tokens} certificate {not affect the other certificates and their tokens} trust {not affect the other trusts and their tokens} other {not affect the current client secret and its tokens}}',
        { kind },
      ),
    ],
    facts: secretFacts(t, secret).slice(2),
    action: `${place.secretsPath}/${secret.id}/retire`,
    submit: t(
      '{kind, select, api_key {Retire API key} key {Retire public key} certificate {Retire certificate} trust {Retire trust} other {Retire client secret}}',
      {
        kind,
      },
    ),
    keep: { href: place.secretsPath, label: t('Cancel') },
    affected: callersOf(t, secret),
  })
}

/** What can be done with a secret on the page of all secrets. What the client needs is rotated. */
export const actionsFor =
  (
    t: ConsoleTranslate,
    {
      secretsPath,
      secrets,
      editPathOf,
    }: {
      readonly secretsPath: string
      /** The page that changes a secret; undefined: it is replaced instead. */
      readonly editPathOf?: ((secret: SecretWithCallers) => string | undefined) | undefined
    } & Pick<ClientSecrets, 'secrets'>,
  ) =>
  (secret: SecretWithCallers) => {
    const path = `${secretsPath}/${secret.id}`
    const of = t('ends in {lastFour}', { lastFour: secret.lastFour })
    const editPath = editPathOf?.(secret)
    return [
      ...(editPath === undefined ? [] : [{ href: editPath, label: t('Edit'), of }]),
      ...(isRetirable(secrets, secret) ? [{ href: `${path}/retire`, label: t('Retire now'), of }] : []),
      ...(secret.isCurrent ? [] : [{ href: `${path}/retire-unused`, label: t('Retire when unused'), of }]),
    ]
  }
