import { createHash } from 'node:crypto'
import { createBatches } from '../database/batches.ts'
import type { Database } from '../database/open-database.ts'
import { KeywrightError } from '../shared/errors.ts'

/** A client assertion that is used. */
export interface AssertionUse {
  readonly clientId: string
  /** RFC 7519, section 4.1.7: unique for each issuer, which is the client. */
  readonly jti: string
  /** Seconds since 1970. */
  readonly rememberUntil: number
}

/** A use as its row has it. */
export interface RecordedUse {
  /** In hexadecimal. */
  readonly hash: string
  /** Seconds since 1970. */
  readonly rememberUntil: number
}

/** The adapter's model of what is used once. */
export const USES_MODEL = 'ReplayDetection'

// In one order, so that the statements of two nodes do not deadlock. Of a row that is given twice the first one is inserted.
const RECORD = `
  INSERT INTO engine_models (model, id_hash, expires_at)
  SELECT '${USES_MODEL}', decode(u.hash, 'hex'), to_timestamp(u.until)
    FROM unnest($1::text[], $2::float8[]) WITH ORDINALITY AS u(hash, until, position)
   ORDER BY u.hash, u.position
  ON CONFLICT (model, id_hash) DO NOTHING
  RETURNING encode(id_hash, 'hex') AS hash`

const hashOf = ({ clientId, jti }: AssertionUse): string =>
  createHash('sha256')
    .update(JSON.stringify(['client_assertion', clientId, jti]))
    .digest('hex')

/**
 * The use of a verified assertion. It is recorded once, before the client is served or by the statement that records its token
 * (`record-statement.ts`).
 */
export class PendingUse {
  readonly #use: AssertionUse
  readonly #isFirstUse: (use: AssertionUse) => Promise<boolean>
  #isRecorded = false

  /** @param isFirstUse records a use; false: an earlier one is recorded */
  constructor(use: AssertionUse, isFirstUse: (use: AssertionUse) => Promise<boolean>) {
    this.#use = use
    this.#isFirstUse = isFirstUse
  }

  /** What is to be recorded; undefined: it is recorded. */
  get unrecorded(): RecordedUse | undefined {
    return this.#isRecorded ? undefined : { hash: hashOf(this.#use), rememberUntil: this.#use.rememberUntil }
  }

  /** Notes that the use was recorded. @throws KeywrightError `invalid_client`: an earlier use is recorded */
  settle(isFirst: boolean): void {
    if (!isFirst) {
      throw new KeywrightError('invalid_client', 'the assertion was used before (jti)', {
        reason: 'assertion_replayed',
      })
    }
    this.#isRecorded = true
  }

  /** Records the use, unless that was done before. @throws as `settle` */
  async record(): Promise<void> {
    if (!this.#isRecorded) this.settle(await this.#isFirstUse(this.#use))
  }
}

/** Records uses of client assertions: true for the first use over all nodes, which PostgreSQL decides. */
export function createAssertionUses(database: Database): (use: AssertionUse) => Promise<boolean> {
  return createBatches<AssertionUse, boolean>({
    maxInFlight: 2,
    maxSize: 200,
    run: async (uses) => {
      const hashes = uses.map(hashOf)
      const values = [hashes, uses.map(({ rememberUntil }) => rememberUntil)]
      const rows = await database.query<{ hash: string }>({ name: 'assertion_uses', text: RECORD, values })
      const inserted = new Set(rows.map(({ hash }) => hash))
      // `delete` answers true once, so that of equal uses in one statement one is the first.
      return hashes.map((hash) => inserted.delete(hash))
    },
  })
}
