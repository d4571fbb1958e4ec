import type { Finding } from '../../../inspection/findings.ts'
import type { InspectionResult } from '../../../inspection/inspect-text.ts'
import { INSPECTION_REASONS, type InspectionReason } from '../../../inspection/inspection-reasons.ts'
import type { TokenExpectation } from '../../../inspection/token-finding.ts'
import type { Badge } from '../kit/console-page.ts'

const CLIENT_KINDS = { application: 'Application', key_pair: 'Key pair', api: 'Client of an API' } as const

const FINDING_KINDS = {
  access_token: 'Access token',
  client_secret: 'Client secret',
  api_key: 'API key',
  user: 'User',
} as const

/** What a finding is. */
export const kindText = ({ kind, client }: Finding): string =>
  kind === 'client' ? CLIENT_KINDS[client!.kind] : FINDING_KINDS[kind]

/** What a text without findings is, by its form. */
const TEXT_KINDS: Readonly<Record<InspectionResult['kind'], string>> = {
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
export function resultTitle({ kind, findings, isMore }: InspectionResult): string {
  const [first, second] = findings
  if (second) return `${findings.length}${isMore ? '+' : ''} matches`
  if (!first) return TEXT_KINDS[kind]
  // The client of a token that is no longer recorded is found in its place.
  return kind === 'jwt' ? FINDING_KINDS.access_token : kindText(first)
}

const WITHOUT_VERDICT: ReadonlySet<InspectionReason | null> = new Set([
  'not_found',
  'not_searchable',
  'unrecognized',
] as const)

export const worksBadge = (works: boolean): Badge =>
  works ? { tone: 'success', text: 'Works' } : { tone: 'error', text: 'Does not work' }

/** Undefined: there are several findings. */
export function resultBadge({ works, reason }: InspectionResult): Badge | undefined {
  if (works === null) return undefined
  return WITHOUT_VERDICT.has(reason) ? { tone: 'neutral', text: 'Not found' } : worksBadge(works)
}

const WORKS = 'It is active, and APIs accept it.'

const WORKING: Readonly<Record<Finding['kind'], string>> = {
  access_token: `${WORKS} If an API refuses it, enter the API and its scope below.`,
  client_secret: 'It is valid. Anyone who has it can request tokens.',
  api_key: 'It is valid.',
  client: 'It is active and can request tokens.',
  user: 'The user can sign in.',
}

const severalText = ({ kind }: InspectionResult): string =>
  kind === 'last_four'
    ? 'Several client secrets or API keys end in these characters.'
    : 'Several applications match this name.'

function reasonText(reason: InspectionReason, finding: Finding | undefined, { api, scope }: TokenExpectation): string {
  if (reason === 'wrong_audience') return `The access token is for ${finding?.api}, not for ${api}.`
  if (reason === 'insufficient_scope') return `The access token lacks the scope ${scope}.`
  return INSPECTION_REASONS[reason]
}

/** The result in one or two sentences. */
export function resultText(result: InspectionResult, expected: TokenExpectation): string {
  const { works, reason, findings, isMore } = result
  if (works === null) return isMore ? `${severalText(result)} Only ${findings.length} are shown.` : severalText(result)
  return reason === null ? WORKING[findings[0]!.kind] : reasonText(reason, findings[0], expected)
}

/** What happened at `since`. */
const EVENTS: Partial<Record<InspectionReason, string>> = {
  token_revoked: 'Revoked',
  signing_key_revoked: 'Revoked',
  token_replaced: 'Replaced',
  key_pair_replaced: 'Replaced',
  key_pair_stopped: 'Stopped',
  key_pair_ended: 'Revoked',
  client_archived: 'Archived',
  client_deleted: 'Deleted',
  account_disabled: 'Account disabled',
  api_disabled: 'API disabled',
  owner_disabled: 'Owner disabled',
  user_disabled: 'Disabled',
  secret_retired: 'Retired',
  secret_expired: 'Expired',
}

/** Undefined: nothing happened, or the facts of the token show it. */
export const eventText = ({ reason }: Finding): string | undefined => (reason === null ? undefined : EVENTS[reason])
