import { backoff } from './backoff.ts'
import { type Clock, elapsedSince, nowSince } from './clock.ts'
import { beginCoverage, type Coverage, isLive, reachesBackTo, sinceTold } from './coverage.ts'
import { InvalidAnswerError, messageOf, type Report } from './errors.ts'
import type { HeldList } from './held-list.ts'
import { ListShelf } from './list-shelf.ts'
import type { ListSource } from './list-source.ts'
import type { ListCopy } from './list-token.ts'

/**
 * Of a token, by its list. `unknown`: the list is not to be had, or what is at hand is too old. `forgotten`: the same of a list
 * that made room, and of which no longer is known which of its tokens were dead.
 */
export type Verdict = 'valid' | 'revoked' | 'unknown' | 'forgotten' | 'out_of_range' | 'foreign'

/** What the feed says of one list. */
export interface ListChange {
  readonly uri: string
  /** Positions that are dead. */
  readonly indexes?: readonly number[]
  /** The same as a bit for each token. */
  readonly dead?: Uint8Array
}

export interface StatusListsOptions {
  readonly source: ListSource
  readonly clock: Clock
  /** Lists of any other are never fetched. */
  readonly origin: string
  /** Milliseconds; undefined: by each list's own `ttl`. */
  readonly maxAge: number | undefined
  /** Milliseconds. */
  readonly clockTolerance: number
  readonly maxLists: number
  readonly report: Report
}

/** Milliseconds. */
const FIRST_PAUSE = 500
const LONGEST_PAUSE = 15_000
/** Added to two `ttl`: what an answer and two clocks may take. */
const AGE_MARGIN = 30_000

function isAllowed(uri: string, origin: string): boolean {
  if (!URL.canParse(uri)) return false
  const url = new URL(uri)
  return url.origin === origin && url.username === '' && url.password === '' && url.hash === ''
}

/** Every list that this process knows, whoever told: the server asked, or the feed. */
export class StatusLists {
  private readonly options: StatusListsOptions
  private readonly shelf: ListShelf
  private coverage: Coverage | undefined
  /** Where the next coverage begins, by what the feed said when it was opened. */
  private since: number | undefined

  constructor(options: StatusListsOptions) {
    this.options = options
    this.shelf = new ListShelf(options.clock, options.maxLists)
  }

  /** No promise where the answer is at hand: that is nearly always, and a verification must not pay for the rest. */
  check(uri: string, index: number): Verdict | Promise<Verdict> {
    const list = this.find(uri)
    if (!list) return 'foreign'
    list.usedAt = this.options.clock.monotonic()
    if (list.isDead(index)) return 'revoked'
    const freshness = this.freshness(list)
    if (freshness === 'fresh') return this.judge(list, index)
    const refreshing = this.refresh(list)
    if (freshness === 'due' || !refreshing) return this.judge(list, index)
    return refreshing.then(() => this.judge(list, index))
  }

  /** @throws InvalidAnswerError where a list is not the issuer's; then nothing was changed */
  apply(changes: readonly ListChange[], at: number): void {
    if (!changes.every(({ uri }) => isAllowed(uri, this.options.origin))) {
      throw new InvalidAnswerError('names a list of another origin')
    }
    for (const { uri, indexes, dead } of changes) {
      const list = this.find(uri)!
      if (indexes) list.kill(indexes)
      if (dead) list.killAll(dead)
      // At once: the next one may need the room, and what is put away must say how far it was known.
      list.lastEvent = Math.max(list.lastEvent, at)
    }
  }

  /** What the feed tells from now on begins there. */
  begin(since: number): void {
    this.reset()
    this.since = since
  }

  /** The feed has told everything that was committed before. */
  heard(at: number): void {
    this.coverage = beginCoverage(this.coverage?.since ?? this.since ?? at, at, this.options.clock)
  }

  /** The feed broke off. What it told stays true; the next connection goes on from there. */
  disconnected(): void {
    if (this.coverage) this.coverage = { ...this.coverage, connected: false }
  }

