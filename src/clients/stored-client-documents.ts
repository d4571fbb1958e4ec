import type { Knex } from 'knex'
import type { Database } from '../database/open-database.ts'
import type { ClientIdDocument } from './client-id-documents.ts'

/** Seconds between two fetches of one document, whatever asks for them on whatever node. */
export const DOCUMENT_COOLDOWN = 10

type Queries = Pick<Database, 'query'>

/** A fetch that only this node may make. */
export interface DocumentClaim {
  readonly clientId: string
  readonly number: number
}

/** What is known of a document. */
export interface StoredDocument {
  /** The latest document; null: none was read. */
  readonly settings: ClientIdDocument['settings'] | null
  /** Whether the document may be used without another fetch. */
  readonly isFresh: boolean
  /** Whether a node fetches at this moment. */
  readonly isRunning: boolean
  /** Whether the document may be fetched now: it is not fresh, and the cooldown is over. */
  readonly isDue: boolean
  /** Whether a user has signed in with the client. */
  readonly isClientStored: boolean
  /** Why the latest fetch failed; null: it did not. */
  readonly failure: string | null
}

const READ = `
  SELECT settings, coalesce(fresh_until > clock_timestamp(), false) AS "isFresh",
         finished_number < fetch_number AND claimed_at > clock_timestamp() - make_interval(secs => $2) AS "isRunning",
         coalesce(fresh_until <= clock_timestamp(), true) AND claimed_at <= clock_timestamp() - make_interval(secs => $3) AS "isDue",
         EXISTS (SELECT FROM clients c WHERE c.client_id = d.client_id) AS "isClientStored", failure
    FROM client_id_documents d WHERE d.client_id = $1`

// A document that another node has just fetched is not claimed.
const CLAIM = `
  INSERT INTO client_id_documents AS d (client_id, claimed_at) VALUES ($1, clock_timestamp())
  ON CONFLICT (client_id) DO UPDATE SET fetch_number = d.fetch_number + 1, claimed_at = clock_timestamp()
   WHERE d.claimed_at <= clock_timestamp() - make_interval(secs => $2)
     AND coalesce(d.fresh_until <= clock_timestamp(), true)
  RETURNING fetch_number AS number`

// Only the latest claim stores what it found: a slow response cannot bring an earlier document back.
const SAVE = `
  UPDATE client_id_documents
     SET settings = $3::jsonb, fresh_until = claimed_at + make_interval(secs => $4), finished_number = $2, failure = NULL
   WHERE client_id = $1 AND fetch_number = $2`

// An error is no document (draft, section 5.2): the document before it does not count any more either.
const FAIL = `
  UPDATE client_id_documents SET fresh_until = NULL, finished_number = $2, failure = $3
   WHERE client_id = $1 AND fetch_number = $2`

/**
 * @param seconds `time` within which a fetch ends, and `cooldown` between two
 * @returns undefined: nobody has asked for the document
 */
export async function readStoredDocument(
  db: Queries,
  clientId: string,
  { time, cooldown }: { readonly time: number; readonly cooldown: number },
): Promise<StoredDocument | undefined> {
  const values = [clientId, time, cooldown]
  const rows = await db.query<StoredDocument>({ name: 'client_document', text: READ, values })
  return rows[0]
}

/** Claims a fetch, which PostgreSQL grants once in a cooldown over all nodes. Undefined: not now. */
export async function claimDocument(
  db: Queries,
  clientId: string,
  cooldown: number,
): Promise<DocumentClaim | undefined> {
  const values = [clientId, cooldown]
  const rows = await db.query<{ number: number }>({ name: 'client_document_claimed', text: CLAIM, values })
  return rows[0] && { clientId, number: rows[0].number }
}

export async function saveDocument(
  db: Queries,
  { clientId, number }: DocumentClaim,
  { settings, freshFor }: ClientIdDocument,
): Promise<void> {
  const values = [clientId, number, JSON.stringify(settings), freshFor]
  await db.query({ name: 'client_document_saved', text: SAVE, values })
}

export async function saveDocumentFailure(
  db: Queries,
  { clientId, number }: DocumentClaim,
  failure: string,
): Promise<void> {
  await db.query({ name: 'client_document_failed', text: FAIL, values: [clientId, number, failure.slice(0, 500)] })
}

/** The document that was read last, however old; undefined: none was. For what was asked with it before. */
export async function findLatestDocument(
  db: Knex,
  clientId: string,
): Promise<ClientIdDocument['settings'] | undefined> {
  const row = await db('client_id_documents').where({ client_id: clientId }).first('settings')
  return row?.settings ?? undefined
}

/** Deletes at most `limit` documents whose client is not stored, a day after they were fetched last. */
export async function deleteUnusedClientDocuments(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM client_id_documents WHERE client_id IN (
       SELECT d.client_id FROM client_id_documents d
        WHERE d.claimed_at < now() - interval '1 day' AND NOT EXISTS (SELECT FROM clients c WHERE c.client_id = d.client_id)
        ORDER BY d.claimed_at LIMIT ?)`,
    [limit],
  )
  return rowCount
}
