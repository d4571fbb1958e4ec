import type { Database } from '../database/open-database.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import { isId } from '../shared/ids.ts'
import { CachedLists, type Following, type StatusListToken } from './cached-lists.ts'
import { ListTokenSigner, type SignerOptions } from './list-token-signer.ts'
import { listStatusLists, type StatusList } from './status-lists.ts'

/** Milliseconds for which the list of all status lists is cached. */
const LISTS_MAX_AGE = 1000

/**
 * Publishes the token status lists, by which resource servers learn offline that a token was revoked (IETF Token Status List).
 * A list lacks no revocation that was committed before the time in its `iat`.
 */
export class StatusPublication {
  readonly #db: Database
  readonly #lists: CachedLists
  readonly #signer: ListTokenSigner
  #allLists: { readonly readAt: number; readonly lists: Promise<StatusList[]> } | undefined

  constructor(db: Database, follower: Following, keyRings: KeyRings, options: SignerOptions) {
    this.#db = db
    this.#lists = new CachedLists(db, follower, options.ttl * 3000)
    this.#signer = new ListTokenSigner(db, this.#lists, follower, keyRings, options)
  }

  /** The status list token of a list. Undefined when there is no such list. */
  async token(listId: string): Promise<StatusListToken | undefined> {
    if (!isId(listId)) return undefined
    const cached = await this.#lists.find(listId.toLowerCase())
    return cached && (await this.#signer.tokenOf(cached))
  }

  /** All status lists. */
  lists(): Promise<readonly StatusList[]> {
    if (this.#allLists && performance.now() - this.#allLists.readAt <= LISTS_MAX_AGE) return this.#allLists.lists
    const lists = listStatusLists(this.#db)
    this.#allLists = { readAt: performance.now(), lists }
    lists.catch(() => {
      this.#allLists = undefined
    })
    return lists
  }
}
