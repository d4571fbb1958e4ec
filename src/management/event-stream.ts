import { setTimeout as sleep } from 'node:timers/promises'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { type AuditPosition, encodePosition, readEventsAfter, startPosition } from '../audit/audit-events.ts'
import type { AuditRecord } from '../audit/audit-query.ts'
import { visibleRecord } from './attribute-changes.ts'
import { type Management, operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { accountInScope } from './tenant-isolation.ts'

export interface StreamedEvent {
  /** From which a reader continues. */
  readonly id: string
  /** Null: nothing new for this reader. */
  readonly event: AuditRecord | null
}

interface EventStreamRequest {
  /** The ID of the last event that was read; `0`: from the oldest event; absent: from now on. */
  readonly lastEventId?: string | undefined
  /** For operators; absent: all accounts. */
  readonly accountId?: string | undefined
}

/** Milliseconds between two reads at the end of the log. Events appear there about a second after their commit. */
const POLL_INTERVAL = 1000

/** Milliseconds after which a stream ends, and its reader continues with another one. */
const LIFETIME = 9 * 60_000

async function* streamFrom(
  { knex, encryptionKeys }: Pick<Management, 'knex' | 'encryptionKeys'>,
  start: AuditPosition,
  principal: Principal,
  accountId: string | undefined,
) {
  const endAt = performance.now() + LIFETIME
  const reader = { accountId, forAccount: principal.role !== 'operator' }
  let position = start
  while (performance.now() < endAt) {
    const { events, end, isMore } = await readEventsAfter(knex, position, reader)
    for (const { position: at, record } of events) {
      yield { id: encodePosition(encryptionKeys, at), event: visibleRecord(record, principal) }
    }
    position = end
    yield { id: encodePosition(encryptionKeys, end), event: null }
    if (!isMore) await sleep(POLL_INTERVAL)
  }
}

/**
 * The events of the activity log as they happen, in the order of the audit chain; without gaps for a reader that continues with
 * the ID that it read last.
 * @throws KeywrightError `invalid_input`, `not_found` (the account), `conflict` (events after the ID are no longer there; also while
 * it is read)
 */
export const streamEvents = operation<EventStreamRequest, AsyncIterable<StreamedEvent>>(
  PERMISSIONS.viewActivity,
  async ({ knex, encryptionKeys }, principal, { lastEventId, accountId: named }) => {
    const accountId = accountInScope(principal, named)
    const start = await startPosition(knex, encryptionKeys, lastEventId)
    return streamFrom({ knex, encryptionKeys }, start, principal, accountId)
  },
)
