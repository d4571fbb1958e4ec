import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { invalidInput, notFound } from '../shared/errors.ts'
import { activeTokensOf, type Bounded, toBounded } from './bounded-counts.ts'
import { changeClientStatus } from './client-status.ts'
import { CALLS_MANAGEMENT_API, checkMayChangeApplication } from './developer-limits.ts'
import { readAffected } from './dry-run.ts'
import { clientsTarget } from './dry-run-targets.ts'
import { destructiveOperation, operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { checkTenant } from './tenant-isolation.ts'

/** At most so many applications are archived by one request: those of a page of the list. */
export const MAX_ARCHIVED = 50

/** An application that is about to be archived. */
export interface ArchiveCandidate {
  readonly clientId: string
  readonly name: string
  readonly isActive: boolean
  readonly activeTokens: Bounded
  /** IP addresses that used it in the last day. */
  readonly callers: number
}

interface Selection {
  readonly clientIds: readonly string[]
}

const READ = `
  SELECT c.client_id, c.name, c.account_id, c.status, ${CALLS_MANAGEMENT_API} AS calls_management_api, (${activeTokensOf('t.client_key = c.id')}) AS active,
         (SELECT count(DISTINCT k.ip)::int FROM client_callers k
           WHERE k.client_id = c.id AND k.last_used_at > now() - interval '1 day') AS callers
    FROM clients c
   WHERE c.client_id = ANY (?) AND c.kind = 'application'
   ORDER BY lower(c.name), c.id`

interface CandidateRow {
  client_id: string
  name: string
  account_id: string | null
  status: string
  calls_management_api: boolean
  active: number
  callers: number
}

const toCandidate = (row: CandidateRow): ArchiveCandidate => ({
  clientId: row.client_id,
  name: row.name,
  isActive: row.status === 'active',
  activeTokens: toBounded(row.active),
  callers: row.callers,
})

/** @throws KeywrightError `invalid_input` (none or too many), `not_found` if the principal may not manage one of them */
async function readCandidates(
  knex: Knex,
  principal: Principal,
  { clientIds }: Selection,
): Promise<readonly ArchiveCandidate[]> {
  const wanted = [...new Set(clientIds)]
  if (wanted.length === 0) throw invalidInput('select at least one application', 'clientIds')
  if (wanted.length > MAX_ARCHIVED) throw invalidInput(`select at most ${MAX_ARCHIVED} applications`, 'clientIds')
  const { rows }: { rows: CandidateRow[] } = await knex.raw(READ, [wanted])
  const missing = wanted.find((clientId) => !rows.some((row) => row.client_id === clientId))
  if (missing !== undefined) throw notFound('client', missing)
  for (const { account_id, client_id, name, calls_management_api } of rows) {
    checkTenant(principal, account_id, 'client', client_id)
    checkMayChangeApplication(principal, name, calls_management_api)
  }
  return rows.map(toCandidate)
}

/** What `archiveApplications` would stop. */
export const previewArchive = operation<Selection, readonly ArchiveCandidate[]>(
  PERMISSIONS.manageApplications,
  async ({ knex }, principal, selection) => await readCandidates(knex, principal, selection),
)

/**
 * Archives applications one after the other and returns those that were active. Each has a transaction of its own, because a
 * single one would hold the locks of many clients that are issued tokens. After a failure the others can be archived again.
 */
export const archiveApplications = destructiveOperation<Selection, readonly ArchiveCandidate[]>(
  PERMISSIONS.manageApplications,
  {
    async run({ knex }, principal, selection) {
      const active = (await readCandidates(knex, principal, selection)).filter(({ isActive }) => isActive)
      for (const { clientId } of active) await changeClientStatus(knex, clientId, 'archived', principal.actor)
      return active
    },
    async affected({ knex }, principal, selection) {
      const active = (await readCandidates(knex, principal, selection)).filter(({ isActive }) => isActive)
      const target = clientsTarget(
        active.map(({ clientId }) => clientId),
        principal.accountId,
      )
      return await readAffected(knex, principal, target)
    },
  },
)
