import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../database/open-database.ts'
import { signJwt } from '../keys/jwt.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import { type CachedListToken, isSignedAlike, readCachedListToken, saveCachedListToken } from './cached-list-tokens.ts'
import {
  type CachedList,
  type CachedLists,
  DATABASE_TIMEOUT,
  type Following,
  MAX_BEHIND,
  type StatusListToken,
} from './cached-lists.ts'
import type { FeedCursor } from './feed-cursors.ts'
import { encode } from './status-bitmap.ts'
import { statusUri } from './status-lists.ts'

/**
 * The lifetime of a status list token, in seconds. It covers its age when it is fetched (half a `ttl`), a CDN and then a
 * resource server that cache it (a `ttl` each), and clocks that differ by a minute.
 */
const lifetimeOf = (ttl: number): number => 3 * ttl + 60

const etagOf = (jwt: string): string => `"${createHash('sha256').update(jwt).digest('base64url').slice(0, 27)}"`
const toToken = (jwt: string): StatusListToken => ({ jwt, etag: etagOf(jwt) })

export interface SignerOptions {
  readonly issuer: string
  /** Seconds. */
  readonly ttl: number
}

/** Signs status list tokens (Token Status List, section 5.1). One node signs, and the others serve its token. */
export class ListTokenSigner {
  readonly #db: Database
  readonly #lists: CachedLists
  readonly #follower: Following
  readonly #keyRings: KeyRings
  readonly #issuer: string
  readonly #ttl: number

  constructor(
    db: Database,
    lists: CachedLists,
    follower: Following,
    keyRings: KeyRings,
    { issuer, ttl }: SignerOptions,
  ) {
    this.#db = db
    this.#lists = lists
    this.#follower = follower
    this.#keyRings = keyRings
    this.#issuer = issuer
    this.#ttl = ttl
  }

  /** A token with every revocation of the list, not older than half a `ttl`. */
  async tokenOf(cached: CachedList): Promise<StatusListToken> {
    // The token that is being signed may lack revocations that have arrived since.
    while (cached.signing) await cached.signing.catch(() => undefined)
    const { signed } = cached
    // A list that a revoked key signed is signed again.
    const isUsable = signed && this.#isRecent(cached, signed.at) && this.#keyRings.ring.byId(signed.kid)
    if (isUsable && signed.token) return signed.token
    cached.signing = this.#useSharedOrSign(cached).finally(() => {
      cached.signing = undefined
    })
    return await cached.signing
  }

  #isRecent(cached: CachedList, signedAt: number): boolean {
    return this.#lists.currentAt(cached) - signedAt < this.#ttl * 500
  }

  #uriOf({ list }: CachedList): string {
    return statusUri(this.#issuer, list.id)
  }

  async #useSharedOrSign(cached: CachedList): Promise<StatusListToken> {
    const { shared } = cached
    cached.shared = undefined
    const token = this.#useShared(cached, shared) ?? this.#useShared(cached, await this.#readShared(cached))
    return token ?? (await this.#sign(cached))
  }

  /** The token that another node signed, unless it lacks a revocation, is too old, or differs from what this node would sign. */
  #useShared(cached: CachedList, shared: CachedListToken | undefined): StatusListToken | undefined {
    if (!shared) return undefined
    const { at, timeline } = shared.cursor
    if (at < cached.changedAt || !this.#isRecent(cached, at)) return undefined
    if (timeline !== (this.#follower.cursor()?.timeline ?? timeline)) return undefined
    const { kid } = this.#keyRings.ring.current(cached.signingAlg)
    if (!isSignedAlike(shared, { kid, iss: this.#issuer, sub: this.#uriOf(cached), ttl: this.#ttl })) return undefined
    const token = toToken(shared.jwt)
    cached.signed = { at, kid, token }
    return token
  }

  /** Undefined also when the database does not answer: a cached list is served without it. */
  async #readShared(cached: CachedList): Promise<CachedListToken | undefined> {
    if (this.#follower.behind() > MAX_BEHIND) return undefined
    const timeout = sleep(DATABASE_TIMEOUT, undefined, { ref: false })
    return await Promise.race([readCachedListToken(this.#db, cached.list.key), timeout]).catch(() => undefined)
  }

  async #sign(cached: CachedList): Promise<StatusListToken> {
    await this.#catchUpWith(cached)
    const at = this.#lists.currentAt(cached)
    const cursor = this.#follower.cursor()
    const iat = Math.floor(at / 1000)
    // Set before the bitmap is compressed: a revocation that arrives meanwhile clears it, and the list is signed again.
    const key = this.#keyRings.ring.current(cached.signingAlg)
    const signed: NonNullable<CachedList['signed']> = { at, kid: key.kid, token: undefined }
    cached.signed = signed
    const jwt = await signJwt(key, 'statuslist+jwt', {
      iss: this.#issuer,
      sub: this.#uriOf(cached),
      iat,
      exp: iat + lifetimeOf(this.#ttl),
      ttl: this.#ttl,
      status_list: { bits: 1, lst: await encode(cached.revoked.slice()) },
    })
    signed.token = toToken(jwt)
    this.#share(cached, jwt, cursor?.at === at ? cursor : undefined)
    return signed.token
  }

  /** A list that was just read is ahead of the follower. Only a token that was signed at a cursor can be shared. */
  async #catchUpWith(cached: CachedList): Promise<void> {
    if ((this.#follower.cursor()?.at ?? 0) < cached.at) await this.#follower.catchUp().catch(() => undefined)
  }

  /** Saves the token for the other nodes. If that fails, each node signs its own. */
  #share(cached: CachedList, jwt: string, cursor: FeedCursor | undefined): void {
    if (cursor) void saveCachedListToken(this.#db, cached.list.key, { jwt, cursor }).catch(() => undefined)
  }
}
