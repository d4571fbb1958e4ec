import type { Finding } from '../../../inspection/findings.ts'
import type { InspectionReason } from '../../../inspection/inspection-reasons.ts'
import { applicationPath, keyPairPath } from '../applications/application-list-page.ts'
import type { PageLink } from '../kit/console-page.ts'

/** Reasons of tokens that are active: only one API refuses them. */
const ACTIVE: ReadonlySet<InspectionReason | null> = new Set([null, 'wrong_audience', 'insufficient_scope'] as const)

/** The jti of an access token that can be revoked. */
export const revocableJti = ({ kind, reason, token }: Finding): string | undefined =>
  kind === 'access_token' && token && ACTIVE.has(reason) ? token.jti : undefined

/** The page on which this secret alone is replaced or retired. */
function secretActs({ secret, works, kind }: Finding, clientId: string): PageLink[] {
  if (secret === null || !works) return []
  const what = kind === 'api_key' ? 'API key' : 'client secret'
  if (secret.retiresAt !== null)
    return [{ href: applicationPath(clientId, `/secrets/${secret.id}/retire`), label: `Retire ${what}` }]
  return [{ href: applicationPath(clientId, '/key'), label: 'Generate new client secret' }]
}

function clientActs(finding: Finding, { clientId, kind, apiId }: NonNullable<Finding['client']>): PageLink[] {
  if (kind === 'key_pair') return [{ href: keyPairPath(clientId, '/stop'), label: 'Stop key pair' }]
  if (kind === 'api') return [{ href: `/apis/${apiId}/secret`, label: 'Generate new client secret' }]
  return [...secretActs(finding, clientId), { href: applicationPath(clientId, '/archive'), label: 'Archive' }]
}

/** Links to the pages that stop what was found; each asks before it does so. */
export function findingActs(finding: Finding): PageLink[] {
  const { client, user, kind, works } = finding
  if (kind === 'user') return works ? [{ href: `/users/${user!.id}/status`, label: 'Disable user' }] : []
  return client?.status === 'active' ? clientActs(finding, client) : []
}
