import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { Database } from '../database/open.ts'
import { signJwt } from '../keys/jwt.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import { isId } from '../shared/ids.ts'
import { addPlaces, type Bitmap, emptyBitmap, encode } from './status-bitmap.ts'
import type { StatusChanges } from './status-changes.ts'
import type { StatusFollower } from './status-follower.ts'
import { listStatusLists, readList, type StatusList, statusUri } from './status-lists.ts'

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

/** Lists that are kept ready, some 12 KiB each. */
const KEPT = 4096

/** After this long a list is read anew all the same, in milliseconds: it may have vanished, or its API sign otherwise. */
const READ_ANEW = 600_000

interface Kept {
  /** Undefined: there is no such list. */
  list: StatusList | undefined
  signingAlg: SigningAlg
  readonly revoked: Bitmap
  /** What was committed by then is in it, unless the follower has come further since. */
  at: number
  readonly readAt: number
  /** What is signed, and as of when; undefined once more was revoked. */
  signed: { readonly at: number; readonly token: StatusListToken } | undefined
  signing: Promise<StatusListToken> | undefined
}

export function createStatusPublication(
  db: Database,
  follower: StatusFollower,
  rings: KeyRings,
  options: { readonly issuer: string; readonly ttl: number },
): StatusPublication {
  const { issuer, ttl } = options
  const kept = new LRUCache<string, Kept>({ max: KEPT })
  const reading = new Map<string, Promise<Kept>>()
  let stopListening: (() => void) | undefined
  let askedAt = 0
  /** Another one after each time that the thread was lost, and with it what arrived while a list was being read. */
  let thread = {}
  let listed: { readonly at: number; readonly lists: Promise<StatusList[]> } | undefined

  /** Changes that arrive while a list is being read are put into it afterwards: which came first does not matter. */
  const arriving = new Map<string, Bitmap>()

  function onChanges({ changes }: StatusChanges): void {
    for (const { list, revoked } of changes) {
      const one = kept.peek(list.id)
      if (one && addPlaces(one.revoked, revoked)) one.signed = undefined
      const waiting = arriving.get(list.id)
      if (waiting) addPlaces(waiting, revoked)
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
    if (!follower.position() || follower.behind() > BEHIND) await follower.caughtUp()
  }

  /** Without its database this node still knows what it knew, and says as of when. @throws what the database does */
  async function followUnlessKept(id: string): Promise<void> {
    const following = follow()
    const patience = kept.has(id) ? PATIENCE : undefined
    if (patience === undefined) return await following
    await Promise.race([following, sleep(patience, undefined, { ref: false })]).catch(() => undefined)
  }

  async function read(id: string): Promise<Kept> {
    const meanwhile = emptyBitmap()
    const before = thread
    arriving.set(id, meanwhile)
    try {
      const found = await readList(db, id)
      if (found) addPlaces(found.revoked, meanwhile)
      const fresh = { readAt: performance.now(), signed: undefined, signing: undefined }
      const absent = { list: undefined, signingAlg: 'ES256' as const, revoked: meanwhile, at: 0 }
      const one: Kept = { ...absent, ...found, ...fresh }
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
    return Math.max(one.at, (isTold && follower.position()?.at) || 0)
  }

  async function sign(one: Kept): Promise<StatusListToken> {
    const at = asOf(one)
    const iat = Math.floor(at / 1000)
    // Before it is packed: what comes while it is being packed must be packed again.
    const signed = { at, token: undefined as unknown as StatusListToken }
    one.signed = signed
    const jwt = await signJwt(rings.ring.current(one.signingAlg), 'statuslist+jwt', {
      iss: issuer,
      sub: statusUri(issuer, one.list!.id),
      iat,
      exp: iat + lifeOf(ttl),
      ttl,
      status_list: { bits: 1, lst: await encode(one.revoked.slice()) },
    })
    const etag = `"${createHash('sha256').update(jwt).digest('base64url').slice(0, 27)}"`
    signed.token = { jwt, etag }
    return signed.token
  }

  /** With what the database has told since, and not older than half a `ttl`. */
  async function signedNow(one: Kept): Promise<StatusListToken> {
    if (one.signing) {
      // It may lack what arrived since it was begun.
      await one.signing.catch(() => undefined)
      return await signedNow(one)
    }
    if (one.signed?.token && asOf(one) - one.signed.at < ttl * 500) return one.signed.token
    one.signing = sign(one).finally(() => {
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
