import type { ClientSecrets, SecretWithCallers } from '../../../management/client-secrets-reading.ts'
import { notFound } from '../../../shared/errors.ts'
import type { ConsolePage, PageLink } from './console-page.ts'
import { confirmPage } from './panels.ts'
import { callersList, secretFacts, secretNoun } from './secret-blocks.ts'

/** A page about one secret of a client. */
export interface SecretPlace {
  readonly breadcrumbs: readonly PageLink[]
  /** The page with all secrets of the client. */
  readonly secretsPath: string
}

/** The secret that a path names. @throws KeywrightError `not_found`: also for the newest one, which is rotated instead */
export function previousSecret({ secrets }: ClientSecrets, secretId: string | undefined): SecretWithCallers {
  const secret = secrets.find(({ id, isCurrent }) => String(id) === secretId && !isCurrent)
  if (!secret) throw notFound('previous secret', secretId ?? '')
  return secret
}

/** The number of the secret that a path names. @throws KeywrightError `not_found` */
export function secretIdOf(secretId = ''): number {
  if (!/^\d{1,15}$/.test(secretId)) throw notFound('previous secret', secretId.slice(0, 100))
  return Number(secretId)
}

const DAY = 86_400_000

function callersStop({ asOf }: ClientSecrets, { callers }: SecretWithCallers): string {
  const recent = callers.filter(({ lastUsedAt }) => new Date(lastUsedAt).getTime() > asOf.getTime() - DAY)
  const count = new Set(recent.map(({ ip }) => ip)).size
  if (count === 0) return 'affect no callers: none used it in the last 24 hours'
  return `block ${count === 1 ? '1 IP address' : `${count} IP addresses`} that used it in the last 24 hours`
}

/** Asks before a previous secret is retired at once, and lists its callers. */
export function retirementPage(of: ClientSecrets, secret: SecretWithCallers, place: SecretPlace): ConsolePage {
  const what = secretNoun(secret)
  return confirmPage({
    title: `Retire the ${what} that ends in ${secret.lastFour}?`,
    breadcrumbs: place.breadcrumbs,
    stops: [
      `stop accepting this ${what}`,
      callersStop(of, secret),
      ...(secret.kind === 'secret' ? ['revoke every token obtained with it immediately'] : []),
      `not affect the current ${what} and its tokens`,
    ],
    facts: secretFacts(secret).slice(2),
    action: `${place.secretsPath}/${secret.id}/retire`,
    submit: `Retire ${what}`,
    keep: { href: place.secretsPath, label: 'Cancel' },
    affected: { heading: 'Callers with this secret', list: callersList(secret) },
  })
}

/** What can be done with a secret on the page of all secrets. The newest one is rotated. */
export const actionsFor =
  ({ secretsPath }: Pick<SecretPlace, 'secretsPath'>) =>
  ({ id, isCurrent, lastFour }: SecretWithCallers) =>
    isCurrent
      ? []
      : [
          { href: `${secretsPath}/${id}/retire`, label: 'Retire now', of: `ends in ${lastFour}` },
          { href: `${secretsPath}/${id}/retire-unused`, label: 'Retire when unused', of: `ends in ${lastFour}` },
        ]
