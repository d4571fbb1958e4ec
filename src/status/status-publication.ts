import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { Database } from '../database/open-database.ts'
import { signJwt } from '../keys/jwt.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import { isId } from '../shared/ids.ts'
import { type CachedListToken, isSignedAlike, readCachedListToken, saveCachedListToken } from './cached-list-tokens.ts'
import type { FeedCursor } from './feed-cursors.ts'
import { addIndexes, type Bitmap, emptyBitmap, encode, LARGEST_LIST } from './status-bitmap.ts'
import type { StatusChanges } from './status-changes.ts'
import type { StatusFollower } from './status-follower.ts'
import { createListReader } from './status-list-reader.ts'
import { listStatusLists, type StatusList, statusUri } from './status-lists.ts'

/** A signed list, as it is served. */
export interface StatusListToken {
  readonly jwt: string
  readonly etag: string
}

export interface StatusPublication {
  /** Undefined: there is no such list, or none any more. */
  token(listId: string): Promise<StatusListToken | undefined>
  /** All lists that there are. */
  lists(): Promise<readonly StatusList[]>
}

/**
 * Seconds for which a list token is good: as old as it may be when it is fetched (half a `ttl`), kept by a CDN and then by
 * a resource server (a `ttl` each), and clocks that differ by a minute.
 */
export const lifeOf = (ttl: number): number => 3 * ttl + 60

/** How far a list that is served may be behind, in milliseconds. */
const BEHIND = 500

/** How long a list that is at hand waits for a database that does not answer, in milliseconds. */
const PATIENCE = 1000

/** Bytes of lists that are kept ready, bitmap and signed form. */
const KEPT_BYTES = 64 * 1024 * 1024
const sizeOf = ({ revoked }: Kept): number => revoked.length * 2 + 4096

/** After this long a list is read anew all the same, in milliseconds: it may have vanished, or its API sign otherwise. */
const READ_ANEW = 600_000

interface Kept {
  /** Undefined: there is no such list. */
  list: StatusList | undefined
  signingAlg: SigningAlg
  readonly revoked: Bitmap
  /** What was committed by then is in it, unless the follower has come further since. */
  at: number
  /** A signed form as of before lacks something; milliseconds, by the database's clock. */
  changedAt: number
  readonly readAt: number
  /** What is signed, and as of when; undefined once more was revoked. */
  signed: { readonly at: number; readonly token: StatusListToken } | undefined
  signing: Promise<StatusListToken> | undefined
}

const etagOf = (jwt: string): string => `"${createHash('sha256').update(jwt).digest('base64url').slice(0, 27)}"`

