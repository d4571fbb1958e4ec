import type { Finding } from '../../../inspection/findings.ts'
import type { InspectionReason } from '../../../inspection/inspection-reasons.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { applicationPath, keyPairPath } from '../applications/application-list-page.ts'
import type { PageLink } from '../kit/console-page.ts'

/** Reasons of tokens that are active: only one API refuses them. */
const ACTIVE: ReadonlySet<InspectionReason | null> = new Set([null, 'wrong_audience', 'insufficient_scope'] as const)

/** The jti of an access token that can be revoked. */
export const revocableJti = ({ kind, reason, token }: Finding): string | undefined =>
  kind === 'access_token' && token && ACTIVE.has(reason) ? token.jti : undefined

/** The page on which this secret alone is replaced or retired. */
function secretActs(t: ConsoleTranslate, { secret, works, kind }: Finding, clientId: string): PageLink[] {
  if (secret === null || !works) return []
  if (secret.retiresAt !== null) {
    const label = kind === 'api_key' ? t('Retire API key') : t('Retire client secret')
    return [{ href: applicationPath(clientId, `/secrets/${secret.id}/retire`), label }]
  }
  return [{ href: applicationPath(clientId, '/key'), label: t('Generate new client secret') }]
}

function clientActs(
  t: ConsoleTranslate,
  finding: Finding,
  { clientId, kind, apiId }: NonNullable<Finding['client']>,
): PageLink[] {
  if (kind === 'key_pair') return [{ href: keyPairPath(clientId, '/stop'), label: t('Stop key pair') }]
  if (kind === 'api') return [{ href: `/apis/${apiId}/secret`, label: t('Generate new client secret') }]
  return [...secretActs(t, finding, clientId), { href: applicationPath(clientId, '/archive'), label: t('Archive') }]
}

/** Links to the pages that stop what was found; each asks before it does so. */
export function findingActs(t: ConsoleTranslate, finding: Finding): PageLink[] {
  const { client, user, kind, works } = finding
  if (kind === 'user') return works ? [{ href: `/users/${user!.id}/status`, label: t('Disable user') }] : []
  return client?.status === 'active' ? clientActs(t, finding, client) : []
}
