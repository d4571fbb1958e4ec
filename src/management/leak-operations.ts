import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { recordAudit } from '../audit/audit-log.ts'
import { storedSource, storedUrl } from '../leaks/finding-places.ts'
import type { LeakKind } from '../leaks/leak-patterns.ts'
import { findLeakedCredentials, hashKey, type LeakedCredential } from '../leaks/leaked-credentials.ts'
import { findReportedLeaks, type LeakPlace, type LeakReporter, recordLeak } from '../leaks/leaks.ts'
import { type RecognizedLeak, recognizeLeaks } from '../leaks/recognized-leaks.ts'
import { revokeLeaked } from './leak-revocations.ts'
import { operation } from './operation.ts'
import type { Principal } from './principal.ts'

/** Something that may be a secret of ours, and where it was found. */
interface LeakFinding {
  readonly token: string
  readonly url?: string | undefined
  readonly source?: string | undefined
}

interface LeakReport {
  readonly findings: readonly LeakFinding[]
  readonly reporter: LeakReporter
}

/**
 * `revoked`: it was revoked because of a report. `reported`: the account wants reports only. `inactive`: it was issued here, but
 * works no longer. `not_found`: it is none of ours, or of another account.
 */
export type LeakOutcome = 'revoked' | 'reported' | 'inactive' | 'not_found'

/** Without the reported text. */
export interface ReportedLeak {
  /** Null: the text is none of ours. */
  readonly kind: LeakKind | null
  readonly outcome: LeakOutcome
}

const outcomeOf = (isRevoked: boolean): LeakOutcome => (isRevoked ? 'revoked' : 'reported')

/** Records, revokes and notifies in one transaction. A credential that another report has dealt with stays as it is. */
async function report(knex: Knex, credential: LeakedCredential, place: LeakPlace, { actor }: Principal): Promise<void> {
  await knex.transaction(async (trx) => {
    if (!(await recordLeak(trx, credential, place))) return
    const { kind, policy, clientId, accountId, lastFour } = credential
    if (policy === 'revoke') await revokeLeaked(trx, credential, actor)
    await recordAudit(trx, actor, {
      action: 'leak.reported',
      target: { type: 'client', id: clientId },
      accountId,
      detail: {
        kind,
        ...(lastFour !== null && { last_four: lastFour }),
        revoked: policy === 'revoke',
        url: place.url,
        source: place.source,
      },
    })
  })
}

interface Findings {
  readonly credentials: ReadonlyMap<string, LeakedCredential>
  readonly reported: ReadonlyMap<string, { readonly isRevoked: boolean }>
}

/** The credentials are read before the reports: a credential that a concurrent report revoked is found in the reports. */
async function readFindings(
  knex: Knex,
  account: string | null,
  recognized: readonly (RecognizedLeak | undefined)[],
): Promise<Findings> {
  const ours = recognized.filter((one) => one !== undefined)
  const credentials = await findLeakedCredentials(knex, account, ours)
  const hashes = ours.map(({ hash }) => hash)
  return { credentials, reported: await findReportedLeaks(knex, account, hashes) }
}

/** Whether a report of the credential still changes something. */
const isPending = (credential: LeakedCredential | undefined, known: { isRevoked: boolean } | undefined): boolean =>
  credential?.isActive === true && (!known || (credential.policy === 'revoke' && !known.isRevoked))

/** An operator learns of each token that a signing key of ours signed, also when its row is gone. */
const absentOutcome = ({ kind }: RecognizedLeak, account: string | null): LeakOutcome =>
  kind === 'access_token' && account === null ? 'inactive' : 'not_found'

/**
 * Takes reports of leaked credentials. Each that works is revoked, or only reported, as its account wants, and its account is
 * notified by the activity log and in the console. A repeated report gets the same answer and changes nothing. An
 * operator reports for every account, an admin for the own one. The reported texts are neither stored nor returned.
 */
export const reportLeaks = operation<LeakReport, readonly ReportedLeak[]>(
  PERMISSIONS.reportLeaks,
  async ({ knex }, principal, { findings, reporter }) => {
    const account = principal.role === 'operator' ? null : principal.accountId
    const tokens = findings.map(({ token }) => token)
    const recognized = await recognizeLeaks(knex, tokens)
    const { credentials, reported } = await readFindings(knex, account, recognized)
    const outcomes = new Map([...reported].map(([key, { isRevoked }]) => [key, outcomeOf(isRevoked)]))

    async function outcomeFor(one: RecognizedLeak, { url, source }: LeakFinding): Promise<LeakOutcome> {
      const key = hashKey(one.hash)
      const credential = credentials.get(key)
      if (isPending(credential, reported.get(key))) {
        const place = { url: storedUrl(url), source: storedSource(source), reporter }
        await report(knex, credential!, place, principal)
        outcomes.set(key, outcomeOf(credential!.policy === 'revoke'))
      }
      return outcomes.get(key) ?? (credential ? 'inactive' : absentOutcome(one, account))
    }

    const answers: ReportedLeak[] = []
    for (const [n, one] of recognized.entries()) {
      const outcome = one ? await outcomeFor(one, findings[n]!) : 'not_found'
      answers.push({ kind: one && outcome !== 'not_found' ? one.kind : null, outcome })
    }
    return answers
  },
)
