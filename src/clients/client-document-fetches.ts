import type { Database } from '../database/open-database.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import {
  type ClientIdDocument,
  ClientIdDocumentError,
  DOCUMENT_LIMITS,
  readClientIdDocument,
} from './client-id-documents.ts'
import { clientIdUrlError, hostOfClientId } from './client-id-urls.ts'
import type { AllowedSchemes } from './redirect-uris.ts'
import {
  claimDocument,
  DOCUMENT_COOLDOWN,
  type DocumentClaim,
  readStoredDocument,
  type StoredDocument,
  saveDocument,
  saveDocumentFailure,
} from './stored-client-documents.ts'

type Settings = ClientIdDocument['settings']

/** Milliseconds between two looks at the fetch of another node. */
const POLL = 100

/** Seconds after which a fetch has ended or its node has stopped. */
const LONGEST_FETCH = DOCUMENT_LIMITS.time / 1000 + 1

/** Fetches of one node at once. */
const MAX_AT_ONCE = 50

const REQUEST = { headers: { accept: 'application/json' } }

/** Finds what clients say of themselves at the URLs that are their client IDs. */
export interface ClientDocuments {
  /**
   * The document of a client ID, at most as old as the document permits. A document that is not known, or no longer fresh, is fetched by
   * one node, for which the others wait.
   * @param ip who asks
   * @throws ClientIdDocumentError (no client ID, or there is no usable document); KeywrightError `unavailable` (too many fetches);
   * RateLimitedError
   */
  documentOf(clientId: string, ip: string): Promise<Settings>
}

export interface ClientDocumentsOptions {
  readonly database: Pick<Database, 'query'>
  /** Follows no redirect, and calls no private address unless the operator permits it. */
  fetch(url: string, init: RequestInit, limits: typeof DOCUMENT_LIMITS): Promise<Response>
  readonly log: Log
  /** Whether private addresses are called too: then strangers do not learn what these respond. */
  readonly hidesResponses: boolean
  /** Counts a fetch from this host for who asks, unless the client is stored: then only the cooldown limits it. @throws RateLimitedError */
  limit(host: string, ip: string): Promise<void>
  /** URI schemes without a dot that an operator allows. */
  schemes(): Promise<AllowedSchemes>
  /** Seconds between two fetches of one document. */
  readonly cooldown?: number
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const UNREADABLE = 'the document of the client could not be read'

export function createClientDocuments({
  database,
  fetch,
  log,
  hidesResponses,
  limit,
  schemes,
  cooldown = DOCUMENT_COOLDOWN,
}: ClientDocumentsOptions): ClientDocuments {
  const running = new Map<string, Promise<Settings>>()

  /** Why a fetch failed, for people. What an error says beside that is for the log. */
  function explain(clientId: string, error: unknown): string {
    const known = error instanceof KeywrightError ? error : undefined
    const cause = known?.cause ?? error
    log.warn({ client_id: clientId, detail: String((cause as Error).message ?? cause) }, 'client document not fetched')
    return known && !hidesResponses ? known.message : UNREADABLE
  }

  async function run(claim: DocumentClaim): Promise<void> {
    const { clientId } = claim
    let found: ClientIdDocument
    try {
      found = await readClientIdDocument(clientId, await fetch(clientId, REQUEST, DOCUMENT_LIMITS), await schemes())
    } catch (error) {
      await saveDocumentFailure(database, claim, explain(clientId, error))
      return
    }
    await saveDocument(database, claim, found)
  }

  /** What the node that claimed the latest fetch found. */
  async function outcome(clientId: string): Promise<StoredDocument | undefined> {
    for (let waited = 0; ; waited += POLL) {
      const stored = await readStoredDocument(database, clientId, { time: LONGEST_FETCH, cooldown })
      if (!stored?.isRunning || waited > LONGEST_FETCH * 1000) return stored
      await sleep(POLL)
    }
  }

  async function find(clientId: string, ip: string): Promise<Settings> {
    const known = await readStoredDocument(database, clientId, { time: LONGEST_FETCH, cooldown })
    if (known?.isFresh) return known.settings!
    if (!known || known.isDue) {
      if (!known?.isClientStored) await limit(hostOfClientId(clientId), ip)
      const claim = await claimDocument(database, clientId, cooldown)
      if (claim) await run(claim)
    }
    const stored = await outcome(clientId)
    if (stored?.isFresh) return stored.settings!
    throw new ClientIdDocumentError(stored?.failure ?? UNREADABLE)
  }

  return {
    async documentOf(clientId, ip) {
      const error = clientIdUrlError(clientId)
      if (error) throw new ClientIdDocumentError(error)
      const found = running.get(clientId)
      if (found) return await found
      if (running.size >= MAX_AT_ONCE)
        throw new KeywrightError('unavailable', 'too many documents of clients are read at once')
      const started = find(clientId, ip).finally(() => running.delete(clientId))
      running.set(clientId, started)
      return await started
    },
  }
}
