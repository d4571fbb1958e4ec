import type { Finding } from '../../../inspection/findings.ts'
import type { InspectionResult } from '../../../inspection/inspect-text.ts'
import { INSPECTION_REASONS, type InspectionReason } from '../../../inspection/inspection-reasons.ts'
import type { TokenExpectation } from '../../../inspection/token-finding.ts'
import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Badge } from '../kit/console-page.ts'

const CLIENT_KINDS = {
  application: 'Application',
  key_pair: 'Key pair',
  api: 'Client of an API',
} as const satisfies Record<string, ConsoleText>

const FINDING_KINDS = {
  access_token: 'Access token',
  client_secret: 'Client secret',
  api_key: 'API key',
  user: 'User',
} as const satisfies Record<string, ConsoleText>

/** What a finding is. */
export const kindText = (t: ConsoleTranslate, { kind, client }: Finding): string =>
  t(kind === 'client' ? CLIENT_KINDS[client!.kind] : FINDING_KINDS[kind])

/** What a text without findings is, by its form. */
const TEXT_KINDS: Readonly<Record<InspectionResult['kind'], ConsoleText>> = {
  jwt: 'JWT',
  jti: 'Access token',
  client_id: 'Client',
  client_secret: 'Client secret',
  api_key: 'API key',
  other_secret: 'Refresh token or one-time password',
  email: 'User',
  last_four: 'Client secret or API key',
  name: 'Application',
  unrecognized: 'Unknown text',
}

/** The title of the result. The text itself is not shown. */
export function resultTitle(t: ConsoleTranslate, { kind, findings, isMore }: InspectionResult): string {
  const [first, second] = findings
  if (second) return t('{count} matches', { count: `${findings.length}${isMore ? '+' : ''}` })
  if (!first) return t(TEXT_KINDS[kind])
  // The client of a token that is no longer recorded is found in its place.
  return kind === 'jwt' ? t('Access token') : kindText(t, first)
}

const WITHOUT_VERDICT: ReadonlySet<InspectionReason | null> = new Set([
  'not_found',
  'not_searchable',
  'unrecognized',
] as const)

export const worksBadge = (t: ConsoleTranslate, works: boolean): Badge =>
  works ? { tone: 'success', text: t('Works') } : { tone: 'error', text: t('Does not work') }

/** Undefined: there are several findings. */
export function resultBadge(t: ConsoleTranslate, { works, reason }: InspectionResult): Badge | undefined {
  if (works === null) return undefined
  return WITHOUT_VERDICT.has(reason) ? { tone: 'neutral', text: t('Not found') } : worksBadge(t, works)
}

const WORKING: Readonly<Record<Finding['kind'], ConsoleText>> = {
  access_token: 'It is active, and APIs accept it. If an API refuses it, enter the API and its scope below.',
  client_secret: 'It is valid. Anyone who has it can request tokens.',
  api_key: 'It is valid.',
  client: 'It is active and can request tokens.',
  user: 'The user can sign in.',
}

const severalText = (t: ConsoleTranslate, { kind }: InspectionResult): string =>
  kind === 'last_four'
    ? t('Several client secrets or API keys end in these characters.')
    : t('Several applications match this name.')

function reasonText(
  t: ConsoleTranslate,
  reason: InspectionReason,
  finding: Finding | undefined,
  { api, scope }: TokenExpectation,
): string {
  if (reason === 'wrong_audience') {
    return t('The access token is for {actual}, not for {expected}.', {
      actual: String(finding?.api),
      expected: String(api),
    })
  }
  if (reason === 'insufficient_scope') return t('The access token lacks the scope {scope}.', { scope: String(scope) })
  return t.declared(INSPECTION_REASONS[reason])
}

/** The result in one or two sentences. */
export function resultText(t: ConsoleTranslate, result: InspectionResult, expected: TokenExpectation): string {
  const { works, reason, findings, isMore } = result
  if (works === null) {
    const several = severalText(t, result)
    return isMore ? `${several} ${t('Only {count, number} are shown.', { count: findings.length })}` : several
  }
  return reason === null ? t(WORKING[findings[0]!.kind]) : reasonText(t, reason, findings[0], expected)
}

/** What happened at `since`: the labels of its time and of who did it. */
interface EventTexts {
  readonly at: ConsoleText
  readonly by: ConsoleText
}

const REVOKED: EventTexts = { at: 'Revoked', by: 'Revoked by' }
const REPLACED: EventTexts = { at: 'Replaced', by: 'Replaced by' }

const EVENTS: Partial<Record<InspectionReason, EventTexts>> = {
  token_revoked: REVOKED,
  signing_key_revoked: REVOKED,
  token_replaced: REPLACED,
  key_pair_replaced: REPLACED,
  key_pair_stopped: { at: 'Stopped', by: 'Stopped by' },
  key_pair_ended: REVOKED,
  client_archived: { at: 'Archived', by: 'Archived by' },
  client_deleted: { at: 'Deleted', by: 'Deleted by' },
  account_disabled: { at: 'Account disabled', by: 'Account disabled by' },
  api_disabled: { at: 'API disabled', by: 'API disabled by' },
  owner_disabled: { at: 'Owner disabled', by: 'Owner disabled by' },
  user_disabled: { at: 'Disabled', by: 'Disabled by' },
  secret_retired: { at: 'Retired', by: 'Retired by' },
  secret_expired: { at: 'Expired', by: 'Expired by' },
}

/** Undefined: nothing happened, or the facts of the token show it. */
export function eventTexts(
  t: ConsoleTranslate,
  { reason }: Finding,
): { readonly at: string; readonly by: string } | undefined {
  const texts = reason === null ? undefined : EVENTS[reason]
  return texts && { at: t(texts.at), by: t(texts.by) }
}