  /** The feed cannot go on from where it broke off: what comes next is another stretch. */
  reset(): void {
    for (const list of this.shelf.all()) {
      if (!this.isCovered(list)) continue
      list.learn(this.coverage!.until, this.coverage!.heardAt)
      list.checkedAt = this.coverage!.heardAt
    }
    this.coverage = undefined
    this.since = undefined
  }

  isLive(): boolean {
    const { clock, clockTolerance } = this.options
    return this.coverage !== undefined && isLive(this.coverage, clock, clockTolerance)
  }

  get size(): number {
    return this.shelf.size
  }

  private find(uri: string): HeldList | undefined {
    return this.shelf.get(uri) ?? (isAllowed(uri, this.options.origin) ? this.shelf.add(uri) : undefined)
  }

  private judge(list: HeldList, index: number): Verdict {
    if (list.isDead(index)) return 'revoked'
    const { copy } = list
    if (!copy) return list.forgotten > 0 ? 'forgotten' : 'unknown'
    if (index >= copy.count) return 'out_of_range'
    const { clock, clockTolerance } = this.options
    if (nowSince(clock, list.learnedAt) >= copy.expiresAt + clockTolerance) return 'unknown'
    return this.isTooOld(list, copy) ? 'unknown' : 'valid'
  }

  /** `due`: good enough to answer with while a newer copy is fetched. */
  private freshness(list: HeldList): 'fresh' | 'due' | 'overdue' {
    const { copy } = list
    if (!copy) return 'overdue'
    const { clock, clockTolerance } = this.options
    const sinceFetched = elapsedSince(clock, list.checkedAt)
    if (list.isWorthAsking(sinceFetched) && this.isTooOld(list, copy)) return 'overdue'
    if (!list.isDue(sinceFetched)) return 'fresh'
    const covered = this.isCovered(list)
    if (covered && this.isLive()) return this.ageUnderFeed(list, copy)
    const sinceHeard = covered ? sinceTold(this.coverage!, clock, clockTolerance) : sinceFetched
    const sinceChecked = Math.min(sinceFetched, sinceHeard)
    if (!list.isDue(sinceChecked)) return 'fresh'
    return sinceChecked < copy.ttl ? 'due' : 'overdue'
  }

  /** The feed tells what changes; only a copy that expires must be replaced (Token Status List, section 8.3). */
  private ageUnderFeed(list: HeldList, { issuedAt, expiresAt }: ListCopy): 'fresh' | 'due' | 'overdue' {
    const now = nowSince(this.options.clock, list.learnedAt)
    if (now >= expiresAt) return 'overdue'
    return now - issuedAt > (expiresAt - issuedAt) / 2 ? 'due' : 'fresh'
  }

  private isCovered(list: HeldList): boolean {
    return this.coverage !== undefined && list.copy !== undefined && reachesBackTo(this.coverage, list.asOf)
  }

  /** Judged by the list, and by the feed where that told the rest. */
  private isTooOld(list: HeldList, { ttl }: ListCopy): boolean {
    const { clock, maxAge = 2 * ttl + AGE_MARGIN } = this.options
    if (nowSince(clock, list.learnedAt) - list.asOf <= maxAge) return false
    return !this.isCovered(list) || nowSince(clock, this.coverage!.heardAt) - this.coverage!.until > maxAge
  }

  /** One request at a time, whoever waits; undefined while the last failure is too fresh to try again. Never rejects. */
  private refresh(list: HeldList): Promise<void> | undefined {
    if (!list.refreshing && list.mayAsk()) {
      list.refreshing = this.renew(list).finally(() => {
        list.refreshing = undefined
      })
    }
    return list.refreshing
  }

  private async renew(list: HeldList): Promise<void> {
    try {
      const fetched = await this.options.source(list.uri, list.copy && list.etag)
      if (fetched) list.accept(fetched.copy, fetched.etag)
      else list.confirm()
    } catch (cause) {
      list.fail(backoff(list.failures + 1, FIRST_PAUSE, LONGEST_PAUSE))
      const code = cause instanceof InvalidAnswerError ? 'list_invalid' : 'list_unavailable'
      this.options.report({ code, message: `${list.uri}: ${messageOf(cause)}`, cause })
    }
  }
}