export function createStatusPublication(
  db: Database,
  follower: StatusFollower,
  rings: KeyRings,
  options: { readonly issuer: string; readonly ttl: number },
): StatusPublication {
  const { issuer, ttl } = options
  const kept = new LRUCache<string, Kept>({ maxSize: KEPT_BYTES, sizeCalculation: sizeOf })
  const readList = createListReader(db)
  const reading = new Map<string, Promise<Kept>>()
  let stopListening: (() => void) | undefined
  let askedAt = 0
  /** Another one after each time that the thread was lost, and with it what arrived while a list was being read. */
  let thread = {}
  let listed: { readonly at: number; readonly lists: Promise<StatusList[]> } | undefined

  /** Changes that arrive while a list is being read are put into it afterwards: which came first does not matter. */
  const arriving = new Map<string, Bitmap>()

  function onChanges({ changes, cursor }: StatusChanges): void {
    for (const { list, revoked } of changes) {
      const one = kept.peek(list.id)
      if (one && addIndexes(one.revoked, revoked)) {
        one.signed = undefined
        one.changedAt = cursor.at
      }
      const waiting = arriving.get(list.id)
      if (waiting) addIndexes(waiting, revoked)
    }
    if (performance.now() - askedAt > ttl * 3000) forget()
  }

  function onLost(): void {
    thread = {}
    kept.clear()
  }

  function forget(): void {
    stopListening?.()
    stopListening = undefined
    onLost()
  }

  /** Following costs a statement now and then: it ends when nobody has asked for a list in a while. */
  async function follow(): Promise<void> {
    askedAt = performance.now()
    stopListening ??= follower.listen({ onChanges, onLost })
    if (!follower.cursor() || follower.behind() > BEHIND) await follower.caughtUp()
  }

  /** Without its database this node still knows what it knew, and says as of when. @throws what the database does */
  async function followUnlessKept(id: string): Promise<void> {
    const following = follow()
    const patience = kept.has(id) ? PATIENCE : undefined
    if (patience === undefined) return await following
    await Promise.race([following, sleep(patience, undefined, { ref: false })]).catch(() => undefined)
  }

  async function read(id: string): Promise<Kept> {
    const meanwhile = emptyBitmap(LARGEST_LIST)
    const before = thread
    arriving.set(id, meanwhile)
    try {
      const found = await readList(id)
      const { copy: shared, ...reading } = found ?? {}
      const copy = found && addIndexes(found.revoked, meanwhile) ? undefined : shared
      const fresh = { readAt: performance.now(), signed: undefined, signing: undefined }
      const absent = { list: undefined, signingAlg: 'ES256' as const, revoked: meanwhile, at: 0 }
      const one: Kept = { ...absent, ...reading, ...fresh, changedAt: copy?.cursor.at ?? found?.at ?? 0 }
      if (copy) takeCopy(one, copy)
      // What does not exist is not remembered: anybody can make up ids.
      if (found && thread === before) kept.set(id, one)
      else kept.delete(id)
      return one
    } finally {
      arriving.delete(id)
    }
  }

  async function find(id: string): Promise<Kept> {
    const one = kept.get(id)
    if (one && performance.now() - one.readAt < READ_ANEW) return one
    const underWay = reading.get(id) ?? read(id).finally(() => reading.delete(id))
    reading.set(id, underWay)
    return await underWay.catch((error) => {
      if (one) return one
      throw error
    })
  }

  /** Only what is kept is told what happens; one that was taken away meanwhile stays as it was read. */
  function asOf(one: Kept): number {
    const isTold = kept.peek(one.list!.id) === one
    return Math.max(one.at, (isTold && follower.cursor()?.at) || 0)
  }

  const uriOf = (one: Kept): string => statusUri(issuer, one.list!.id)

  /** Serves what another node signed, where it lacks nothing and is not older than half a `ttl`. */
  function takeCopy(one: Kept, copy: CachedListToken): StatusListToken | undefined {
    const { at, timeline } = copy.cursor
    const { kid } = rings.ring.current(one.signingAlg)
    const isLate = at < one.changedAt || asOf(one) - at >= ttl * 500
    const isOfNow = timeline === (follower.cursor()?.timeline ?? timeline)
    if (isLate || !isOfNow || !isSignedAlike(copy, { kid, iss: issuer, sub: uriOf(one), ttl })) return undefined
    const token = { jwt: copy.jwt, etag: etagOf(copy.jwt) }
    one.signed = { at, token }
    return token
  }

  /** What is signed as of the follower's position is signed for every node; where that fails, each signs for itself. */
  function share(one: Kept, jwt: string, cursor: FeedCursor | undefined): void {
    if (cursor) void saveCachedListToken(db, one.list!.key, { jwt, cursor }).catch(() => undefined)
  }

  /** One that was just read is ahead of the follower: only at a position can its signed form be shared. */
  async function reachCursor(one: Kept): Promise<void> {
    if ((follower.cursor()?.at ?? 0) < one.at) await follower.caughtUp().catch(() => undefined)
  }

  async function sign(one: Kept): Promise<StatusListToken> {
    await reachCursor(one)
    const at = asOf(one)
    const cursor = follower.cursor()
    const iat = Math.floor(at / 1000)
    // Before it is packed: what comes while it is being packed must be packed again.
    const signed = { at, token: undefined as unknown as StatusListToken }
    one.signed = signed
    const jwt = await signJwt(rings.ring.current(one.signingAlg), 'statuslist+jwt', {
      iss: issuer,
      sub: uriOf(one),
      iat,
      exp: iat + lifeOf(ttl),
      ttl,
      status_list: { bits: 1, lst: await encode(one.revoked.slice()) },
    })
    signed.token = { jwt, etag: etagOf(jwt) }
    share(one, jwt, cursor?.at === at ? cursor : undefined)
    return signed.token
  }

  /** Undefined also where the database does not answer: a list that is at hand does not wait for it. */
  async function findCopy(one: Kept): Promise<CachedListToken | undefined> {
    if (follower.behind() > BEHIND) return undefined
    const patience = sleep(PATIENCE, undefined, { ref: false })
    return await Promise.race([readCachedListToken(db, one.list!.key), patience]).catch(() => undefined)
  }

  async function signUnlessShared(one: Kept): Promise<StatusListToken> {
    const copy = await findCopy(one)
    return (copy && takeCopy(one, copy)) ?? (await sign(one))
  }

  /** With what the database has told since, and not older than half a `ttl`. */
  async function signedNow(one: Kept): Promise<StatusListToken> {
    if (one.signing) {
      // It may lack what arrived since it was begun.
      await one.signing.catch(() => undefined)
      return await signedNow(one)
    }
    if (one.signed?.token && asOf(one) - one.signed.at < ttl * 500) return one.signed.token
    one.signing = signUnlessShared(one).finally(() => {
      one.signing = undefined
    })
    return await one.signing
  }

  return {
    async token(listId) {
      if (!isId(listId)) return undefined
      const id = listId.toLowerCase()
      await followUnlessKept(id)
      const one = await find(id)
      return one.list && (await signedNow(one))
    },
    lists() {
      if (!listed || performance.now() - listed.at > 1000) {
        const lists = listStatusLists(db)
        listed = { at: performance.now(), lists }
        lists.catch(() => {
          listed = undefined
        })
      }
      return listed.lists
    },
  }
}
